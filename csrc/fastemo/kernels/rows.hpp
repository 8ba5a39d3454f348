// Doors between the caller's samples (any layout, float32 or float64) and time-major rows of float64.
//
// Transposes go through W x W register tiles; the last tile of a run overlaps the one before it, which is harmless
// because every value is written from its source.
#pragma once

#include <utility>

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

#if FASTEMO_VECTORS

// Element l of row i becomes element i of row l: log2(W) rounds that swap off-diagonal blocks of size S.
template <int S, class V, std::size_t... L>
FASTEMO_INLINE void swap_blocks(V& a, V& b, std::index_sequence<L...>) {
    constexpr int W = V::width;
    const auto x = a.v, y = b.v;
    a.v = __builtin_shufflevector(x, y, ((int(L) & S) ? int(L) - S + W : int(L))...);
    b.v = __builtin_shufflevector(x, y, ((int(L) & S) ? int(L) + W : int(L) + S)...);
}

template <class V, int S = V::width / 2>
FASTEMO_INLINE void transpose(V (&r)[V::width]) {
    if constexpr (S > 0) {
        FASTEMO_UNROLL
        for (int i = 0; i < V::width; ++i)
            if (!(i & S)) swap_blocks<S>(r[i], r[i + S], std::make_index_sequence<V::width>());
        transpose<V, S / 2>(r);
    }
}

FASTEMO_INLINE vd widen(const double* p) { return vd::load(p); }
FASTEMO_INLINE vd widen(const float* p) {
    typedef float half __attribute__((vector_size(vd::width * 4), aligned(4), may_alias));
    return {__builtin_convertvector(*reinterpret_cast<const half*>(p), vd::raw)};
}
FASTEMO_INLINE void narrow(vd x, double* p) { x.store(p); }
FASTEMO_INLINE void narrow(vd x, float* p) {
    typedef float half __attribute__((vector_size(vd::width * 4), aligned(4), may_alias));
    *reinterpret_cast<half*>(p) = __builtin_convertvector(x.v, half);
}

#else

template <class V>
FASTEMO_INLINE void transpose(V (&)[1]) {}
FASTEMO_INLINE vd widen(const double* p) { return {*p}; }
FASTEMO_INLINE vd widen(const float* p) { return {double(*p)}; }
FASTEMO_INLINE void narrow(vd x, double* p) { *p = x.v; }
FASTEMO_INLINE void narrow(vd x, float* p) { *p = float(x.v); }

#endif

template <class T>
FASTEMO_INLINE T* element(const void* data, index channel_stride, index sample_stride, index c, index n) {
    const char* at = static_cast<const char*>(data) + c * channel_stride + n * sample_stride;
    return const_cast<T*>(reinterpret_cast<const T*>(at));
}

// `width` channels from c on, samples [s, s + n), into rows; `finite` stays 0 as long as every value is finite.
template <class T>
FASTEMO_INLINE void load_channels(const Samples& in, index c, index width, index s, index n, double scale, double* rows,
                                  index stride, vd& finite) {
    constexpr index W = vd::width;
    const auto at = [&](index channel, index sample) {
        return element<const T>(in.data, in.channel_stride, in.sample_stride, c + channel, s + sample);
    };
    const vd factor = vd::all(scale), zero = vd::all(0);
    if (width == kLanes && in.channel_stride == index(sizeof(T))) {
        for (index i = 0; i < n; ++i)
            for (index l = 0; l < kLanes; l += W) {
                const vd x = widen(at(l, i)) * factor;
                finite = finite + x * zero;
                x.store(rows + i * stride + l);
            }
        return;
    }
    if (width == kLanes && in.sample_stride == index(sizeof(T)) && n >= W) {
        for (index l = 0; l < kLanes; l += W)
            for (index i = 0; i < n; i += W) {
                const index first = i + W <= n ? i : n - W;
                vd tile[W];
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) {
                    tile[k] = widen(at(l + k, first)) * factor;
                    finite = finite + tile[k] * zero;
                }
                transpose(tile);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) tile[k].store(rows + (first + k) * stride + l);
            }
        return;
    }
    for (index i = 0; i < n; ++i) {
        for (index l = 0; l < width; ++l) rows[i * stride + l] = double(*at(l, i)) * scale;
        for (index l = width; l < kLanes; ++l) rows[i * stride + l] = 0;
        for (index l = 0; l < kLanes; l += W) finite = finite + vd::load(rows + i * stride + l) * zero;
    }
}

template <class T>
FASTEMO_INLINE void store_channels(const double* rows, index stride, index c, index width, index s, index n,
                                   const SamplesOut& out) {
    constexpr index W = vd::width;
    const auto at = [&](index channel, index sample) {
        return element<T>(out.data, out.channel_stride, out.sample_stride, c + channel, s + sample);
    };
    if (width == kLanes && out.channel_stride == index(sizeof(T))) {
        for (index i = 0; i < n; ++i)
            for (index l = 0; l < kLanes; l += W) narrow(vd::load(rows + i * stride + l), at(l, i));
        return;
    }
    if (width == kLanes && out.sample_stride == index(sizeof(T)) && n >= W) {
        for (index l = 0; l < kLanes; l += W)
            for (index i = 0; i < n; i += W) {
                const index first = i + W <= n ? i : n - W;
                vd tile[W];
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) tile[k] = vd::load(rows + (first + k) * stride + l);
                transpose(tile);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) narrow(tile[k], at(l + k, first));
            }
        return;
    }
    for (index i = 0; i < n; ++i)
        for (index l = 0; l < width; ++l) *at(l, i) = T(rows[i * stride + l]);
}

FASTEMO_INLINE index group_width(index n_channels, index c) {
    return n_channels - c < kLanes ? n_channels - c : kLanes;
}

inline bool load_rows(const Samples& in, index n_channels, index n, double scale, double* rows, index stride, index c0,
                      index c1) {
    vd finite = vd::all(0);
    for (index c = c0; c < c1; c += kLanes) {
        const index width = group_width(n_channels, c);
        if (in.dtype == Dtype::f64)
            load_channels<double>(in, c, width, 0, n, scale, rows + c, stride, finite);
        else
            load_channels<float>(in, c, width, 0, n, scale, rows + c, stride, finite);
    }
    double lane[vd::width];
    finite.store(lane);
    bool ok = true;
    for (int l = 0; l < vd::width; ++l) ok &= lane[l] == 0;
    return ok;
}

inline void store_rows(const double* rows, index stride, index n_channels, index n, const SamplesOut& out, index c0,
                       index c1) {
    for (index c = c0; c < c1; c += kLanes) {
        const index width = group_width(n_channels, c);
        if (out.dtype == Dtype::f64)
            store_channels<double>(rows + c, stride, c, width, 0, n, out);
        else
            store_channels<float>(rows + c, stride, c, width, 0, n, out);
    }
}

}  // namespace fastemo::FASTEMO_NS
