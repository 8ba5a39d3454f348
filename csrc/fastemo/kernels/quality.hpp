// Counts of bad samples per channel: filled in, flat or railed (once each), and noisy steps.
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

inline void quality(const QualityArgs& a) {
    const vd one = vd::all(1), zero = vd::all(0);
    const vd flat = vd::all(a.flat), rail = vd::all(a.rail), step = vd::all(a.step);
    for (index c = a.c0; c < a.c1; c += vd::width) {
        vd previous = vd::load(a.previous + c), run = vd::load(a.run + c);
        vd bad = vd::load(a.bad + c), noisy = vd::load(a.noisy + c);
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
