// Re-referencing and spatial filters: one small linear map per sample.
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

// y = x - w.x for every channel. The weighted mean uses eight accumulators and one fixed tree.
inline void reference(const double* weights, const double* in, double* out, index stride, index n) {
    constexpr int N = kNativesPerGroup;
    for (index i = 0; i < n; ++i) {
        const double* x = in + i * stride;
        vd sum[N];
        FASTEMO_UNROLL
        for (int t = 0; t < N; ++t) sum[t] = vd::all(0);
        for (index c = 0; c < stride; c += kLanes) {
            FASTEMO_UNROLL
            for (int t = 0; t < N; ++t)
                sum[t] = sum[t] + vd::load(weights + c + t * vd::width) * vd::load(x + c + t * vd::width);
        }
        double lane[kLanes];
        FASTEMO_UNROLL
        for (int t = 0; t < N; ++t) sum[t].store(lane + t * vd::width);
        const vd mean = vd::all(tree_sum(lane));
        for (index c = 0; c < stride; c += vd::width) (vd::load(x + c) - mean).store(out + i * stride + c);
    }
}

// y_o = sum_j coef[j][o] x_j, j ascending: outputs are the lanes, so no order depends on the target.
template <int T>
FASTEMO_INLINE void matrix_tile(const double* coef, index n_in, const double* x, double* y, index out_stride) {
    vd sum[T];
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) sum[t] = vd::all(x[0]) * vd::load(coef + t * vd::width);
    for (index j = 1; j < n_in; ++j) {
        const vd xj = vd::all(x[j]);
        FASTEMO_UNROLL
        for (int t = 0; t < T; ++t) sum[t] = sum[t] + xj * vd::load(coef + j * out_stride + t * vd::width);
    }
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) sum[t].store(y + t * vd::width);
}

inline void matrix(const double* coef, index n_in, const double* in, index in_stride, double* out, index out_stride,
                   index n) {
    constexpr index W = vd::width;
    for (index i = 0; i < n; ++i) {
        index o = 0;
        for (; o + 4 * W <= out_stride; o += 4 * W)
            matrix_tile<4>(coef + o, n_in, in + i * in_stride, out + i * out_stride + o, out_stride);
        for (; o < out_stride; o += W)
            matrix_tile<1>(coef + o, n_in, in + i * in_stride, out + i * out_stride + o, out_stride);
    }
}

}  // namespace fastemo::FASTEMO_NS
