// Causal analytic signals: a sum of complex one-pole filters,
//   s_k <- p_k s_k + w_k x,  y = d x + sum_k s_k,
// the partial fractions of a band-pass whose poles all have positive frequencies. Channels are the lanes; four poles at a
// time run over the samples with their states in registers, and the last of them finish the signal.
#pragma once

#include "sosfilt.hpp"

namespace fastemo::FASTEMO_NS {

FASTEMO_INLINE void store_analytic(vd re, vd im, AnalyticArgs::Form form, double* out, index part) {
    if (form != AnalyticArgs::signal && form != AnalyticArgs::with_sum) {
        const vd square = fma(re, re, im * im);
        const vd inverse = select(square == vd::all(0), vd::all(0), vd::all(1) / sqrt(square));
        if (form == AnalyticArgs::with_inverse)
            inverse.store(out + 2 * part);
        else
            re = re * inverse, im = im * inverse;
    }
    if (form == AnalyticArgs::with_sum || form == AnalyticArgs::unit_with_sum) (re + im).store(out + 2 * part);
    re.store(out);
    im.store(out + part);
}

template <int K>
FASTEMO_INLINE void analytic_poles(const AnalyticArgs& a, index k0, index c) {
    const bool first = k0 == 0, last = k0 + K == a.n_poles;
    const vd offset = vd::load(a.offset + c);
    const vd d_re = vd::all(a.direct[0]), d_im = vd::all(a.direct[1]);
    vd p_re[K], p_im[K], w_re[K], w_im[K], re[K], im[K];
    double* const state = a.state + 2 * k0 * a.stride + c;
    FASTEMO_UNROLL
    for (int k = 0; k < K; ++k) {
        const double *p = a.poles + 2 * (k0 + k), *w = a.weights + 2 * (k0 + k);
        p_re[k] = vd::all(p[0]), p_im[k] = vd::all(p[1]), w_re[k] = vd::all(w[0]), w_im[k] = vd::all(w[1]);
        re[k] = vd::load(state + 2 * k * a.stride), im[k] = vd::load(state + (2 * k + 1) * a.stride);
    }
    const double* in = a.in + c;
    double* out = a.out + c / kLanes * a.group + c % kLanes;
    for (index i = 0; i < a.n; ++i, in += a.stride, out += a.row) {
        const vd x = vd::load(in) - offset;
        vd y_re = first ? d_re * x : vd::load(out), y_im = first ? d_im * x : vd::load(out + a.part);
        FASTEMO_UNROLL
        for (int k = 0; k < K; ++k) {
            const vd old = re[k];
            re[k] = fma(p_re[k], old, w_re[k] * x - p_im[k] * im[k]);
            im[k] = fma(p_re[k], im[k], fma(p_im[k], old, w_im[k] * x));
            y_re = y_re + re[k];
            y_im = y_im + im[k];
        }
        store_analytic(y_re, y_im, last ? a.form : AnalyticArgs::signal, out, a.part);
    }
    FASTEMO_UNROLL
    for (int k = 0; k < K; ++k) re[k].store(state + 2 * k * a.stride), im[k].store(state + (2 * k + 1) * a.stride);
}

inline void analytic(const AnalyticArgs& a) {
    for (index c = 0; c < a.stride; c += vd::width) {
        index k = 0;
        for (; a.n_poles - k >= 4; k += 4) analytic_poles<4>(a, k, c);
        switch (a.n_poles - k) {
            case 3: analytic_poles<3>(a, k, c); break;
            case 2: analytic_poles<2>(a, k, c); break;
            case 1: analytic_poles<1>(a, k, c); break;
            default: break;
        }
    }
}

}  // namespace fastemo::FASTEMO_NS
