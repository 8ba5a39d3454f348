// FIR filters that may change the rate: upsample by zeros, filter, keep every down-th sample (Vaidyanathan 1993).
//
// Only taps that meet a sample are used: those of one phase. Outputs `up` apart have the same phase, so each tap is
// loaded once for several of them, which are sums of their own and add up one tap at a time, the oldest sample first:
// the same bits whatever the block, the lane or the width of the vectors.
#pragma once

#include "stretches.hpp"

namespace fastemo::FASTEMO_NS {

constexpr index kPolyphaseRows = 1024;  // of input per block: within the second cache

// J sums over the same taps; their rows are `hop` doubles apart, their results `out_hop`.
template <int J>
FASTEMO_INLINE void sums_of_taps(const double* taps, index n_taps, const double* rows, index hop, double* out,
                                 index out_hop) {
    constexpr int W = vd::width, N = kNativesPerGroup;
    vd sum[J][N];
    FASTEMO_UNROLL
    for (int j = 0; j < J; ++j) {
        FASTEMO_UNROLL
        for (int k = 0; k < N; ++k) sum[j][k] = vd::all(0);
    }
    for (index i = 0; i < n_taps; ++i, rows += kLanes) {
        const vd tap = vd::all(taps[i]);
        FASTEMO_UNROLL
        for (int j = 0; j < J; ++j) {
            FASTEMO_UNROLL
            for (int k = 0; k < N; ++k) sum[j][k] = tap * vd::load(rows + j * hop + k * W) + sum[j][k];
        }
    }
    FASTEMO_UNROLL
    for (int j = 0; j < J; ++j) {
        FASTEMO_UNROLL
        for (int k = 0; k < N; ++k) sum[j][k].store(out + j * out_hop + k * W);
    }
}

inline index longest_phase(const Polyphase& h) {
    index longest = 0;
    for (index p = 0; p < h.up; ++p)
        longest = h.first[p + 1] - h.first[p] > longest ? h.first[p + 1] - h.first[p] : longest;
    return longest;
}

// Floor of a/b for b > 0.
FASTEMO_INLINE index floor_div(index a, index b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

FASTEMO_INLINE index polyphase_periods(const Polyphase& h) {
    const index periods = kPolyphaseRows / (h.down > h.up ? h.down : h.up);
    return periods > 8 ? periods / 8 * 8 : 8;
}

inline index polyphase_scratch(const Polyphase& h) {
    const index periods = polyphase_periods(h);
    return kLanes * (periods * (h.down + h.up) + longest_phase(h) + 2);
}

// Results m, ..., m + count - 1 of one group, `out_stride` doubles apart. `rows` are its samples, of kLanes doubles, from
// number `begin` on.
FASTEMO_NOINLINE inline void polyphase_block(const Polyphase& h, index m, index count, const double* rows, index begin,
                                             double* out, index out_stride) {
    constexpr int kAtOnce = 8 / kNativesPerGroup;
    for (index q = 0; q < h.up && q < count; ++q) {
        const index t = (m + q) * h.down + h.offset, newest = floor_div(t, h.up), phase = t - newest * h.up;
        const index n_taps = h.first[phase + 1] - h.first[phase];
        const double* taps = h.taps + h.first[phase];
        const double* at = rows + (newest - n_taps + 1 - begin) * kLanes;
        double* to = out + q * out_stride;
        const index hop = h.down * kLanes, out_hop = h.up * out_stride, n = (count - q + h.up - 1) / h.up;
        index j = 0;
        for (; j + kAtOnce <= n; j += kAtOnce)
            sums_of_taps<kAtOnce>(taps, n_taps, at + j * hop, hop, to + j * out_hop, out_hop);
        if constexpr (kAtOnce > 2)
            for (; j + kAtOnce / 2 <= n; j += kAtOnce / 2)
                sums_of_taps<kAtOnce / 2>(taps, n_taps, at + j * hop, hop, to + j * out_hop, out_hop);
        for (; j < n; ++j) sums_of_taps<1>(taps, n_taps, at + j * hop, hop, to + j * out_hop, out_hop);
    }
}

inline void polyphase_lanes(const Polyphase& h, const StretchIn& in, const StretchOut& out, double* scratch) {
    const index total = last_stop(out), longest = longest_phase(h), periods = polyphase_periods(h);
    double* const results = scratch;
    double* const rows = scratch + periods * h.up * kLanes;
    for (index m = 0; m < total; m += periods * h.up) {
        const index count = total - m < periods * h.up ? total - m : periods * h.up;
        const index begin = floor_div(m * h.down + h.offset, h.up) - longest + 1;
        const index end = floor_div((m + count - 1) * h.down + h.offset, h.up) + 1;
        read_stretches(in, begin, end - begin, rows);
        polyphase_block(h, m, count, rows, begin, results, kLanes);
        write_stretches(results, count, out, m);
    }
}

}  // namespace fastemo::FASTEMO_NS
