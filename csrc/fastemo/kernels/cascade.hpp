// Recursive filters over the rows of one group: a cascade of second-order sections, and a transfer function.
//
// Both are transposed direct form II in SciPy's order of operations and without contraction, so that float64 results
// are SciPy's, bit for bit. One recursion waits for itself most of the time: up to four sections therefore run at once,
// section s on sample i - s, with the samples between them in registers.
#pragma once

#include "lanes.hpp"

namespace fastemo::FASTEMO_NS {

// S sections at once over n rows, `step` doubles from one to the next (backwards where negative), in place. Those from
// number `FirstUnit` on have b0 = b2 = 1 and b1 in {-2, 0, 2}, as all but the first of a Butterworth filter have.
template <class L, int S, int FirstUnit>
FASTEMO_NOINLINE void sections_at_once(const Section* q, double* state, double* rows, index step, index n) {
    using V = typename L::native;
    constexpr int W = V::width, N = L::natives, R = L::count;
    V z0[S][N], z1[S][N], y[S][N];
    FASTEMO_UNROLL
    for (int s = 0; s < S; ++s) {
        FASTEMO_UNROLL
        for (int k = 0; k < N; ++k) {
            z0[s][k] = V::load(state + 2 * s * R + k * W);
            z1[s][k] = V::load(state + (2 * s + 1) * R + k * W);
            y[s][k] = V::all(0);
        }
    }
    const auto advance = [&](index i, int first, int last) FASTEMO_INLINE_LAMBDA {
        FASTEMO_UNROLL
        for (int s = S - 1; s >= 0; --s) {
            if (s < first || s > last) continue;
            const bool unit = s >= FirstUnit;
            const V b0 = V::all(q[s].b0), b1 = V::all(unit ? q[s].c1 : q[s].b1), b2 = V::all(q[s].b2);
            const V a1 = V::all(q[s].a1), a2 = V::all(q[s].a2);
            FASTEMO_UNROLL
            for (int k = 0; k < N; ++k) {
                const V x = s == 0 ? V::load(rows + i * step + k * W) : y[s > 0 ? s - 1 : 0][k];
                const V out = (unit ? x : b0 * x) + z0[s][k];
                z0[s][k] = (unit ? fms(b1, x, a1 * out) : b1 * x - a1 * out) + z1[s][k];
                z1[s][k] = (unit ? x : b2 * x) - a2 * out;
                y[s][k] = out;
                if (s == S - 1) out.store(rows + (i - s) * step + k * W);
            }
        }
    };
    for (int i = 0; i < S - 1; ++i) advance(i, i < n ? 0 : int(i - n + 1), i);
    for (index i = S - 1; i < n; ++i) advance(i, 0, S - 1);
    for (index i = n > S - 1 ? n : S - 1; i < n + S - 1; ++i) advance(i, int(i - n + 1), S - 1);
    FASTEMO_UNROLL
    for (int s = 0; s < S; ++s) {
        FASTEMO_UNROLL
        for (int k = 0; k < N; ++k) {
            z0[s][k].store(state + 2 * s * R + k * W);
            z1[s][k].store(state + (2 * s + 1) * R + k * W);
        }
    }
}

template <class L, int S>
FASTEMO_INLINE void sections_at_once(const Section* q, double* state, double* rows, index step, index n) {
    int first_unit = S;
    while (first_unit > 0 && q[first_unit - 1].form == Section::unit_plus) --first_unit;
    if (first_unit == 0) return sections_at_once<L, S, 0>(q, state, rows, step, n);
    if (S > 1 && first_unit == 1) return sections_at_once<L, S, 1>(q, state, rows, step, n);
    sections_at_once<L, S, S>(q, state, rows, step, n);
}

template <class L>
struct SosCascade {
    const Section* sections;
    index n_sections;

    static constexpr index kAtOnce = 4 / (L::natives < 4 ? L::natives : 4);  // as many recursions as registers hold

    index state_size() const { return 2 * n_sections * L::count; }
    // state [n_sections][2][L]
    void run(double* state, double* rows, index step, index n) const {
        constexpr index R = L::count;
        index s = 0;
        for (; s + kAtOnce <= n_sections; s += kAtOnce)
            sections_at_once<L, kAtOnce>(sections + s, state + 2 * s * R, rows, step, n);
        if (n_sections - s == 3)
            sections_at_once<L, kAtOnce == 4 ? 3 : 1>(sections + s, state + 2 * s * R, rows, step, n);
        if (n_sections - s == 2)
            sections_at_once<L, kAtOnce == 4 ? 2 : 1>(sections + s, state + 2 * s * R, rows, step, n);
        if (n_sections - s == 1) sections_at_once<L, 1>(sections + s, state + 2 * s * R, rows, step, n);
    }
};

// y[n] = b0 x[n] + ... + bK x[n-K] - a1 y[n-1] - ... - aK y[n-K], with the state in registers.
template <class L, int K>
FASTEMO_NOINLINE void transfer_rows(const double* b, const double* a, double* state, double* rows, index step,
                                    index n) {
    using V = typename L::native;
    constexpr int W = V::width, R = L::count;
    constexpr int N = K * L::natives <= 8 ? L::natives : 1;  // natives at once: as many as registers hold
    for (int first = 0; first < R; first += N * W) {
        V z[K][N];
        FASTEMO_UNROLL
        for (int j = 0; j < K; ++j) {
            FASTEMO_UNROLL
            for (int k = 0; k < N; ++k) z[j][k] = V::load(state + j * R + first + k * W);
        }
        double* row = rows + first;
        for (index i = 0; i < n; ++i, row += step) {
            FASTEMO_UNROLL
            for (int k = 0; k < N; ++k) {
                const V x = V::load(row + k * W);
                const V y = z[0][k] + V::all(b[0]) * x;
                FASTEMO_UNROLL
                for (int j = 0; j < K - 1; ++j) z[j][k] = (z[j + 1][k] + x * V::all(b[j + 1])) - y * V::all(a[j + 1]);
                z[K - 1][k] = x * V::all(b[K]) - y * V::all(a[K]);
                y.store(row + k * W);
            }
        }
        FASTEMO_UNROLL
        for (int j = 0; j < K; ++j) {
            FASTEMO_UNROLL
            for (int k = 0; k < N; ++k) z[j][k].store(state + j * R + first + k * W);
        }
    }
}

// The same for any order, with the state in memory.
template <class L>
FASTEMO_NOINLINE void transfer_rows(const double* b, const double* a, index order, double* state, double* rows,
                                    index step, index n) {
    using V = typename L::native;
    constexpr int W = V::width, N = L::natives, R = L::count;
    for (index i = 0; i < n; ++i, rows += step) {
        V x[N], y[N];
        FASTEMO_UNROLL
        for (int k = 0; k < N; ++k) {
            x[k] = V::load(rows + k * W);
            y[k] = V::load(state + k * W) + V::all(b[0]) * x[k];
            y[k].store(rows + k * W);
        }
        for (index j = 0; j < order - 1; ++j) {
            const V bj = V::all(b[j + 1]), aj = V::all(a[j + 1]);
            FASTEMO_UNROLL
            for (int k = 0; k < N; ++k)
                ((V::load(state + (j + 1) * R + k * W) + x[k] * bj) - y[k] * aj).store(state + j * R + k * W);
        }
        FASTEMO_UNROLL
        for (int k = 0; k < N; ++k)
            (x[k] * V::all(b[order]) - y[k] * V::all(a[order])).store(state + (order - 1) * R + k * W);
    }
}

template <class L>
struct TransferFunction {
    const double *b, *a;  // of one length, order + 1; a0 = 1
    index order;          // at least 1

    index state_size() const { return order * L::count; }
    // state [order][L]
    void run(double* state, double* rows, index step, index n) const {
        switch (order) {
            case 1: return transfer_rows<L, 1>(b, a, state, rows, step, n);
            case 2: return transfer_rows<L, 2>(b, a, state, rows, step, n);
            case 3: return transfer_rows<L, 3>(b, a, state, rows, step, n);
            case 4: return transfer_rows<L, 4>(b, a, state, rows, step, n);
            case 5: return transfer_rows<L, 5>(b, a, state, rows, step, n);
            case 6: return transfer_rows<L, 6>(b, a, state, rows, step, n);
            case 7: return transfer_rows<L, 7>(b, a, state, rows, step, n);
            case 8: return transfer_rows<L, 8>(b, a, state, rows, step, n);
            default: return transfer_rows<L>(b, a, order, state, rows, step, n);
        }
    }
};

}  // namespace fastemo::FASTEMO_NS
