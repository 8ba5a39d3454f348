// What analytic signals say sample by sample: envelope, power, phase, frequency. Channels are the lanes.
#pragma once

#include "maths.hpp"

namespace fastemo::FASTEMO_NS {

// The angle of x + iy; 0 where both are 0. Halved three times by tan(a/2) = y/(r + x), then t - t^3/3 + t^5/5 - ..., of
// which |t| <= tan(pi/16) leaves less than 1e-18.
FASTEMO_INLINE vd angle(vd y, vd x) {
    const vd zero = vd::all(0), one = vd::all(1);
    const vd size = abs(x) + abs(y), scale = select(size > zero, size, one);
    const vd across = abs(x) / scale, up = abs(y) / scale;
    const vd sum = across + sqrt(fma(across, across, up * up));
    vd t = up / select(sum > zero, sum, one);
    t = t / (one + sqrt(fma(t, t, one)));
    t = t / (one + sqrt(fma(t, t, one)));
    const vd z = t * t;
    vd series = vd::all(1.0 / 25);
    FASTEMO_UNROLL
    for (int k = 23; k > 0; k -= 2) series = vd::all(1.0 / k) - series * z;
    const vd small = vd::all(8) * (t * series);
    const vd upper = select(x < zero, vd::all(3.14159265358979323846) - small, small);
    return select(y < zero, -upper, upper);
}

inline void instantaneous(const InstantArgs& a) {
    constexpr index W = vd::width;
    const vd floor = vd::all(a.floor), gain = vd::all(a.gain), half = vd::all(0.5), zero = vd::all(0);
    for (index i = 0; i < a.n; ++i) {
        const double* const z = a.z + 2 * i * a.stride;
        const double* const before = i > 0 ? z - 2 * a.stride : a.before;
        double* const out = a.out + i * a.stride;
        for (index c = 0; c < a.stride; c += W) {
            const vd re = vd::load(z + c), im = vd::load(z + a.stride + c);
            const vd square = fma(re, re, im * im);
            vd y = zero;
            switch (a.what) {
                case InstantArgs::real: y = re; break;
                case InstantArgs::imaginary: y = im; break;
                case InstantArgs::envelope: y = sqrt(square); break;
                case InstantArgs::power:
                    y = half * square;
                    if (a.gain != 0) y = gain * log(max(y, floor));
                    break;
                case InstantArgs::cosine:
                case InstantArgs::sine:
                    y = select(square > zero, (a.what == InstantArgs::cosine ? re : im) / sqrt(square), zero);
                    break;
                case InstantArgs::frequency: {
                    const vd old_re = vd::load(before + c), old_im = vd::load(before + a.stride + c);
                    y = vd::all(a.per_radian) * angle(fms(im, old_re, re * old_im), fma(re, old_re, im * old_im));
                }
            }
            y.store(out + c);
        }
    }
}

}  // namespace fastemo::FASTEMO_NS
