// Which table this machine uses.
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels.hpp"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace fastemo {

namespace baseline {
extern const Kernels table;
}
#if defined(FASTEMO_X86)
namespace v3 {
extern const Kernels table;
}
namespace v4 {
extern const Kernels table;
}
#endif

namespace {

#if defined(FASTEMO_X86)
#if defined(__GNUC__) || defined(__clang__)
bool has_v3() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
bool has_v4() {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}
#else
bool os_saves(unsigned mask) { return (_xgetbv(0) & mask) == mask; }
bool has_v3() {
    int r[4];
    __cpuid(r, 1);
    const bool osxsave = r[2] & (1 << 27), fma = r[2] & (1 << 12);
    __cpuidex(r, 7, 0);
    return osxsave && fma && (r[1] & (1 << 5)) && (r[1] & (1 << 8)) && os_saves(0x6);
}
bool has_v4() {
    if (!has_v3() || !os_saves(0xe6)) return false;
    int r[4];
    __cpuidex(r, 7, 0);
    const unsigned needed = (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31);
    return (unsigned(r[1]) & needed) == needed;
}
#endif
#endif

struct Tables {
    const Kernels* list[4] = {};
    Tables() {
        int n = 0;
#if defined(FASTEMO_X86)
        if (has_v4()) list[n++] = &v4::table;
        if (has_v3()) list[n++] = &v3::table;
#endif
        list[n] = &baseline::table;
    }
};

const Tables& tables() {
    static const Tables found;
    return found;
}

const Kernels* choose() {
    const char* wanted = std::getenv("FASTEMO_TARGET");
    if (!wanted || !*wanted) return tables().list[0];
    std::string names;
    for (const Kernels* const* k = tables().list; *k; ++k) {
        if (!std::strcmp((*k)->target, wanted)) return *k;
        names += std::string(names.empty() ? "" : ", ") + (*k)->target;
    }
    throw std::runtime_error(std::string("FASTEMO_TARGET is ") + wanted + ", but this machine runs " + names);
}

}  // namespace

const Kernels* const* available_kernels() { return tables().list; }

const Kernels& kernels() {
    static const Kernels* const chosen = choose();
    return *chosen;
}

}  // namespace fastemo
