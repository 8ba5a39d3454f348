// Hjorth's mobility and complexity (Hjorth 1970, doi:10.1016/0013-4694(70)90143-4).
//
// params[0]: 0 for the definition, with biased variances of x, x' and x''; 1 for mne-features' variant, which puts a
// zero before the signal and before its difference, and uses unbiased variances.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// Variances of the signal and its first and second difference.
struct DifferenceVariances {
    vd x, d1, d2;
};

FASTEMO_INLINE DifferenceVariances plain_variances(const ReduceArgs& a, int l, bool second) {
    const Column x{a.x + l};
    return {variance_of(a.n, 0, x), variance_of(a.n - 1, 0, [&](index i) { return x(i + 1) - x(i); }),
            second ? variance_of(a.n - 2, 0, [&](index i) { return (x(i + 2) - x(i + 1)) - (x(i + 1) - x(i)); })
                   : vd::all(0)};
}

// scratch: the padded signal and the padded difference, n + 1 rows each.
struct PaddedVariances {
    vd x, d1, d1_padded, d2;
};

FASTEMO_INLINE PaddedVariances padded_variances(const ReduceArgs& a, int l, bool second) {
    double* x = a.scratch + l;
    double* d = a.scratch + (a.n + 1) * kLanes + l;
    vd::all(0).store(x);
    vd::all(0).store(d);
    vd last = vd::all(0);
    for (index i = 0; i < a.n; ++i) {
        const vd now = vd::load(a.x + i * kLanes + l);
        now.store(x + (i + 1) * kLanes);
        (now - last).store(d + (i + 1) * kLanes);
        last = now;
    }
    PaddedVariances v{variance_of(a.n + 1, 1, Column{x}), variance_of(a.n, 1, Column{d + kLanes}), vd::all(0),
                      vd::all(0)};
    if (second) {
        const Column dx{d};
        v.d1_padded = variance_of(a.n + 1, 1, dx);
        v.d2 = variance_of(a.n, 1, [&](index i) { return dx(i + 1) - dx(i); });
    }
    return v;
}

inline void hjorth_mobility(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        vd mobility;
        if (a.params[0] != 0) {
            const PaddedVariances v = padded_variances(a, l, false);
            mobility = ratio(sqrt(v.d1), sqrt(v.x));
        } else {
            const DifferenceVariances v = plain_variances(a, l, false);
            mobility = sqrt(ratio(v.d1, v.x));
        }
        mobility.store(a.out + l);
    });
}

inline void hjorth_complexity(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        vd complexity;
        if (a.params[0] != 0) {
            const PaddedVariances v = padded_variances(a, l, true);
            complexity = ratio(ratio(sqrt(v.d2), sqrt(v.d1_padded)), ratio(sqrt(v.d1), sqrt(v.x)));
        } else {
            const DifferenceVariances v = plain_variances(a, l, true);
            complexity = ratio(sqrt(ratio(v.d2, v.d1)), sqrt(ratio(v.d1, v.x)));
        }
        complexity.store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
