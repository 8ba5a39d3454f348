// Entropy and Fisher information of the singular values of a window's delay embedding
// (Roberts, Penny & Rezek 1999, doi:10.1007/BF02513272).
//
// The embedding, one row of `order` delayed samples per time, is reduced to a triangle by Householder reflections, a
// block of rows at a time, and the triangle's singular values are found by one-sided Jacobi rotations: as accurate as
// a full decomposition, without squaring its condition as the covariance would.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

constexpr index kEmbeddingRows = 32;
constexpr index kMaxEmbedding = 64;

// scratch: order^2 rows for the triangle, order kEmbeddingRows for the block, order for the values.
constexpr index embedding_scratch(index order) { return (order * order + order * kEmbeddingRows + order) * kLanes; }

// Lanes of one native: R [order][order] and a block [order][kEmbeddingRows], column by column.
FASTEMO_INLINE void absorb_rows(double* triangle, double* block, index order, index n_rows) {
    const vd zero = vd::all(0), one = vd::all(1);
    const auto b = [&](index j, index i) { return block + (j * kEmbeddingRows + i) * kLanes; };
    for (index k = 0; k < order; ++k) {
        const auto column = [&](index j) { return [=](index i) { return vd::load(b(j, i)); }; };
        const auto v = column(k);
        const vd below = sum(0, n_rows, [&](index i) { return v(i) * v(i); });
        const auto some = below > zero;
        const vd alpha = vd::load(triangle + (k * order + k) * kLanes);
        const vd norm = sqrt(alpha * alpha + below);
        const vd beta = select(alpha < zero, norm, -norm);
        // Where there is nothing to reflect: scale 0 and tau 0 leave all as it is.
        const vd scale = select(some, one / select(some, alpha - beta, one), zero);
        const vd tau = select(some, (beta - alpha) / select(some, beta, one), zero);
        select(some, beta, alpha).store(triangle + (k * order + k) * kLanes);
        for (index i = 0; i < n_rows; ++i) (v(i) * scale).store(b(k, i));
        for (index j = k + 1; j < order; ++j) {
            const auto y = column(j);
            double* top = triangle + (k * order + j) * kLanes;
            const vd w = tau * (vd::load(top) + sum(0, n_rows, [&](index i) { return v(i) * y(i); }));
            (vd::load(top) - w).store(top);
            for (index i = 0; i < n_rows; ++i) (y(i) - v(i) * w).store(b(j, i));
        }
    }
}

// Rotates the rows of the triangle until they are orthogonal; their lengths are the singular values.
FASTEMO_INLINE void orthogonalise(double* triangle, index order) {
    constexpr int kMaxSweeps = 30;
    const vd zero = vd::all(0), one = vd::all(1), tolerance = vd::all(0x1p-50);
    const auto row = [&](index p) { return Column{triangle + p * order * kLanes}; };
    for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
        vd rotated = zero;
        for (index p = 0; p + 1 < order; ++p)
            for (index q = p + 1; q < order; ++q) {
                const Column x = row(p), y = row(q);
                const vd a = sum(0, order, [&](index i) { return x(i) * x(i); });
                const vd b = sum(0, order, [&](index i) { return y(i) * y(i); });
                const vd g = sum(0, order, [&](index i) { return x(i) * y(i); });
                const auto turn = magnitude(g) > tolerance * (sqrt(a) * sqrt(b));
                rotated = rotated + one_where(turn);
                const vd zeta = (b - a) / select(turn, g + g, one);
                const vd t = select(zeta < zero, -one, one) / (magnitude(zeta) + sqrt(one + zeta * zeta));
                const vd cosine = select(turn, one / sqrt(one + t * t), one);
                const vd sine = select(turn, cosine * t, zero);
                for (index i = 0; i < order; ++i) {
                    const vd u = x(i), v = y(i);
                    (cosine * u - sine * v).store(triangle + (p * order + i) * kLanes);
                    (sine * u + cosine * v).store(triangle + (q * order + i) * kLanes);
                }
            }
        double lane[W];
        rotated.store(lane);
        bool any = false;
        for (int k = 0; k < W; ++k) any |= lane[k] > 0;
        if (!any) return;
    }
}

// Shares of the singular values in their sum, the largest first, in scratch; NaN where all are 0.
// params: order, delay.
FASTEMO_INLINE Column singular_shares(const ReduceArgs& a, int l) {
    const index order = index(a.params[0]), delay = index(a.params[1]), n = a.n - (order - 1) * delay;
    double* triangle = a.scratch + l;
    double* block = triangle + order * order * kLanes;
    double* values = block + order * kEmbeddingRows * kLanes;
    const Column x{a.x + l};
    for (index i = 0; i < order * order; ++i) vd::all(0).store(triangle + i * kLanes);
    for (index start = 0; start < n; start += kEmbeddingRows) {
        const index n_rows = n - start < kEmbeddingRows ? n - start : kEmbeddingRows;
        for (index j = 0; j < order; ++j)
            for (index i = 0; i < n_rows; ++i)
                x(start + i + j * delay).store(block + (j * kEmbeddingRows + i) * kLanes);
        absorb_rows(triangle, block, order, n_rows);
    }
    orthogonalise(triangle, order);
    const Column value{values};
    for (index p = 0; p < order; ++p) {
        const Column r{triangle + p * order * kLanes};
        vd largest = sqrt(sum(0, order, [&](index i) { return r(i) * r(i); }));
        for (index q = 0; q < p; ++q) {
            const vd other = value(q);
            max(other, largest).store(values + q * kLanes);
            largest = min(other, largest);
        }
        largest.store(values + p * kLanes);
    }
    const vd total = sum(0, order, value);
    for (index p = 0; p < order; ++p) ratio(value(p), total).store(values + p * kLanes);
    return value;
}

// -sum s log2 s; params[2]: 1 to divide by log2(order).
inline void svd_entropy(const ReduceArgs& a) {
    const index order = index(a.params[0]);
    const vd scale = a.params[2] != 0 ? log_of(vd::all(double(order))) * vd::all(kLog2E) : vd::all(1);
    for_natives_of_group([&](int l) {
        const Column share = singular_shares(a, l);
        const vd entropy = vd::all(0) - sum(0, order, [&](index p) { return p_log2_p(share(p)); });
        // p_log2_p hides the NaN of a window of zeros
        select(share(0) == share(0), entropy / scale, vd::all(kNaN)).store(a.out + l);
    });
}

// sum (s[p + 1] - s[p])^2 / s[p], a value of 0 adding nothing.
inline void svd_fisher_info(const ReduceArgs& a) {
    const index order = index(a.params[0]);
    for_natives_of_group([&](int l) {
        const Column share = singular_shares(a, l);
        const vd zero = vd::all(0);
        const vd information = sum(1, order, [&](index p) {
            const vd before = share(p - 1), d = share(p) - before;
            return select(before > zero, d * d / select(before > zero, before, vd::all(1)), zero);
        });
        select(share(0) == share(0), information, vd::all(kNaN)).store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
