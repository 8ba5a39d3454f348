// The real FFT of one signal: lanes are leaves and then blocks, side by side in memory, where kernels/fft.hpp has channels.
// The passes are the same, operation by operation, and so are the bits; rows are single values. What is left when blocks
// are fewer than lanes is done one by one: still a third of the time of eight lanes of which seven are not wanted.
#pragma once

#include "fft.hpp"

namespace fastemo::FASTEMO_NS {

// W neighbours in memory, as rows of one value each.
template <class V>
struct strip {
    using T = value_type<V>;
    static constexpr int width = 1, count = V::width;
    V v;

    static FASTEMO_INLINE strip load(const T* p) { return {V::load(p)}; }
    static FASTEMO_INLINE strip all(T x) { return {V::all(x)}; }
    FASTEMO_INLINE void store(T* p) const { v.store(p); }

    friend FASTEMO_INLINE strip operator+(strip a, strip b) { return {a.v + b.v}; }
    friend FASTEMO_INLINE strip operator-(strip a, strip b) { return {a.v - b.v}; }
    friend FASTEMO_INLINE strip operator*(strip a, strip b) { return {a.v * b.v}; }
    friend FASTEMO_INLINE strip operator-(strip a) { return {-a.v}; }
    friend FASTEMO_INLINE strip fma(strip a, strip b, strip c) { return {fma(a.v, b.v, c.v)}; }
};

// One value with the face of a native.
template <class U>
struct lone {
    using T = U;
    static constexpr int width = 1, count = 1;
    T v;

    static FASTEMO_INLINE lone load(const T* p) { return {*p}; }
    static FASTEMO_INLINE lone all(T x) { return {x}; }
    FASTEMO_INLINE void store(T* p) const { *p = v; }

    friend FASTEMO_INLINE lone operator+(lone a, lone b) { return {a.v + b.v}; }
    friend FASTEMO_INLINE lone operator-(lone a, lone b) { return {a.v - b.v}; }
    friend FASTEMO_INLINE lone operator*(lone a, lone b) { return {a.v * b.v}; }
    friend FASTEMO_INLINE lone operator-(lone a) { return {-a.v}; }
    friend FASTEMO_INLINE lone fma(lone a, lone b, lone c) {
#if FASTEMO_FMA
        return {sizeof(T) == 8 ? T(__builtin_fma(a.v, b.v, c.v)) : T(__builtin_fmaf(a.v, b.v, c.v))};
#else
        return {a.v * b.v + c.v};
#endif
    }
};

template <class V>
struct value_of<strip<V>> {
    using type = value_type<V>;
};
template <class T>
struct value_of<lone<T>> {
    using type = T;
};

// Calls f with lane types for every place in [0, n): as many neighbours at once as there are.
template <class T, class F>
FASTEMO_INLINE void for_strips(index n, F&& f) {
    constexpr int W = native_width<T> < 8 ? native_width<T> : 8;
    index i = 0;
    for (; i + W <= n; i += W) f(strip<simd<T, W>>(), i);
    if constexpr (W * sizeof(T) == 64)
        for (; i + W / 2 <= n; i += W / 2) f(strip<simd<T, W / 2>>(), i);
    for (; i < n; ++i) f(lone<T>(), i);
}

template <class V, class T>
inline void combine_any(const FftPass<T>& p, T* block) {
    switch (p.radix) {
        case 2: return combine<2, V>(p, block);
        case 3: return combine<3, V>(p, block);
        case 4: return combine<4, V>(p, block);
        case 5: return combine<5, V>(p, block);
        case 6: return combine<6, V>(p, block);
        case 7: return combine<7, V>(p, block);
        case 8: return combine<8, V>(p, block);
        case 9: return combine<9, V>(p, block);
        case 10: return combine<10, V>(p, block);
        case 11: return combine<11, V>(p, block);
        case 13: return combine<13, V>(p, block);
    }
}

// The wanted bins of n values one after the other, pairs `out_stride` bytes apart. No convolution. scratch: p.rows values.
template <class T>
inline void rfft_of_one(const FftPlan<T>& p, const T* x, char* out, index out_stride, T* scratch) {
    const auto leaf = [&](auto lanes, index i) FASTEMO_INLINE_LAMBDA {
        using V = decltype(lanes);
        const T* base[kMaxFftRadix];
        for (int j = 0; j < p.first_radix; ++j) base[j] = x + i + j * p.leaves;
        first_pass<V>(p, i, 1, base, 0, AsIs<V>(), scratch);
    };
    for_strips<T>(p.leaves, leaf);
    for (int level = 0; level < p.n_passes; ++level)
        for_strips<T>(p.passes[level].stride, [&](auto lanes, index block) FASTEMO_INLINE_LAMBDA {
            combine_any<decltype(lanes)>(p.passes[level], scratch + block);
        });
    with_last_radix(p, [&](auto radix) FASTEMO_INLINE_LAMBDA {
        for (index i = 0; i < p.stop - p.first; ++i, out += out_stride) {
            const cplx<lone<T>> z = last_pass<radix, lone<T>>(p, scratch, i);
            reinterpret_cast<T*>(out)[0] = z.re.v;
            reinterpret_cast<T*>(out)[1] = z.im.v * p.signs[i];
        }
    });
}

// As rfft, one signal after the other.
template <class T>
inline void rfft_one_by_one(const FftPlan<T>& p, const Samples& in, index n_channels, const SamplesOut& out,
                            T* scratch) {
    for (index c = 0; c < n_channels; ++c) {
        const char* const from = static_cast<const char*>(in.data) + c * in.channel_stride;
        const T* x = reinterpret_cast<const T*>(from);
        if (in.sample_stride != index(sizeof(T))) {
            T* const copy = scratch + p.rows;
            for (index i = 0; i < p.n; ++i) copy[i] = *reinterpret_cast<const T*>(from + i * in.sample_stride);
            x = copy;
        }
        rfft_of_one(p, x, static_cast<char*>(out.data) + c * out.channel_stride, out.sample_stride, scratch);
    }
}

inline void rfft_one_by_one_f64(const FftPlan<double>& p, const Samples& in, index n_channels, const SamplesOut& out,
                                double* scratch) {
    rfft_one_by_one(p, in, n_channels, out, scratch);
}
inline void rfft_one_by_one_f32(const FftPlan<float>& p, const Samples& in, index n_channels, const SamplesOut& out,
                                float* scratch) {
    rfft_one_by_one(p, in, n_channels, out, scratch);
}

}  // namespace fastemo::FASTEMO_NS
