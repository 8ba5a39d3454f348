// Causal analytic signals: a sum of complex one-pole filters,
//   s_k <- p_k s_k + x,  y = d x + sum_k w_k s_k,
// the partial fractions of a band-pass whose poles all have positive frequencies. Channels are the lanes; one pole runs
// over a tile of samples with its state in registers before the next begins.
#pragma once

#include "sosfilt.hpp"

namespace fastemo::FASTEMO_NS {

template <int T>
FASTEMO_INLINE void pole_rows(const AnalyticArgs& a, index k, const double* in, double* out, index n, index c) {
    constexpr index W = vd::width;
    double* const state = a.state + 2 * k * a.stride + c;
    const vd p_re = vd::all(a.poles[2 * k]), p_im = vd::all(a.poles[2 * k + 1]);
    const vd w_re = vd::all(a.weights[2 * k]), w_im = vd::all(a.weights[2 * k + 1]);
    vd re[T], im[T], offset[T];
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) offset[t] = vd::load(a.offset + c + t * W);
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) re[t] = vd::load(state + t * W), im[t] = vd::load(state + a.stride + t * W);
    for (index i = 0; i < n; ++i, in += a.stride, out += a.parts * a.stride) {
        FASTEMO_UNROLL
        for (int t = 0; t < T; ++t) {
            const vd old = re[t];
            re[t] = fma(p_re, old, (vd::load(in + t * W) - offset[t]) - p_im * im[t]);
            im[t] = fma(p_re, im[t], p_im * old);
            double *const to_re = out + t * W, *const to_im = to_re + a.stride;
            fma(w_re, re[t], vd::load(to_re) - w_im * im[t]).store(to_re);
            fma(w_re, im[t], fma(w_im, re[t], vd::load(to_im))).store(to_im);
        }
    }
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) re[t].store(state + t * W), im[t].store(state + a.stride + t * W);
}

inline void analytic(const AnalyticArgs& a) {
    constexpr index W = vd::width;
    const vd d_re = vd::all(a.direct[0]), d_im = vd::all(a.direct[1]);
    for (index i = 0; i < a.n; i += kTileRows) {
        const index rows = a.n - i < kTileRows ? a.n - i : kTileRows;
        const double* const in = a.in + i * a.stride;
        double* const out = a.out + i * a.parts * a.stride;
        for (index r = 0; r < rows; ++r)
            for (index c = 0; c < a.stride; c += W) {
                const vd x = vd::load(in + r * a.stride + c) - vd::load(a.offset + c);
                double* const to = out + r * a.parts * a.stride + c;
                (d_re * x).store(to);
                (d_im * x).store(to + a.stride);
            }
        for_tiles(0, a.stride, [&](index c, auto tile) {
            for (index k = 0; k < a.n_poles; ++k) pole_rows<tile()>(a, k, in + c, out + c, rows, c);
        });
        if (a.parts < 3) continue;
        for (index r = 0; r < rows; ++r)
            for (index c = 0; c < a.stride; c += W) {
                double* const at = out + r * a.parts * a.stride + c;
                const vd re = vd::load(at), im = vd::load(at + a.stride);
                const vd magnitude = sqrt(fma(re, re, im * im));
                select(magnitude == vd::all(0), vd::all(0), vd::all(1) / magnitude).store(at + 2 * a.stride);
            }
    }
}

}  // namespace fastemo::FASTEMO_NS
