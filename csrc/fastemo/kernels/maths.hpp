// exp and log on whole vectors: ours, so that every target and library gives the same bits (no fused operations).
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

#if FASTEMO_VECTORS
using ints = vd::mask;
FASTEMO_INLINE ints as_ints(vd x) { return (ints)x.v; }
FASTEMO_INLINE vd as_doubles(ints i) { return {(vd::raw)i}; }
#else
using ints = std::int64_t;
FASTEMO_INLINE ints as_ints(vd x) {
    ints i;
    std::memcpy(&i, &x.v, 8);
    return i;
}
FASTEMO_INLINE vd as_doubles(ints i) {
    vd x;
    std::memcpy(&x.v, &i, 8);
    return x;
}
#endif

// 1.5 2^52: adding it leaves an integer of magnitude below 2^51 in the low bits of the significand.
constexpr double kMagic = 6755399441055744.0;
constexpr double kLn2High = 0x1.62e42feep-1;  // 33 significant bits: times an exponent it is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// Natural logarithm of finite x > 0 (normal numbers); +inf and NaN for themselves. With m in [sqrt(1/2), sqrt(2)) and
// s = (m - 1)/(m + 1), log m = 2 s (1 + z/3 + z^2/5 + ...), z = s^2 <= 0.0295. Error below 2 ulp.
FASTEMO_INLINE vd log(vd x) {
    const ints bits = as_ints(x);
    // subtracting sqrt(1/2)'s bits moves the significand's range to [sqrt(1/2), sqrt(2))
    const ints shifted = bits - std::int64_t(0x3fe6a09e667f3bcd);
    const ints exponent = shifted >> 52;
    const vd m = as_doubles(bits - (exponent << 52));
    const vd k = as_doubles(exponent + as_ints(vd::all(kMagic))) - vd::all(kMagic);
    const vd f = m - vd::all(1);
    const vd s = f / (m + vd::all(1));
    const vd z = s * s;
    // 1/3 + z/5 + ... + z^10/23, paired up (Estrin): a third of the latency of Horner's chain
    const auto pair = [&](double a, double b) { return vd::all(a) + vd::all(b) * z; };
    const vd z2 = z * z, z4 = z2 * z2, z8 = z4 * z4;
    const vd low = pair(1.0 / 3, 1.0 / 5) + pair(1.0 / 7, 1.0 / 9) * z2;
    const vd middle = pair(1.0 / 11, 1.0 / 13) + pair(1.0 / 15, 1.0 / 17) * z2;
    const vd high = pair(1.0 / 19, 1.0 / 21) + vd::all(1.0 / 23) * z2;
    const vd p = low + middle * z4 + high * z8;
    const vd tail = (s + s) * (z * p) + k * vd::all(kLn2Low);
    const vd y = k * vd::all(kLn2High) + ((s + s) + tail);
    return select(x < vd::all(__builtin_inf()), y, x);
}

// e^x, clamped to the normal range [-708, 709]; NaN for NaN. x = n ln 2 + r with |r| <= 0.35; Taylor to r^13. Error
// below 2 ulp.
FASTEMO_INLINE vd exp(vd given) {
    const vd x = min(vd::all(709), max(vd::all(-708), given));
    const vd shifted = x * vd::all(0x1.71547652b82fep+0) + vd::all(kMagic);
    const vd n = shifted - vd::all(kMagic);
    const vd r = (x - n * vd::all(kLn2High)) - n * vd::all(kLn2Low);
    constexpr double inverse_factorial[] = {
        1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
    vd p = vd::all(inverse_factorial[13]);
    for (int i = 12; i >= 0; --i) p = p * r + vd::all(inverse_factorial[i]);
    const ints power = (as_ints(shifted) - as_ints(vd::all(kMagic))) << 52;
    return select(given == given, as_doubles(as_ints(p) + power), given);
}

}  // namespace fastemo::FASTEMO_NS
