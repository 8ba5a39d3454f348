// Eight doubles as natives, with the face of `scalar`: kernels over either do the same operations in the same order, so
// that a matrix gives the same bits alone and as one of eight.
#pragma once

#include "maths.hpp"

namespace fastemo::FASTEMO_NS {

struct pack {
    static constexpr int natives = kNativesPerGroup, width = int(kLanes);
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
    double lane[pack::width], r;
    a.store(lane);
    r = lane[0];
    for (int l = 1; l < pack::width; ++l) r = lane[l] > r ? lane[l] : r;
    return r;
}
#undef FASTEMO_PACKED
#undef FASTEMO_MASKED

FASTEMO_INLINE double largest(scalar a) { return a.v; }

FASTEMO_INLINE pack log(const pack& a) {
    return pack::make([&](int k) FASTEMO_INLINE_LAMBDA { return log(a.v[k]); });
}
FASTEMO_INLINE pack exp(const pack& a) {
    return pack::make([&](int k) FASTEMO_INLINE_LAMBDA { return exp(a.v[k]); });
}

}  // namespace fastemo::FASTEMO_NS
