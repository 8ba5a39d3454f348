// Moments and extremes of a window.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

inline void mean(const ReduceArgs& a) {
    for_natives_of_group([&](int l) { mean_of(a.n, Column{a.x + l}).store(a.out + l); });
}

inline void variance(const ReduceArgs& a) {
    for_natives_of_group([&](int l) { variance_of(a.n, a.params[0], Column{a.x + l}).store(a.out + l); });
}

inline void standard_deviation(const ReduceArgs& a) {
    for_natives_of_group([&](int l) { sqrt(variance_of(a.n, a.params[0], Column{a.x + l})).store(a.out + l); });
}

inline void ptp_amp(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        vd low = x(0), high = x(0);
        for (index i = 1; i < a.n; ++i) low = min(low, x(i)), high = max(high, x(i));
        (high - low).store(a.out + l);
    });
}

inline void rms(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        sqrt(mean_of(a.n, [&](index i) { return x(i) * x(i); })).store(a.out + l);
    });
}

// Central moments m2 and m3 or m4 over n; a signal whose spread is the rounding of its mean has none.
template <bool Fourth, class F>
FASTEMO_INLINE void shape(const ReduceArgs& a, F&& combine) {
    for_natives_of_group([&](int l) {
        const Deviations<Column> deviation(a.n, Column{a.x + l});
        const vd m2 = mean_of(a.n, [&](index i) {
            const vd d = deviation(i);
            return d * d;
        });
        const vd high = mean_of(a.n, [&](index i) {
            const vd d = deviation(i), dd = d * d;
            return Fourth ? dd * dd : dd * d;
        });
        const vd noise = vd::all(0x1p-52) * deviation.mean();
        const auto alive = m2 > noise * noise;
        select(alive, combine(select(alive, m2, vd::all(1)), high), vd::all(kNaN)).store(a.out + l);
    });
}

inline void skewness(const ReduceArgs& a) {
    shape<false>(a, [](vd m2, vd m3) { return m3 / (m2 * sqrt(m2)); });
}

inline void kurtosis(const ReduceArgs& a) {
    const vd normal = vd::all(a.params[0] != 0 ? 3.0 : 0.0);
    shape<true>(a, [&](vd m2, vd m4) { return m4 / (m2 * m2) - normal; });
}

}  // namespace fastemo::FASTEMO_NS::reduce
