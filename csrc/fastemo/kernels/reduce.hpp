// What the reductions of a window share: eight signals side by side, a row of them per sample.
//
// A lane never looks at another, so a signal's result does not depend on its neighbours. Sums over time use four
// accumulators and one fixed tree: more digits than one running sum, and four additions in flight.
#pragma once

#include "maths.hpp"

namespace fastemo::FASTEMO_NS::reduce {

constexpr int W = vd::width;
constexpr double kNaN = __builtin_nan("");
constexpr double kLog10E = 0.43429448190325182765;
constexpr double kLog2E = 1.44269504088896340736;

// One native's worth of signals, by sample.
struct Column {
    const double* at;
    FASTEMO_INLINE vd operator()(index i) const { return vd::load(at + i * kLanes); }
};

// f(first lane) for each native of the eight.
template <class F>
FASTEMO_INLINE void for_natives_of_group(F&& f) {
    for (int l = 0; l < int(kLanes); l += W) f(l);
}

template <class F>
FASTEMO_INLINE vd sum(index first, index last, F&& term) {
    vd s[4] = {vd::all(0), vd::all(0), vd::all(0), vd::all(0)};
    index i = first;
    for (; i + 4 <= last; i += 4) {
        FASTEMO_UNROLL
        for (int k = 0; k < 4; ++k) s[k] = s[k] + term(i + k);
    }
    for (; i < last; ++i) s[0] = s[0] + term(i);
    return (s[0] + s[2]) + (s[1] + s[3]);
}

template <class F>
FASTEMO_INLINE vd mean_of(index n, F&& x) {
    return sum(0, n, x) / vd::all(double(n));
}

// Deviations from the mean. Both are taken from the first sample, so that those of a constant are exactly 0.
template <class F>
struct Deviations {
    F x;
    vd first, shift;
    FASTEMO_INLINE Deviations(index n, F x)
        : x(x), first(x(0)), shift(mean_of(n, [&](index i) { return x(i) - x(0); })) {}
    FASTEMO_INLINE vd operator()(index i) const { return (x(i) - first) - shift; }
    FASTEMO_INLINE vd mean() const { return first + shift; }
};

// Sum of squared deviations, over n - ddof.
template <class F>
FASTEMO_INLINE vd variance_of(index n, double ddof, F x) {
    const Deviations<F> deviation(n, x);
    return sum(0, n,
               [&](index i) {
                   const vd d = deviation(i);
                   return d * d;
               }) /
           vd::all(double(n) - ddof);
}

FASTEMO_INLINE vd one_where(decltype(vd::all(0) < vd::all(0)) m) { return select(m, vd::all(1), vd::all(0)); }

// -0 is negative, as numpy.signbit has it.
FASTEMO_INLINE auto is_negative(vd x) { return as_ints(x) < 0; }

FASTEMO_INLINE vd magnitude(vd x) { return as_doubles(as_ints(x) & std::int64_t(0x7fffffffffffffff)); }

// a / b where b > 0, NaN elsewhere.
FASTEMO_INLINE vd ratio(vd a, vd b) {
    const auto sound = b > vd::all(0);
    return select(sound, a / select(sound, b, vd::all(1)), vd::all(kNaN));
}

// Natural logarithm of a positive number, NaN elsewhere.
FASTEMO_INLINE vd log_of(vd x) {
    const auto sound = x > vd::all(0);
    return select(sound, log(select(sound, x, vd::all(1))), vd::all(kNaN));
}

// p log2(p), 0 at 0.
FASTEMO_INLINE vd p_log2_p(vd p) {
    const auto some = p > vd::all(0);
    return select(some, p * (log(select(some, p, vd::all(1))) * vd::all(kLog2E)), vd::all(0));
}

inline unsigned zero_non_finite(double* x, index n) {
    unsigned found = 0;
    for_natives_of_group([&](int l) {
        double lane[W];
        sum(0, n, [&](index i) { return Column{x + l}(i)*vd::all(0); }).store(lane);
        for (int k = 0; k < W; ++k) {
            if (lane[k] == 0) continue;
            found |= 1u << (l + k);
            for (index i = 0; i < n; ++i) x[i * kLanes + l + k] = 0;
        }
    });
    return found;
}

// Slope of the least-squares line through (x_k, y_k), the points weighted 0 or 1 lane by lane; NaN for fewer than two.
struct Line {
    vd w = vd::all(0), x = vd::all(0), y = vd::all(0), xx = vd::all(0), xy = vd::all(0);
    FASTEMO_INLINE void add(vd at, vd value, vd weight) {
        w = w + weight, x = x + weight * at, y = y + weight * value;
        xx = xx + weight * (at * at), xy = xy + weight * (at * value);
    }
    FASTEMO_INLINE vd slope() const {
        const vd value = ratio(w * xy - x * y, w * xx - x * x);
        return select(w > vd::all(1), value, vd::all(kNaN));
    }
};

}  // namespace fastemo::FASTEMO_NS::reduce
