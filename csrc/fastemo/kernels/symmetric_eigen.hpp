// All eigenvalues and eigenvectors of one small symmetric matrix: Householder's tridiagonal form, then implicit QL
// (Golub and Van Loan, Matrix Computations, 8.3). Vectors are kept as rows, so that reflections and rotations run along
// memory. Dot products use eight accumulators and one tree; padding must be zero.
#pragma once

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

FASTEMO_INLINE double dot_rows(const double* a, const double* b, index stride) {
    constexpr int N = kNativesPerGroup;
    vd sum[N];
    FASTEMO_UNROLL
    for (int t = 0; t < N; ++t) sum[t] = vd::all(0);
    for (index c = 0; c < stride; c += kLanes) {
        FASTEMO_UNROLL
        for (int t = 0; t < N; ++t)
            sum[t] = fma(vd::load(a + c + t * vd::width), vd::load(b + c + t * vd::width), sum[t]);
    }
    double lane[kLanes];
    FASTEMO_UNROLL
    for (int t = 0; t < N; ++t) sum[t].store(lane + t * vd::width);
    return tree_sum(lane);
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

struct EigenScratch {
    double *d, *e, *beta, *p;  // [stride] each
};

// a [n][stride] is used up; values [n] come unordered, vectors [n][stride] row by row beside them. False where a value
// has not converged (a matrix that is not finite).
FASTEMO_NOINLINE inline bool symmetric_eigen(double* a, index n, index stride, double* values, double* vectors,
                                             const EigenScratch& x) {
    double *const d = x.d, *const e = x.e;
    for (index k = 0; k + 2 < n; ++k) {  // row k becomes the reflection that clears it
        double* const v = a + k * stride;
        d[k] = v[k];
        for (index j = 0; j <= k; ++j) v[j] = 0;
        const double square = dot_rows(v, v, stride), first = v[k + 1];
        x.beta[k] = e[k] = 0;
        if (!(square > 1e-290)) continue;
        const double norm = __builtin_sqrt(square), alpha = first > 0 ? -norm : norm;
        e[k] = alpha;
        v[k + 1] = first - alpha;
        const double beta = 1 / (square - first * alpha);  // 2 / v'v
        x.beta[k] = beta;
        // a -= v w' + w v', w = beta a v - (beta^2/2)(v'a v) v
        combine_rows(v + k + 1, a + (k + 1) * stride, n - k - 1, stride, x.p);
        const double half = beta * beta * dot_rows(v, x.p, stride) / 2;
        for (index j = 0; j < stride; j += vd::width)
            fma(vd::all(-half), vd::load(v + j), vd::all(beta) * vd::load(x.p + j)).store(x.p + j);
        for (index i = k + 1; i < n; ++i) {
            const vd vi = vd::all(-v[i]), wi = vd::all(-x.p[i]);
            double* const r = a + i * stride;
            for (index j = (k + 1) / vd::width * vd::width; j < stride; j += vd::width)
                fma(vi, vd::load(x.p + j), fma(wi, vd::load(v + j), vd::load(r + j))).store(r + j);
        }
    }
    if (n > 1) d[n - 2] = a[(n - 2) * stride + n - 2], e[n - 2] = a[(n - 2) * stride + n - 1];
    d[n - 1] = a[(n - 1) * stride + n - 1], e[n - 1] = 0;

    // Rows of `vectors` are the columns of H_0 H_1 ...: the last reflection first, while most of it is still identity.
    for (index i = 0; i < n * stride; ++i) vectors[i] = 0;
    for (index i = 0; i < n; ++i) vectors[i * stride + i] = 1;
    for (index k = n - 3; k >= 0; --k) {
        if (x.beta[k] == 0) continue;
        const double* const v = a + k * stride;
        for (index i = k + 1; i < n; ++i) {
            double* const r = vectors + i * stride;
            add_row(-x.beta[k] * dot_rows(r, v, stride), v, r, stride);
        }
    }

    double norm = 0;  // what is beside the diagonal counts as nothing when it is small against this
    for (index i = 0; i < n; ++i) {
        const double size = __builtin_fabs(d[i]) + __builtin_fabs(e[i]);
        norm = size > norm ? size : norm;
    }
    for (index l = 0; l < n; ++l) {
        for (int sweep = 0;; ++sweep) {
            index m = l;
            while (m + 1 < n && __builtin_fabs(e[m]) > 1.2e-16 * norm) ++m;
            if (m == l) break;
            if (sweep == 60) return false;
            // Wilkinson's shift
            double g = (d[l + 1] - d[l]) / (2 * e[l]);
            double r = __builtin_sqrt(g * g + 1);
            g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r));
            double s = 1, c = 1, p = 0;
            index i = m - 1;
            for (; i >= l; --i) {
                const double f = s * e[i], b = c * e[i];
                r = __builtin_sqrt(f * f + g * g);
                e[i + 1] = r;
                if (r == 0) {  // fell apart early
                    d[i + 1] -= p;
                    e[m] = 0;
                    break;
                }
                s = f / r, c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                double *const lower = vectors + i * stride, *const upper = lower + stride;
                const vd sine = vd::all(s), cosine = vd::all(c);
                for (index j = 0; j < stride; j += vd::width) {
                    const vd u = vd::load(upper + j), w = vd::load(lower + j);
                    fma(sine, w, cosine * u).store(upper + j);
                    fms(cosine, w, sine * u).store(lower + j);
                }
            }
            if (r == 0 && i >= l) continue;
            d[l] -= p;
            e[l] = g;
            e[m] = 0;
        }
    }
    for (index i = 0; i < n; ++i) values[i] = d[i];
    return true;
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

}  // namespace fastemo::FASTEMO_NS
