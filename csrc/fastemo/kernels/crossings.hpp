// How often a window crosses zero, how long its line is, and how fast its energy changes.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// Sign changes, where 0 is positive and -0 negative. params[0]: 1 divides by n.
inline void num_zerocross(const ReduceArgs& a) {
    const vd scale = vd::all(a.params[0] != 0 ? double(a.n) : 1.0);
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        const vd count = sum(1, a.n, [&](index i) { return one_where(is_negative(x(i)) != is_negative(x(i - 1))); });
        (count / scale).store(a.out + l);
    });
}

// Stretches of zeros and changes of sign without a zero between. params[0]: smaller magnitudes are zero.
inline void zero_crossings(const ReduceArgs& a) {
    const vd threshold = vd::all(a.params[0]), zero = vd::all(0), one = vd::all(1);
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        const auto sign = [&](index i) {
            const vd v = x(i), s = select(v > zero, one, select(v < zero, -one, zero));
            return select(magnitude(v) < threshold, zero, s);
        };
        const vd first = one_where(sign(0) == zero);
        const vd count = sum(1, a.n, [&](index i) {
            const vd now = sign(i), before = sign(i - 1);
            const vd reaches = select(now == zero, select(before == zero, zero, one), zero);
            return reaches + one_where(now * before < zero);
        });
        (first + count).store(a.out + l);
    });
}

// Crossings of the mean by the signal, of zero by its first, second, ... difference: params[0] counts
// (Petrantonakis & Hadjileontiadis 2010, doi:10.1109/TITB.2009.2034649). scratch: n rows.
inline void higher_order_crossings(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        double* z = a.scratch + l;
        const Column at{z};
        const Deviations<Column> deviation(a.n, Column{a.x + l});
        const vd zero = vd::all(0);
        for (index i = 0; i < a.n; ++i) deviation(i).store(z + i * kLanes);
        const index order = index(a.params[0]);
        for (index k = 0; k < order; ++k) {
            const index n = a.n - k;
            if (k > 0)
                for (index i = 0; i < n; ++i) (at(i + 1) - at(i)).store(z + i * kLanes);
            sum(1, n, [&](index i) {
                return one_where((at(i) < zero) != (at(i - 1) < zero));
            }).store(a.out + k * kLanes + l);
        }
    });
}

// Mean of |x[i] - x[i-1]| (Esteller et al. 2001, doi:10.1109/IEMBS.2001.1020545).
inline void line_length(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        mean_of(a.n - 1, [&](index i) { return magnitude(x(i + 1) - x(i)); }).store(a.out + l);
    });
}

// Mean of x[i]^2 - x[i-1] x[i+1] (Kaiser 1990, doi:10.1109/ICASSP.1990.115702).
inline void teager_energy(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        mean_of(a.n - 2, [&](index i) { return x(i + 1) * x(i + 1) - x(i) * x(i + 2); }).store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
