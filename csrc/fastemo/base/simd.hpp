// simd<T, W>: W values of T in one native register, over the vector extensions of GCC and Clang.
//
// Included by target units only, inside their own namespace, so that no function compiled for one CPU can be linked
// into code for another. Without vector extensions (MSVC) W is 1 and the same kernels run on scalars.
#pragma once

#include <cstdint>
#include <cstring>

#include "types.hpp"

#if defined(__FMA__)
#include <immintrin.h>
#endif
#if defined(_MSC_VER) && !defined(__clang__)
#include <math.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FASTEMO_VECTORS 1
#define FASTEMO_INLINE inline __attribute__((always_inline))
#define FASTEMO_INLINE_LAMBDA __attribute__((always_inline))
#define FASTEMO_NOINLINE __attribute__((noinline))
#define FASTEMO_UNROLL _Pragma("GCC unroll 16")
#else
#define FASTEMO_VECTORS 0
#define FASTEMO_INLINE __forceinline
#define FASTEMO_INLINE_LAMBDA
#define FASTEMO_NOINLINE
#define FASTEMO_UNROLL
#endif

#if defined(__AVX512F__)
#define FASTEMO_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define FASTEMO_VECTOR_BYTES 32
#else
#define FASTEMO_VECTOR_BYTES 16
#endif

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FASTEMO_FMA 1
#else
#define FASTEMO_FMA 0
#endif

namespace fastemo::FASTEMO_NS {

template <class T>
constexpr int native_width = FASTEMO_VECTORS ? FASTEMO_VECTOR_BYTES / int(sizeof(T)) : 1;

template <class T>
struct same_size_int;
template <>
struct same_size_int<double> {
    using type = std::int64_t;
};
template <>
struct same_size_int<float> {
    using type = std::int32_t;
};

template <class T, int W>
struct simd;

#if FASTEMO_VECTORS

template <class T, int W>
struct simd {
    typedef T raw __attribute__((vector_size(W * sizeof(T))));
    typedef T unaligned __attribute__((vector_size(W * sizeof(T)), aligned(sizeof(T)), may_alias));
    typedef typename same_size_int<T>::type mask __attribute__((vector_size(W * sizeof(T))));
    static constexpr int width = W;

    raw v;

    static FASTEMO_INLINE simd load(const T* p) { return {*reinterpret_cast<const unaligned*>(p)}; }
    // x - 0 is x, zeros of either sign included, so compilers drop the subtraction; 0 + x they may not.
    static FASTEMO_INLINE simd all(T x) { return {x - raw{}}; }
    FASTEMO_INLINE void store(T* p) const { *reinterpret_cast<unaligned*>(p) = v; }

    friend FASTEMO_INLINE simd operator+(simd a, simd b) { return {a.v + b.v}; }
    friend FASTEMO_INLINE simd operator-(simd a, simd b) { return {a.v - b.v}; }
    friend FASTEMO_INLINE simd operator*(simd a, simd b) { return {a.v * b.v}; }
    friend FASTEMO_INLINE simd operator/(simd a, simd b) { return {a.v / b.v}; }
    friend FASTEMO_INLINE simd operator-(simd a) { return {-a.v}; }
    friend FASTEMO_INLINE mask operator<(simd a, simd b) { return a.v < b.v; }
    friend FASTEMO_INLINE mask operator>=(simd a, simd b) { return a.v >= b.v; }
    friend FASTEMO_INLINE mask operator>(simd a, simd b) { return a.v > b.v; }
    friend FASTEMO_INLINE mask operator==(simd a, simd b) { return a.v == b.v; }
};

// m ? a : b, lane by lane
template <class T, int W>
FASTEMO_INLINE simd<T, W> select(typename simd<T, W>::mask m, simd<T, W> a, simd<T, W> b) {
    return {m ? a.v : b.v};
}

template <class T, int W>
FASTEMO_INLINE simd<T, W> max(simd<T, W> a, simd<T, W> b) {
    return {a.v > b.v ? a.v : b.v};
}

template <class T, int W>
FASTEMO_INLINE simd<T, W> min(simd<T, W> a, simd<T, W> b) {
    return {a.v < b.v ? a.v : b.v};
}

template <class T, int W>
FASTEMO_INLINE simd<T, W> abs(simd<T, W> a) {
    using integer = typename same_size_int<T>::type;
    constexpr integer all_but_sign = sizeof(T) == 8 ? integer(0x7fffffffffffffff) : integer(0x7fffffff);
    return {(typename simd<T, W>::raw)((typename simd<T, W>::mask)a.v & all_but_sign)};
}

// a b + c and a b - c, rounded once where the target has fused multiply-add, twice elsewhere. Compilers keep lane
// loops over the scalar builtin in vectors only most of the time, so native widths call the instruction by name.
template <class T, int W>
FASTEMO_INLINE simd<T, W> fma(simd<T, W> a, simd<T, W> b, simd<T, W> c) {
#if defined(__AVX512F__)
    if constexpr (W * sizeof(T) == 64) {
        if constexpr (sizeof(T) == 8)
            return {(typename simd<T, W>::raw)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v)};
        if constexpr (sizeof(T) == 4)
            return {(typename simd<T, W>::raw)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)c.v)};
    }
#endif
#if defined(__FMA__)
    if constexpr (W * sizeof(T) == 32) {
        if constexpr (sizeof(T) == 8)
            return {(typename simd<T, W>::raw)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v)};
        if constexpr (sizeof(T) == 4)
            return {(typename simd<T, W>::raw)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v)};
    }
#endif
#if FASTEMO_FMA
    simd<T, W> r;
    FASTEMO_UNROLL
    for (int l = 0; l < W; ++l)
        r.v[l] = sizeof(T) == 8 ? T(__builtin_fma(a.v[l], b.v[l], c.v[l])) : T(__builtin_fmaf(a.v[l], b.v[l], c.v[l]));
    return r;
#else
    return {a.v * b.v + c.v};
#endif
}

template <class T, int W>
FASTEMO_INLINE simd<T, W> fms(simd<T, W> a, simd<T, W> b, simd<T, W> c) {
    return fma(a, b, -c);
}

template <class T, int W>
FASTEMO_INLINE simd<T, W> sqrt(simd<T, W> a) {
    simd<T, W> r;
    FASTEMO_UNROLL
    for (int l = 0; l < W; ++l) r.v[l] = sizeof(T) == 8 ? T(__builtin_sqrt(a.v[l])) : T(__builtin_sqrtf(a.v[l]));
    return r;
}

#endif

// One value, where vectors of one would do: the operations of a lane, in the same order and with the same rounding.
template <class T>
struct simd<T, 1> {
    using raw = T;
    using mask = bool;
    static constexpr int width = 1;

    T v;

    static FASTEMO_INLINE simd load(const T* p) { return {*p}; }
    static FASTEMO_INLINE simd all(T x) { return {x}; }
    FASTEMO_INLINE void store(T* p) const { *p = v; }

    friend FASTEMO_INLINE simd operator+(simd a, simd b) { return {a.v + b.v}; }
    friend FASTEMO_INLINE simd operator-(simd a, simd b) { return {a.v - b.v}; }
    friend FASTEMO_INLINE simd operator*(simd a, simd b) { return {a.v * b.v}; }
    friend FASTEMO_INLINE simd operator/(simd a, simd b) { return {a.v / b.v}; }
    friend FASTEMO_INLINE simd operator-(simd a) { return {-a.v}; }
    friend FASTEMO_INLINE mask operator<(simd a, simd b) { return a.v < b.v; }
    friend FASTEMO_INLINE mask operator>=(simd a, simd b) { return a.v >= b.v; }
    friend FASTEMO_INLINE mask operator>(simd a, simd b) { return a.v > b.v; }
    friend FASTEMO_INLINE mask operator==(simd a, simd b) { return a.v == b.v; }

    friend FASTEMO_INLINE simd select(bool m, simd a, simd b) { return m ? a : b; }
    friend FASTEMO_INLINE simd max(simd a, simd b) { return a.v > b.v ? a : b; }
    friend FASTEMO_INLINE simd min(simd a, simd b) { return a.v < b.v ? a : b; }
    friend FASTEMO_INLINE simd abs(simd a) { return {a.v < 0 ? -a.v : a.v}; }
    friend FASTEMO_INLINE simd fms(simd a, simd b, simd c) { return fma(a, b, -c); }
#if FASTEMO_FMA && FASTEMO_VECTORS
    friend FASTEMO_INLINE simd fma(simd a, simd b, simd c) {
        return {sizeof(T) == 8 ? T(__builtin_fma(a.v, b.v, c.v)) : T(__builtin_fmaf(a.v, b.v, c.v))};
    }
#else
    friend FASTEMO_INLINE simd fma(simd a, simd b, simd c) { return {a.v * b.v + c.v}; }
#endif
#if FASTEMO_VECTORS
    friend FASTEMO_INLINE simd sqrt(simd a) {
        return {sizeof(T) == 8 ? T(__builtin_sqrt(a.v)) : T(__builtin_sqrtf(a.v))};
    }
#else
    friend FASTEMO_INLINE simd sqrt(simd a) { return {T(::sqrt(double(a.v)))}; }
#endif
};

using vd = simd<double, native_width<double>>;
using vf = simd<float, native_width<float>>;
using scalar = simd<double, 1>;

// The eight logical lanes of one channel group, as natives.
constexpr int kNativesPerGroup = int(kLanes) / vd::width;

// Sum over the eight logical lanes in one fixed tree, whatever the native width.
FASTEMO_INLINE double tree_sum(const double* lane) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace fastemo::FASTEMO_NS
