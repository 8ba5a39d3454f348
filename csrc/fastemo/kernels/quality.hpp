// Counts of bad samples per channel: filled in, flat or railed (once each), and noisy steps.
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

// Is there nothing to count in these rows? Far the commonest case, and four operations a sample to find out.
FASTEMO_INLINE bool is_sound(const QualityArgs& a) {
    const vd one = vd::all(1), zero = vd::all(0);
    vd faults = zero;
    for (index c = a.c0; c < a.c1; c += vd::width) {
        vd previous = vd::load(a.previous + c);
        vd peak = zero, largest = zero, smallest = vd::all(__builtin_inf());
        for (index i = 0; i < a.n; ++i) {
            const vd x = vd::load(a.rows + i * a.stride + c);
            const vd step = abs(x - previous);
            peak = max(peak, abs(x));
            largest = max(largest, step);
            smallest = min(smallest, step);
            previous = x;
        }
        const vd clipped = select(peak >= vd::all(a.rail), one, zero);
        const vd noisy = select(largest > vd::all(a.step), one, zero);
        const vd repeated = select(smallest > zero, zero, one);
        faults = faults + (clipped + noisy + repeated) * vd::load(a.is_channel + c);
    }
    double lane[vd::width];
    faults.store(lane);
    double sum = 0;
    for (int l = 0; l < vd::width; ++l) sum += lane[l];
    return sum == 0;
}

inline void quality(const QualityArgs& a) {
    if (a.n > 0 && !a.substituted && is_sound(a)) {
        for (index c = a.c0; c < a.c1; c += vd::width) {
            vd::load(a.rows + (a.n - 1) * a.stride + c).store(a.previous + c);
            vd::all(1).store(a.run + c);
        }
        return;
    }
    const vd one = vd::all(1), zero = vd::all(0);
    const vd flat = vd::all(a.flat), rail = vd::all(a.rail), step = vd::all(a.step);
    for (index c = a.c0; c < a.c1; c += vd::width) {
        vd previous = vd::load(a.previous + c);
        vd run = vd::load(a.run + c), bad = vd::load(a.bad + c), noisy = vd::load(a.noisy + c);
        for (index i = 0; i < a.n; ++i) {
            const vd x = vd::load(a.rows + i * a.stride + c);
            run = select(x == previous, run, zero) + one;
            const vd filled = a.substituted ? vd::load(a.substituted + i * a.stride + c) : zero;
            const vd stuck = select(run >= flat, one, zero);
            const vd clipped = select(abs(x) >= rail, one, zero);
            bad = bad + max(filled, max(stuck, clipped));
            noisy = noisy + select(abs(x - previous) > step, one, zero);
            previous = x;
        }
        previous.store(a.previous + c);
        run.store(a.run + c);
        bad.store(a.bad + c);
        noisy.store(a.noisy + c);
    }
}

}  // namespace fastemo::FASTEMO_NS
