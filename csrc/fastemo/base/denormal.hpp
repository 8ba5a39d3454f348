// Subnormal numbers cost a hundred times a normal operation: while samples are processed they count as zero.
#pragma once

#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace fastemo {

class DenormalScope {
public:
#if defined(__SSE2__) || defined(_M_X64)
    DenormalScope() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
    ~DenormalScope() { _mm_setcsr(saved_); }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    DenormalScope() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_));
        const std::uint64_t flush = saved_ | (std::uint64_t(1) << 24);
        asm volatile("msr fpcr, %0" ::"r"(flush));
    }
    ~DenormalScope() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }
#else
    DenormalScope() : saved_(0) {}
    ~DenormalScope() {}
#endif
    DenormalScope(const DenormalScope&) = delete;
    DenormalScope& operator=(const DenormalScope&) = delete;

private:
#if defined(__aarch64__)
    std::uint64_t saved_;
#else
    unsigned saved_;
#endif
};

}  // namespace fastemo
