// Artifact subspace reconstruction: covariances of a block of samples, and the map that takes out what is too large.
#pragma once

#include "eigen.hpp"

namespace fastemo::FASTEMO_NS {

FASTEMO_INLINE double dot_rows(const double* a, const double* b, index stride) {
    return dot(Alone(), a, b, 0, stride / kLanes).v;
}

// y += s x
FASTEMO_INLINE void add_row(double s, const double* x, double* y, index stride) {
    const vd a = vd::all(s);
    for (index c = 0; c < stride; c += vd::width) fma(a, vd::load(x + c), vd::load(y + c)).store(y + c);
}

// y = sum_j s_j rows_j
template <int T>
FASTEMO_INLINE void combine_tile(const double* s, const double* rows, index n, index stride, double* y) {
    vd sum[T];
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) sum[t] = vd::all(0);
    for (index j = 0; j < n; ++j) {
        const vd a = vd::all(s[j]);
        FASTEMO_UNROLL
        for (int t = 0; t < T; ++t) sum[t] = fma(a, vd::load(rows + j * stride + t * vd::width), sum[t]);
    }
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) sum[t].store(y + t * vd::width);
}
FASTEMO_INLINE void combine_rows(const double* s, const double* rows, index n, index stride, double* y) {
    constexpr index W = vd::width;
    index c = 0;
    for (; c + 4 * W <= stride; c += 4 * W) combine_tile<4>(s, rows + c, n, stride, y + c);
    for (; c < stride; c += W) combine_tile<1>(s, rows + c, n, stride, y + c);
}

// Whether a [n][stride] is positive definite; it is used up. Only the upper triangle is looked at.
FASTEMO_INLINE bool positive_definite(double* a, index n, index stride) {
    for (index k = 0; k < n; ++k) {
        const double* const row = a + k * stride;
        if (!(row[k] > 0)) return false;
        const double inverse = 1 / row[k];
        for (index i = k + 1; i < n; ++i) {
            const vd f = vd::all(-row[i] * inverse);
            double* const r = a + i * stride;
            for (index j = i / vd::width * vd::width; j < stride; j += vd::width)
                fma(f, vd::load(row + j), vd::load(r + j)).store(r + j);
        }
    }
    return true;
}

template <int T>
FASTEMO_INLINE void products_tile(const double* x, const double* y, index stride, index n, double* sum) {
    vd s[T];
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) s[t] = vd::load(sum + t * vd::width);
    for (index i = 0; i < n; ++i) {
        const vd a = vd::all(x[i * stride]);
        FASTEMO_UNROLL
        for (int t = 0; t < T; ++t) s[t] = fma(a, vd::load(y + i * stride + t * vd::width), s[t]);
    }
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) s[t].store(sum + t * vd::width);
}

// sums[i][j] += sum over rows of x_i x_j, j >= i rounded down to a native; one sample after the other, so that bits do
// not depend on how rows come in.
inline void add_products(const double* rows, index stride, index n_channels, index n, double* sums) {
    constexpr index W = vd::width;
    for (index i = 0; i < n_channels; ++i) {
        index j = i / W * W;
        for (; j + 4 * W <= stride; j += 4 * W) products_tile<4>(rows + i, rows + j, stride, n, sums + i * stride + j);
        for (; j < stride; j += W) products_tile<1>(rows + i, rows + j, stride, n, sums + i * stride + j);
    }
}

inline index subspace_scratch(index n, index stride) { return 2 * n * stride + 5 * stride + rotations_size(n); }

// A direction v, of the eigenvectors of the covariance S, is too large where v'Sv >= v'Qv. The map R leaves the others
// as they are and puts in place of it what the calibration's covariance U makes of them:
//     R = I - V (V'WV)^-1 V'W,  W = U^-1, V the directions that are too large,
// which is U K (K'UK)^-1 K' for the K that are kept. Where Q - S is positive definite none is, and a Cholesky
// factorisation says so in a tenth of the time of an eigendecomposition.
//
// `map` gets R transposed, [j][o]; the result is the number of directions taken out, and the map is not written where
// that is 0.
inline index subspace_map(const SubspaceArgs& g) {
    const index n = g.n, stride = g.stride, size = n * stride;
    double* const a = g.scratch;            // [n][stride]
    double* const vectors = a + size;       // [n][stride]
    double* const values = vectors + size;  // [stride], then four more, then rotations
    const Vectors x{values, values + stride, values + 2 * stride, values + 3 * stride, values + 4 * stride, nullptr};
    for (index i = 0; i < n; ++i)
        for (index j = i / vd::width * vd::width; j < stride; j += vd::width)
            (vd::load(g.limit + i * stride + j) - vd::all(g.scale) * vd::load(g.sums + i * stride + j))
                .store(a + i * stride + j);
    if (positive_definite(a, n, stride)) return 0;

    double trace = 0;
    for (index i = 0; i < n; ++i) trace += g.sums[i * stride + i] * g.scale;
    if (!(trace <= 1e300)) return 0;  // overflown: nothing can be said
    for (index i = 0; i < size; ++i) a[i] = 0;
    for (index i = 0; i < n; ++i)
        for (index j = i; j < n; ++j) a[i * stride + j] = a[j * stride + i] = g.sums[i * stride + j] * g.scale;
    // values and `limit` are compared, so what the scale took is given back
    const double scale = scale_down<Alone>(a, n).v;
    tridiagonal<Alone>(a, n, x);
    reflections<Alone>(a, n, x.beta, vectors);
    if (ql_of_rows<Alone>(x.d, x.e, n, vectors, values + 5 * stride).v != 0) return 0;
    for (index i = 0; i < n; ++i) values[i] *= scale;

    // Of the largest `most` directions those that are too large, their vectors moved to the front of `a`.
    index* const order = g.order;
    for (index i = 0; i < n; ++i) {
        index at = i;
        for (; at > 0 && values[order[at - 1]] < values[i]; --at) order[at] = order[at - 1];
        order[at] = i;
    }
    index removed = 0;
    double* const v = a;
    for (index k = 0; k < g.most; ++k) {
        const double* const vector = vectors + order[k] * stride;
        combine_rows(vector, g.limit, n, stride, x.w);
        if (values[order[k]] < dot_rows(vector, x.w, stride)) continue;
        for (index j = 0; j < stride; ++j) v[removed * stride + j] = vector[j];
        ++removed;
    }
    if (removed == 0) return 0;

    // c = (V'WV)^-1 V'W by Cholesky, rows in the place of the eigenvectors
    double *const c = vectors, *const gram = g.gram;  // [most][most]
    for (index r = 0; r < removed; ++r) combine_rows(v + r * stride, g.inverse, n, stride, c + r * stride);
    for (index r = 0; r < removed; ++r)
        for (index q = 0; q <= r; ++q) {
            double sum = dot_rows(v + r * stride, c + q * stride, stride);
            for (index k = 0; k < q; ++k) sum -= gram[r * g.most + k] * gram[q * g.most + k];
            if (r > q) {
                gram[r * g.most + q] = sum / gram[q * g.most + q];
            } else {
                if (!(sum > 0)) return 0;  // a direction that the calibration never saw
                gram[r * g.most + r] = __builtin_sqrt(sum);
            }
        }
    const auto scale_row = [&](double* row, double s) FASTEMO_INLINE_LAMBDA {
        for (index j = 0; j < stride; j += vd::width) (vd::load(row + j) * vd::all(s)).store(row + j);
    };
    for (index r = 0; r < removed; ++r) {
        for (index q = 0; q < r; ++q) add_row(-gram[r * g.most + q], c + q * stride, c + r * stride, stride);
        scale_row(c + r * stride, 1 / gram[r * g.most + r]);
    }
    for (index r = removed - 1; r >= 0; --r) {
        for (index q = r + 1; q < removed; ++q) add_row(-gram[q * g.most + r], c + q * stride, c + r * stride, stride);
        scale_row(c + r * stride, 1 / gram[r * g.most + r]);
    }
    for (index j = 0; j < n; ++j) {
        double* const row = g.map + j * stride;
        for (index o = 0; o < stride; ++o) row[o] = o == j ? 1 : 0;
        for (index r = 0; r < removed; ++r) add_row(-c[r * stride + j], v + r * stride, row, stride);
    }
    return removed;
}

}  // namespace fastemo::FASTEMO_NS
