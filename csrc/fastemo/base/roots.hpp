// Roots of unity, correctly rounded, in twofold arithmetic: the same bits everywhere, and no libm.
#pragma once

#include "types.hpp"

namespace fastemo {

// e^(-2 pi i k/n)
struct Root {
    double re, im;
};

namespace twofold {

// The unevaluated sum of two doubles that do not overlap: about 106 bits.
struct number {
    double high, low;
};

constexpr number fast_sum(double a, double b) {  // |a| >= |b|
    const double s = a + b;
    return {s, b - (s - a)};
}

constexpr number sum(double a, double b) {
    const double s = a + b, t = s - a;
    return {s, (a - (s - t)) + (b - t)};
}

constexpr number product(double a, double b) {  // Dekker: exact
    constexpr double split = 134217729;         // 2^27 + 1
    const double a1 = split * a - (split * a - a), a2 = a - a1;
    const double b1 = split * b - (split * b - b), b2 = b - b1;
    const double p = a * b;
    return {p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

constexpr number operator+(number a, number b) {
    const number s = sum(a.high, b.high), t = sum(a.low, b.low);
    const number u = fast_sum(s.high, s.low + t.high);
    return fast_sum(u.high, u.low + t.low);
}

constexpr number operator*(number a, number b) {
    const number p = product(a.high, b.high);
    return fast_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

constexpr number operator/(number a, double b) {
    const double q = a.high / b;
    const number p = product(q, b);
    return fast_sum(q, (((a.high - p.high) - p.low) + a.low) / b);
}

constexpr int kTerms = 27;  // (pi/4)^27 / 27! is below 2^-103

struct InverseFactorials {
    number of[kTerms + 1];
    constexpr InverseFactorials() : of{} {
        of[0] = {1, 0};
        for (int i = 1; i <= kTerms; ++i) of[i] = of[i - 1] / i;
    }
};

// Sum over i = first, first + 2, ... of (-1)^((i - first)/2) x^(i - first) / i!
constexpr number alternating_series(number x, int first) {
    constexpr InverseFactorials inverse;
    const number square = x * x, minus_square = {-square.high, -square.low};
    int i = (kTerms - first) / 2 * 2 + first;
    number s = inverse.of[i];
    for (i -= 2; i >= first; i -= 2) s = s * minus_square + inverse.of[i];
    return s;
}

struct Rotation {
    number cosine, sine;
};

constexpr Rotation operator*(Rotation a, Rotation b) {
    const number minus_sine = {-a.sine.high, -a.sine.low};
    return {a.cosine * b.cosine + minus_sine * b.sine, a.sine * b.cosine + a.cosine * b.sine};
}

// By q/n right angles, 0 <= 2 q <= n.
constexpr Rotation rotation(index q, index n) {
    constexpr number right_angle = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};
    const number x = right_angle * number{double(q), 0} / double(n);
    return {alternating_series(x, 0), x * alternating_series(x, 1)};
}

}  // namespace twofold

// An angle of k/n turns brought into the first eighth of the circle, in integers: nothing is lost before the series.
struct FoldedAngle {
    index right_angles;  // of n, at most half of one
    bool steep, left, below;

    constexpr FoldedAngle(index k, index n) : right_angles(0), steep(false), left(false), below(false) {
        k %= n;
        if (k < 0) k += n;
        below = 2 * k > n;
        if (below) k = n - k;
        left = 4 * k > n;
        const index half_turns = left ? n - 2 * k : 2 * k;
        steep = 4 * half_turns > n;
        right_angles = steep ? n - 2 * half_turns : 2 * half_turns;
    }
    constexpr Root root(twofold::Rotation r) const {
        const double re = steep ? r.sine.high : r.cosine.high, im = steep ? r.cosine.high : r.sine.high;
        return {left ? 0 - re : re, below ? im : 0 - im};
    }
};

constexpr Root root_of_unity(index k, index n) {
    const FoldedAngle angle(k, n);
    return angle.root(twofold::rotation(angle.right_angles, n));
}

}  // namespace fastemo
