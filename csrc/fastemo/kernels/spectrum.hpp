// What a power spectrum says in a few numbers. Rows are bins of frequency, from 0 Hz on; params give their spacing.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// Power of bands. params: 1 to divide by the whole power; 1 for decibels; first and past-the-last bin of each band.
inline void pow_freq_bands(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column p{a.x + l};
        const vd whole = sum(0, a.n, p);
        for (index b = 0; 2 * b + 2 < a.n_params; ++b) {
            vd power = sum(index(a.params[2 * b + 2]), index(a.params[2 * b + 3]), p);
            if (a.params[0] != 0) power = ratio(power, whole);
            if (a.params[1] != 0) power = vd::all(10 * kLog10E) * log_of(power);
            power.store(a.out + b * kLanes + l);
        }
    });
}

// sum f^k p. params: k, 1 to divide by the whole power, spacing of the bins.
inline void spect_moment(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column p{a.x + l};
        const vd moment = sum(0, a.n, [&](index i) {
            double weight = 1;
            for (int k = 0; k < int(a.params[0]); ++k) weight *= double(i) * a.params[2];
            return vd::all(weight) * p(i);
        });
        (a.params[1] != 0 ? ratio(moment, sum(0, a.n, p)) : moment).store(a.out + l);
    });
}

// -sum s log2 s, s the bins' shares of the whole power. params: the first bin that is a term; 1 to divide by log2(n).
inline void spect_entropy(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column p{a.x + l};
        const vd whole = sum(0, a.n, p);
        const auto alive = whole > vd::all(0);
        const vd safe = select(alive, whole, vd::all(1));
        vd entropy = vd::all(0) - sum(index(a.params[0]), a.n, [&](index i) { return p_log2_p(p(i) / safe); });
        if (a.params[1] != 0) entropy = entropy / (log_of(vd::all(double(a.n))) * vd::all(kLog2E));
        select(alive, entropy, vd::all(kNaN)).store(a.out + l);
    });
}

// The least-squares line of log10 p on log10 f: intercept, slope, mean squared error, share of the variance explained.
// params: first and past-the-last bin, 1 to leave out the intercept, spacing of the bins. scratch: n rows.
inline void spect_slope(const ReduceArgs& a) {
    const index first = index(a.params[0]), n = index(a.params[1]) - first;
    for_natives_of_group([&](int l) {
        const Column p{a.x + first * kLanes + l}, y{a.scratch + l};
        const vd scale = vd::all(kLog10E);
        for (index i = 0; i < n; ++i) (scale * log_of(p(i))).store(a.scratch + i * kLanes + l);
        const auto x = [&](index i) { return scale * log_of(vd::all(double(first + i) * a.params[3])); };
        const vd centre = mean_of(n, x), level = mean_of(n, y);
        const vd xy = sum(0, n, [&](index i) { return (x(i) - centre) * (y(i) - level); });
        const vd slope = xy / sum(0, n, [&](index i) {
                             const vd d = x(i) - centre;
                             return d * d;
                         });
        const vd error = mean_of(n, [&](index i) {
            const vd e = (y(i) - level) - slope * (x(i) - centre);
            return e * e;
        });
        const vd spread = mean_of(n, [&](index i) {
            const vd d = y(i) - level;
            return d * d;
        });
        const vd values[4] = {level - slope * centre, slope, error, vd::all(1) - ratio(error, spread)};
        const int skipped = a.params[2] != 0 ? 1 : 0;
        for (int k = skipped; k < 4; ++k) values[k].store(a.out + (k - skipped) * kLanes + l);
    });
}

// Frequency of the first bin up to which lies a share of the power of the first bins.
// params: how many bins these are, spacing of the bins, shares. scratch: one row.
inline void spect_edge_freq(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column p{a.x + l};
        vd whole = vd::all(0);
        for (index i = 0; i < index(a.params[0]); ++i) whole = whole + p(i);
        for (index k = 2; k < a.n_params; ++k) {
            const vd wanted = vd::all(a.params[k]) * whole;
            vd below = vd::all(0), edge = vd::all(-1);
            for (index i = 0; i < a.n; ++i) {
                below = below + p(i);
                const auto reached = below >= wanted;
                edge = select(edge < vd::all(0), select(reached, vd::all(double(i) * a.params[1]), edge), edge);
            }
            edge.store(a.out + (k - 2) * kLanes + l);
        }
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
