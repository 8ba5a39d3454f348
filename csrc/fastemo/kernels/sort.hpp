// Sorting eight signals at once, each in its lane: Batcher's merge exchange (Knuth, The Art of Computer Programming,
// vol. 3, 5.2.2, algorithm M). The comparisons do not depend on the data, so the lanes never part. O(n log^2 n).
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// rows [n][kLanes], sorted in place; NaN has no order and must not be there.
inline void sort_rows(double* rows, index n) {
    index top = 1;
    while (2 * top < n) top *= 2;
    for (index p = top; p > 0; p /= 2) {
        index q = top, r = 0, d = p;
        for (;;) {
            // Runs of p rows, each exchanged with the run d rows on.
            for (index start = r; start < n - d; start += 2 * p) {
                const index stop = start + p < n - d ? start + p : n - d;
                for (index i = start * kLanes; i < stop * kLanes; i += W) {
                    const vd a = vd::load(rows + i), b = vd::load(rows + i + d * kLanes);
                    const auto less = b < a;
                    select(less, b, a).store(rows + i);
                    select(less, a, b).store(rows + i + d * kLanes);
                }
            }
            if (q == p) break;
            d = q - p, q /= 2, r = p;
        }
    }
}

// The q-quantile of sorted rows, on the line between the two order statistics beside q (n - 1).
FASTEMO_INLINE vd sorted_quantile(Column sorted, index n, double q) {
    const double at = q * double(n - 1);
    const index low = index(at), high = low + 1 < n ? low + 1 : low;
    const double t = at - double(low);
    const vd a = sorted(low), b = sorted(high);
    return t >= 0.5 ? b - (b - a) * vd::all(1 - t) : a + (b - a) * vd::all(t);
}

// params: the quantiles' probabilities.
inline void quantile(const ReduceArgs& a) {
    std::memcpy(a.scratch, a.x, sizeof(double) * std::size_t(a.n * kLanes));
    sort_rows(a.scratch, a.n);
    for_natives_of_group([&](int l) {
        for (index k = 0; k < a.n_params; ++k)
            sorted_quantile(Column{a.scratch + l}, a.n, a.params[k]).store(a.out + k * kLanes + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
