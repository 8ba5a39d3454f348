// Eight doubles as natives, and one double with the same face: kernels over either do the same operations in the same
// order, so that a matrix gives the same bits alone and as one of eight.
#pragma once

#include "maths.hpp"

namespace fastemo::FASTEMO_NS {

struct pack {
    static constexpr int natives = kNativesPerGroup, count = int(kLanes);
    struct mask {
        vd::mask m[natives];
    };
    vd v[natives];

    template <class F>
    static FASTEMO_INLINE pack make(F&& f) {
        pack r;
        FASTEMO_UNROLL
        for (int k = 0; k < natives; ++k) r.v[k] = f(k);
        return r;
    }
    template <class F>
    static FASTEMO_INLINE mask ask(F&& f) {
        mask r;
        FASTEMO_UNROLL
        for (int k = 0; k < natives; ++k) r.m[k] = f(k);
        return r;
    }
    static FASTEMO_INLINE pack load(const double* p) {
        return make([&](int k) FASTEMO_INLINE_LAMBDA { return vd::load(p + k * vd::width); });
    }
    static FASTEMO_INLINE pack all(double x) {
        return make([&](int) FASTEMO_INLINE_LAMBDA { return vd::all(x); });
    }
    FASTEMO_INLINE void store(double* p) const {
        FASTEMO_UNROLL
        for (int k = 0; k < natives; ++k) v[k].store(p + k * vd::width);
    }

#define FASTEMO_PACKED(expression) pack::make([&](int k) FASTEMO_INLINE_LAMBDA { return expression; })
#define FASTEMO_MASKED(expression) pack::ask([&](int k) FASTEMO_INLINE_LAMBDA { return expression; })
    friend FASTEMO_INLINE pack operator+(const pack& a, const pack& b) { return FASTEMO_PACKED(a.v[k] + b.v[k]); }
    friend FASTEMO_INLINE pack operator-(const pack& a, const pack& b) { return FASTEMO_PACKED(a.v[k] - b.v[k]); }
    friend FASTEMO_INLINE pack operator*(const pack& a, const pack& b) { return FASTEMO_PACKED(a.v[k] * b.v[k]); }
    friend FASTEMO_INLINE pack operator/(const pack& a, const pack& b) { return FASTEMO_PACKED(a.v[k] / b.v[k]); }
    friend FASTEMO_INLINE pack operator-(const pack& a) { return FASTEMO_PACKED(-a.v[k]); }
    friend FASTEMO_INLINE mask operator<(const pack& a, const pack& b) { return FASTEMO_MASKED(a.v[k] < b.v[k]); }
    friend FASTEMO_INLINE mask operator>=(const pack& a, const pack& b) { return FASTEMO_MASKED(a.v[k] >= b.v[k]); }
    friend FASTEMO_INLINE mask operator==(const pack& a, const pack& b) { return FASTEMO_MASKED(a.v[k] == b.v[k]); }
};

FASTEMO_INLINE pack fma(const pack& a, const pack& b, const pack& c) {
    return FASTEMO_PACKED(fma(a.v[k], b.v[k], c.v[k]));
}
FASTEMO_INLINE pack sqrt(const pack& a) { return FASTEMO_PACKED(sqrt(a.v[k])); }
FASTEMO_INLINE pack abs(const pack& a) { return FASTEMO_PACKED(abs(a.v[k])); }
FASTEMO_INLINE pack max(const pack& a, const pack& b) { return FASTEMO_PACKED(max(a.v[k], b.v[k])); }
FASTEMO_INLINE pack min(const pack& a, const pack& b) { return FASTEMO_PACKED(min(a.v[k], b.v[k])); }
FASTEMO_INLINE pack select(const pack::mask& m, const pack& a, const pack& b) {
    return FASTEMO_PACKED(select(m.m[k], a.v[k], b.v[k]));
}
FASTEMO_INLINE double largest(const pack& a) {
    double lane[pack::count], r;
    a.store(lane);
    r = lane[0];
    for (int l = 1; l < pack::count; ++l) r = lane[l] > r ? lane[l] : r;
    return r;
}
#undef FASTEMO_PACKED
#undef FASTEMO_MASKED

struct one {
    static constexpr int count = 1;
    using mask = bool;
    double v;

    static FASTEMO_INLINE one load(const double* p) { return {*p}; }
    static FASTEMO_INLINE one all(double x) { return {x}; }
    FASTEMO_INLINE void store(double* p) const { *p = v; }

    friend FASTEMO_INLINE one operator+(one a, one b) { return {a.v + b.v}; }
    friend FASTEMO_INLINE one operator-(one a, one b) { return {a.v - b.v}; }
    friend FASTEMO_INLINE one operator*(one a, one b) { return {a.v * b.v}; }
    friend FASTEMO_INLINE one operator/(one a, one b) { return {a.v / b.v}; }
    friend FASTEMO_INLINE one operator-(one a) { return {-a.v}; }
    friend FASTEMO_INLINE bool operator<(one a, one b) { return a.v < b.v; }
    friend FASTEMO_INLINE bool operator>=(one a, one b) { return a.v >= b.v; }
    friend FASTEMO_INLINE bool operator==(one a, one b) { return a.v == b.v; }
};

#if FASTEMO_FMA
FASTEMO_INLINE one fma(one a, one b, one c) { return {__builtin_fma(a.v, b.v, c.v)}; }
#else
FASTEMO_INLINE one fma(one a, one b, one c) { return {a.v * b.v + c.v}; }
#endif
FASTEMO_INLINE one sqrt(one a) {
    const simd<double, 1> root = sqrt(simd<double, 1>{a.v});
    double r;
    root.store(&r);
    return {r};
}
FASTEMO_INLINE one abs(one a) { return {a.v < 0 ? -a.v : a.v}; }
FASTEMO_INLINE one max(one a, one b) { return a.v > b.v ? a : b; }
FASTEMO_INLINE one min(one a, one b) { return a.v < b.v ? a : b; }
FASTEMO_INLINE one select(bool m, one a, one b) { return m ? a : b; }
FASTEMO_INLINE double largest(one a) { return a.v; }

FASTEMO_INLINE pack log(const pack& a) {
    return pack::make([&](int k) FASTEMO_INLINE_LAMBDA { return log(a.v[k]); });
}
FASTEMO_INLINE pack exp(const pack& a) {
    return pack::make([&](int k) FASTEMO_INLINE_LAMBDA { return exp(a.v[k]); });
}

}  // namespace fastemo::FASTEMO_NS
