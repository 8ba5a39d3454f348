// out = A'B of panels. A tile of it stays in registers while all samples go by; every element is one chain of
// multiply-adds in the order of the samples, so neither the tile's shape nor the registers' width changes a bit.
//
// A panel holds eight channels: sample t of channel c is at (c / 8) panel + 8 t + c % 8.
#pragma once

#include "turned.hpp"

namespace fastemo::FASTEMO_NS {

struct GramArgs {
    const double *a, *b;
    index panel;           // from one panel to the next
    index n_rows, n_cols;  // of the result, in whole panels
    index n;               // samples that are summed
    double* out;
    index out_stride;
    bool add;
};

// What is fetched ahead of its use, a cache line for every sample that a tile goes through: runs of memory one after the
// other, so many and so short that the hardware does not foresee them.
struct Fetch {
    const char* at = nullptr;
    index lines = 0, gap = 0, runs = 0;  // of a run; from one's end to the next; left
    index line = 0;

    FASTEMO_INLINE void operator()() {
#if FASTEMO_VECTORS
        if (runs <= 0) return;
        __builtin_prefetch(at);
        at += 64;
        if (++line == lines) line = 0, at += gap, --runs;
#endif
    }
};

constexpr index kTileRows = FASTEMO_VECTOR_BYTES == 64 ? 8 : 4;  // 32 registers hold 8 x 3 natives, 16 hold 4 x 3

FASTEMO_INLINE const double* in_panels(const double* panels, index panel, index c) {
    return panels + c / kLanes * panel + c % kLanes;
}

template <int Natives>
FASTEMO_NOINLINE void gram_tile(const GramArgs& g, index i, index j, Fetch& fetch) {
    constexpr int W = vd::width, R = int(kTileRows);
    Fetch ahead = fetch;
    double* const out = g.out + i * g.out_stride + j;
    const double *const x = in_panels(g.a, g.panel, i), *y[Natives];
    vd sum[R][Natives];
    FASTEMO_UNROLL
    for (int k = 0; k < Natives; ++k) y[k] = in_panels(g.b, g.panel, j + k * W);
    FASTEMO_UNROLL
    for (int r = 0; r < R; ++r) FASTEMO_UNROLL
    for (int k = 0; k < Natives; ++k) sum[r][k] = g.add ? vd::load(out + r * g.out_stride + k * W) : vd::all(0);
    for (index t = 0; t < kLanes * g.n; t += kLanes) {
        ahead();
        vd right[Natives];
        FASTEMO_UNROLL
        for (int k = 0; k < Natives; ++k) right[k] = vd::load(y[k] + t);
        FASTEMO_UNROLL
        for (int r = 0; r < R; ++r) {
            const vd left = vd::all(x[t + r]);
            FASTEMO_UNROLL
            for (int k = 0; k < Natives; ++k) sum[r][k] = fma(left, right[k], sum[r][k]);
        }
    }
    fetch = ahead;
    FASTEMO_UNROLL
    for (int r = 0; r < R; ++r) FASTEMO_UNROLL
    for (int k = 0; k < Natives; ++k) sum[r][k].store(out + r * g.out_stride + k * W);
}

// The columns [from, n_cols) of kTileRows rows.
FASTEMO_INLINE void gram_rows(const GramArgs& g, index i, index from, Fetch& fetch) {
    constexpr index W = vd::width;
    for (index j = from; j < g.n_cols;) {
        const index left = (g.n_cols - j) / W;
        if (left >= 3 && left != 4)
            gram_tile<3>(g, i, j, fetch), j += 3 * W;
        else if (left >= 2)
            gram_tile<2>(g, i, j, fetch), j += 2 * W;
        else
            gram_tile<1>(g, i, j, fetch), j += W;
    }
}

FASTEMO_INLINE void gram(const GramArgs& g, Fetch& fetch) {
    for (index i = 0; i < g.n_rows; i += kTileRows) gram_rows(g, i, 0, fetch);
}

// Tiles on the diagonal of A'A, where turned lanes take W / 2 + 1 products for W: those of lanes k apart are in row k.
constexpr bool kTurns = kTileRows == vd::width;

template <int Tiles, int... K>
FASTEMO_NOINLINE void gram_diagonal(const GramArgs& g, index i, Fetch& fetch, std::integer_sequence<int, K...>) {
    constexpr int W = vd::width, N = sizeof...(K);
    Fetch ahead = fetch;
    const double* x[Tiles];
    double* out[Tiles];
    vd sum[Tiles][N];
    FASTEMO_UNROLL
    for (int s = 0; s < Tiles; ++s) {
        x[s] = in_panels(g.a, g.panel, i + s * W);
        out[s] = g.out + (i + s * W) * (g.out_stride + 1);
        ((sum[s][K] = g.add ? vd::load(out[s] + K * g.out_stride) : vd::all(0)), ...);
    }
    for (index t = 0; t < kLanes * g.n; t += kLanes) {
        ahead();
        FASTEMO_UNROLL
        for (int s = 0; s < Tiles; ++s) {
            const vd y = vd::load(x[s] + t);
            ((sum[s][K] = fma(y, turned<K>(y), sum[s][K])), ...);
        }
    }
    fetch = ahead;
    FASTEMO_UNROLL
    for (int s = 0; s < Tiles; ++s) (sum[s][K].store(out[s] + K * g.out_stride), ...);
}

// The upper triangle of A'A but for the tiles on its diagonal, which stay turned.
FASTEMO_INLINE void gram_upper(const GramArgs& g, Fetch& fetch) {
    constexpr auto places = std::make_integer_sequence<int, int(vd::width / 2 + 1)>();
    if constexpr (kTurns) {
        index i = 0;
        for (; i + 4 * kTileRows <= g.n_rows; i += 4 * kTileRows) gram_diagonal<4>(g, i, fetch, places);
        for (; i < g.n_rows; i += kTileRows) gram_diagonal<1>(g, i, fetch, places);
    }
    for (index i = 0; i < g.n_rows; i += kTileRows) gram_rows(g, i, i + (kTurns ? kTileRows : 0), fetch);
}

// Turns them back.
FASTEMO_INLINE void finish_upper(double* out, index stride, index n) {
    if constexpr (kTurns) {
        constexpr index W = vd::width;
        for (index i = 0; i < n; i += W) {
            double* const tile = out + i * (stride + 1);
            double sums[W / 2 + 1][W];
            for (index k = 0; k <= W / 2; ++k) vd::load(tile + k * stride).store(sums[k]);
            for (index k = 0; k <= W / 2; ++k)
                for (index l = 0; l < W; ++l) {
                    const index m = (l + k) % W;
                    tile[l * stride + m] = tile[m * stride + l] = sums[k][l];
                }
        }
    }
}

}  // namespace fastemo::FASTEMO_NS
