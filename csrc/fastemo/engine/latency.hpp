// Latency histograms: a few nanoseconds a reading, four significant bits, no allocation.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#elif defined(_M_X64)
#include <intrin.h>
#endif

namespace fastemo {

// A free-running counter; its rate is measured against the wall clock by TickRate.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__) || defined(_M_X64)
    return __rdtsc();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    std::uint64_t t;
    asm volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return std::uint64_t(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

class TickRate {
public:
    double ns_per_tick() const {
        using namespace std::chrono;
        auto elapsed = [&] { return duration<double, std::nano>(steady_clock::now() - start_).count(); };
        while (elapsed() < 2e6) {}  // too short a span would not measure the rate
        return elapsed() / double(ticks() - ticks_);
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::uint64_t ticks_ = ticks();
};

class Histogram {
public:
    void add(std::uint64_t t) noexcept {
        ++counts_[bucket(t)];
        ++n_;
        if (t > max_) max_ = t;
    }
    std::uint64_t count() const { return n_; }
    std::uint64_t max() const { return max_; }
    void clear() { *this = Histogram(); }

    // The upper edge of the bucket that holds quantile q, in ticks.
    double quantile(double q) const {
        const double rank = q * double(n_);
        double seen = 0;
        for (int b = 0; b < kBuckets; ++b) {
            seen += double(counts_[std::size_t(b)]);
            if (seen >= rank && seen > 0) return double(b + 1 == kBuckets ? max_ : std::min(edge(b + 1), max_));
        }
        return 0;
    }

private:
    static constexpr int kBuckets = 512;

    // Exact below 16, then sixteen steps an octave.
    static int bucket(std::uint64_t t) noexcept {
        if (t < 16) return int(t);
        const int octave = std::bit_width(t) - 5;
        const int b = octave * 16 + int(t >> octave);
        return b < kBuckets ? b : kBuckets - 1;
    }
    static std::uint64_t edge(int b) {
        if (b < 16) return std::uint64_t(b);
        const int octave = b / 16 - 1;
        return std::uint64_t(b - octave * 16) << octave;
    }

    std::array<std::uint32_t, kBuckets> counts_{};
    std::uint64_t n_ = 0, max_ = 0;
};

}  // namespace fastemo
