// Conditional mutual information by counting neighbours (Frenzel & Pompe 2007, doi:10.1103/PhysRevLett.99.204101).
//
// Distances are the largest difference of any coordinate. The distance e of a point's k-th neighbour is taken in all
// coordinates; then points nearer than e are counted in the three subspaces. All four hold the sink's past, so points
// are sorted by its first coordinate and visited outwards in blocks for as long as they are within e there. Points of
// a block are the lanes; what of a point's distances is found in the first pass is counted in the second.
#pragma once

#include "../base/simd.hpp"
#include "../targets/information_kernels.hpp"

namespace fastemo::FASTEMO_NS {

// The k smallest values seen, ascending.
struct Nearest {
    double* best;
    index k;

    FASTEMO_INLINE void clear() {
        for (index i = 0; i < k; ++i) best[i] = __builtin_huge_val();
    }
    FASTEMO_INLINE double last() const { return best[k - 1]; }
    FASTEMO_INLINE void add(double value) {
        if (!(value < best[k - 1])) return;
        index at = k - 1;
        for (; at > 0 && value < best[at - 1]; --at) best[at] = best[at - 1];
        best[at] = value;
    }
};

// Distances of point i to a block in the past alone, with the present and with the source; the last two make up the whole.
FASTEMO_INLINE void block_distances(const NeighbourArgs& a, index i, index block, double* past, double* now,
                                    double* source, Nearest& nearest) {
    constexpr index W = vd::width;
    const vd infinite = vd::all(__builtin_huge_val());
    vd least = infinite;
    for (index j = block * kNeighbours; j < (block + 1) * kNeighbours; j += W) {
        const auto apart = [&](index row) FASTEMO_INLINE_LAMBDA {
            const double* const at = a.rows + row * a.stride;
            return abs(vd::load(at + j) - vd::all(at[i]));
        };
        vd d = apart(1);
        for (index row = 2; row <= a.n_past; ++row) d = max(d, apart(row));
        const vd gap = abs(vd::load(a.times + j) - vd::all(a.times[i]));
        d = select(gap > vd::all(a.exclude), d, infinite);
        vd y = apart(1 + a.n_past);
        for (index row = 2; row <= a.n_source; ++row) y = max(y, apart(a.n_past + row));
        const vd with_now = max(d, apart(0)), with_source = max(d, y);
        d.store(past + j);
        with_now.store(now + j);
        with_source.store(source + j);
        least = min(least, max(with_now, with_source));
    }
    double lanes[vd::width];
    least.store(lanes);
    bool any = false;
    for (index l = 0; l < W; ++l) any |= lanes[l] < nearest.last();
    if (!any) return;
    for (index j = block * kNeighbours; j < (block + 1) * kNeighbours; ++j)
        nearest.add(now[j] > source[j] ? now[j] : source[j]);
}

FASTEMO_INLINE index count_below(const double* distances, index from, index to, double e) {
    constexpr index W = vd::width;
    const vd limit = vd::all(e), one = vd::all(1), zero = vd::all(0);
    vd count = zero;
    for (index j = from; j < to; j += W) count = count + select(vd::load(distances + j) < limit, one, zero);
    double lanes[vd::width], total = 0;
    count.store(lanes);
    for (index l = 0; l < W; ++l) total += lanes[l];
    return index(total);
}

inline double neighbour_transfer(const NeighbourArgs& a, double* scratch) {
    double *const past = scratch, *const now = past + a.stride, *const source = now + a.stride;
    Nearest nearest{source + a.stride, a.k};
    const double* const key = a.rows + a.stride;
    const index n_blocks = a.stride / kNeighbours;
    double sum = 0;
    for (index i = 0; i < a.n; ++i) {
        index low = i / kNeighbours, high = low + 1;  // blocks [low, high) were visited
        nearest.clear();
        block_distances(a, i, low, past, now, source, nearest);
        for (bool left = true, right = true; left || right;) {
            left = low > 0 && key[i] - key[low * kNeighbours - 1] < nearest.last();
            if (left) block_distances(a, i, --low, past, now, source, nearest);
            right = high < n_blocks && key[high * kNeighbours] - key[i] < nearest.last();
            if (right) block_distances(a, i, high++, past, now, source, nearest);
        }
        const double e = nearest.last();
        if (!(e < __builtin_huge_val())) return __builtin_nan("");
        const index from = low * kNeighbours, to = high * kNeighbours;
        sum += a.digamma[count_below(past, from, to, e)] - a.digamma[count_below(now, from, to, e)] -
               a.digamma[count_below(source, from, to, e)];
    }
    return sum / double(a.n);
}

}  // namespace fastemo::FASTEMO_NS
