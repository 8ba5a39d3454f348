// One sample into a scatter matrix that fades: d = x - mean, mean += share d, S = decay S + gain d d'. With the weights of
// West (Communications of the ACM 22:532, 1979) this is the scatter about the weighted mean of all samples so far; nothing
// is subtracted from a sum. No fused multiply-add, and every element is its own chain: the same bits on every target.
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

// Upper triangle of S [stride][stride]; `work` has room for a row.
inline void fading_scatter(const double* x, double share, double gain, double decay, index n, index stride,
                           double* mean, double* scatter, double* work) {
    constexpr index W = vd::width;
    for (index c = 0; c < stride; c += W) {
        const vd all = vd::load(mean + c), d = vd::load(x + c) - all;
        d.store(work + c);
        (all + vd::all(share) * d).store(mean + c);
    }
    const vd fade = vd::all(decay);
    for (index i = 0; i < n; ++i) {
        const vd scaled = vd::all(gain * work[i]);
        double* const row = scatter + i * stride;
        for (index j = i / W * W; j < stride; j += W)
            (fade * vd::load(row + j) + scaled * vd::load(work + j)).store(row + j);
    }
}

}  // namespace fastemo::FASTEMO_NS
