// out = A'B of time-major rows. A tile of it stays in registers while all rows go by; every element is one chain of
// multiply-adds in the order of the rows, so neither the tile's shape nor the registers' width changes a bit.
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

struct GramArgs {
    const double* a;
    index a_stride;
    const double* b;
    index b_stride;
    index n_rows, n_cols;  // of the result, in whole groups
    index n;               // rows that are summed
    double* out;
    index out_stride;
    bool upper, add;
};

constexpr index kTileRows = FASTEMO_VECTOR_BYTES == 64 ? 8 : 4;  // 32 registers hold 8 x 3 natives, 16 hold 4 x 3

template <int Natives>
FASTEMO_NOINLINE void gram_tile(const double* a, index a_stride, const double* b, index b_stride, index n, double* out,
                                index out_stride, bool add) {
    constexpr int W = vd::width, R = int(kTileRows);
    vd sum[R][Natives];
    FASTEMO_UNROLL
    for (int i = 0; i < R; ++i) FASTEMO_UNROLL
    for (int k = 0; k < Natives; ++k) sum[i][k] = add ? vd::load(out + i * out_stride + k * W) : vd::all(0);
    for (index t = 0; t < n; ++t, a += a_stride, b += b_stride) {
        vd y[Natives];
        FASTEMO_UNROLL
        for (int k = 0; k < Natives; ++k) y[k] = vd::load(b + k * W);
        FASTEMO_UNROLL
        for (int i = 0; i < R; ++i) {
            const vd x = vd::all(a[i]);
            FASTEMO_UNROLL
            for (int k = 0; k < Natives; ++k) sum[i][k] = fma(x, y[k], sum[i][k]);
        }
    }
    FASTEMO_UNROLL
    for (int i = 0; i < R; ++i) FASTEMO_UNROLL
    for (int k = 0; k < Natives; ++k) sum[i][k].store(out + i * out_stride + k * W);
}

// `between` is called before every tile: what is needed next may be fetched there.
template <class Between>
FASTEMO_INLINE void gram(const GramArgs& g, Between&& between) {
    constexpr index W = vd::width;
    for (index i = 0; i < g.n_rows; i += kTileRows)
        for (index j = g.upper ? i / W * W : 0; j < g.n_cols;) {
            const index left = (g.n_cols - j) / W;
            double* const out = g.out + i * g.out_stride + j;
            between();
            if (left >= 3 && left != 4)
                gram_tile<3>(g.a + i, g.a_stride, g.b + j, g.b_stride, g.n, out, g.out_stride, g.add), j += 3 * W;
            else if (left >= 2)
                gram_tile<2>(g.a + i, g.a_stride, g.b + j, g.b_stride, g.n, out, g.out_stride, g.add), j += 2 * W;
            else
                gram_tile<1>(g.a + i, g.a_stride, g.b + j, g.b_stride, g.n, out, g.out_stride, g.add), j += W;
        }
}

}  // namespace fastemo::FASTEMO_NS
