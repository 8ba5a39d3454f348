// Maps over feature vectors, and the small linear algebra of decoders.
//
// Vectors are padded to whole groups of kLanes, so there are no tails: padding is computed on and never looked at.
#pragma once

#include "maths.hpp"

namespace fastemo::FASTEMO_NS {

template <class F>
FASTEMO_INLINE void for_natives(index n, F&& f) {
    const index padded = (n + kLanes - 1) / kLanes * kLanes;
    for (index i = 0; i < padded; i += vd::width) f(i);
}

inline void add(const double* x, double* y, index n) {
    for_natives(n, [&](index i) { (vd::load(y + i) + vd::load(x + i)).store(y + i); });
}

inline void add_scaled(const double* a, const double* b, double scale, double* y, index n) {
    for_natives(n, [&](index i) { ((vd::load(a + i) + vd::load(b + i)) * vd::all(scale)).store(y + i); });
}

inline void scale(const double* x, double factor, double* y, index n) {
    for_natives(n, [&](index i) { (vd::load(x + i) * vd::all(factor)).store(y + i); });
}

inline void log_map(const double* x, double gain, double offset, double floor, double* y, index n) {
    for_natives(n, [&](index i) {
        (vd::all(gain) * log(max(vd::all(floor), vd::load(x + i))) + vd::all(offset)).store(y + i);
    });
}

inline void affine(const double* x, const double* shift, const double* factor, double* y, index n) {
    for_natives(n, [&](index i) { ((vd::load(x + i) - vd::load(shift + i)) * vd::load(factor + i)).store(y + i); });
}

inline void lerp(double alpha, const double* x, double* y, index n) {
    for_natives(n, [&](index i) {
        const vd old = vd::load(y + i);
        (old + vd::all(alpha) * (vd::load(x + i) - old)).store(y + i);
    });
}

inline void divide(const double* x, const double* by, double* y, index n) {
    for_natives(n, [&](index i) {
        const vd d = vd::load(by + i);
        const auto empty = d == vd::all(0);
        select(empty, vd::all(0), vd::load(x + i) / select(empty, vd::all(1), d)).store(y + i);
    });
}

inline void exp_map(const double* x, double* y, index n) {
    for_natives(n, [&](index i) { exp(vd::load(x + i)).store(y + i); });
}

inline void sigmoid(const double* x, double* y, index n) {
    for_natives(n, [&](index i) { (vd::all(1) / (vd::all(1) + exp(-vd::load(x + i)))).store(y + i); });
}

inline void linear(const double* coef, const double* bias, const double* x, index stride, index n_out, double* y) {
    constexpr int N = kNativesPerGroup;
    for (index k = 0; k < n_out; ++k) {
        const double* w = coef + k * stride;
        vd sum[N];
        FASTEMO_UNROLL
        for (int t = 0; t < N; ++t) sum[t] = vd::all(0);
        for (index i = 0; i < stride; i += kLanes) {
            FASTEMO_UNROLL
            for (int t = 0; t < N; ++t)
                sum[t] = sum[t] + vd::load(w + i + t * vd::width) * vd::load(x + i + t * vd::width);
        }
        double lane[kLanes];
        FASTEMO_UNROLL
        for (int t = 0; t < N; ++t) sum[t].store(lane + t * vd::width);
        y[k] = tree_sum(lane) + bias[k];
    }
}

}  // namespace fastemo::FASTEMO_NS
