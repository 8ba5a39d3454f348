// Causal IIR filtering as a cascade of second-order sections.
//
// Transposed direct form II, in SciPy's order of operations and without contraction, so that float64 results are
// SciPy's, bit for bit. Channels are the lanes. A section runs over a tile of samples with its state in registers
// before the next section starts: any mix of section forms, and as many independent recursions in flight as the tile
// has natives, which hides the latency of the recursion.
#pragma once

#include "rows.hpp"

namespace fastemo::FASTEMO_NS {

// Natives per tile, independent recursions: enough to hide the latency of one, few enough for the registers.
constexpr int kTile = FASTEMO_VECTOR_BYTES == 64 ? 8 : 4;
constexpr index kTileRows = 16;  // samples per tile: the tile, its source and its destination fit L1 together

template <int Form, int T>
FASTEMO_INLINE void section_rows(const Section& q, double* z, index stride, const double* in, index in_stride,
                                 double* out, index out_stride, index n) {
    constexpr index W = vd::width;
    constexpr bool is_general = Form == Section::general;
    constexpr bool is_unit = Form == Section::unit || Form == Section::unit_plus;
    constexpr bool is_plus = Form == Section::scaled_plus || Form == Section::unit_plus;
    const vd b0 = vd::all(q.b0), b1 = vd::all(is_general ? q.b1 : q.c1), b2 = vd::all(is_general ? q.b2 : q.c2);
    const vd a1 = vd::all(q.a1), a2 = vd::all(q.a2);
    vd z0[T], z1[T];
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) z0[t] = vd::load(z + t * W), z1[t] = vd::load(z + stride + t * W);
    for (index i = 0; i < n; ++i) {
        FASTEMO_UNROLL
        for (int t = 0; t < T; ++t) {
            const vd x = vd::load(in + i * in_stride + t * W);
            if constexpr (is_general) {
                const vd y = b0 * x + z0[t];
                z0[t] = (b1 * x - a1 * y) + z1[t];
                z1[t] = b2 * x - a2 * y;
                y.store(out + i * out_stride + t * W);
            } else {
                const vd p = is_unit ? x : b0 * x;
                const vd y = p + z0[t];
                z0[t] = fms(b1, p, a1 * y) + z1[t];
                z1[t] = is_plus ? p - a2 * y : fms(b2, p, a2 * y);
                y.store(out + i * out_stride + t * W);
            }
        }
    }
    FASTEMO_UNROLL
    for (int t = 0; t < T; ++t) z0[t].store(z + t * W), z1[t].store(z + stride + t * W);
}

template <int T>
inline void section_tile(const Section& q, double* z, index stride, const double* in, index in_stride, double* out,
                         index out_stride, index n) {
    switch (q.form) {
        case Section::general:
            return section_rows<Section::general, T>(q, z, stride, in, in_stride, out, out_stride, n);
        case Section::scaled: return section_rows<Section::scaled, T>(q, z, stride, in, in_stride, out, out_stride, n);
        case Section::scaled_plus:
            return section_rows<Section::scaled_plus, T>(q, z, stride, in, in_stride, out, out_stride, n);
        case Section::unit: return section_rows<Section::unit, T>(q, z, stride, in, in_stride, out, out_stride, n);
        case Section::unit_plus:
            return section_rows<Section::unit_plus, T>(q, z, stride, in, in_stride, out, out_stride, n);
    }
}

// The whole cascade over n rows of T natives; state [n_sections][2][stride]; out may be in.
template <int T>
FASTEMO_INLINE void cascade_tile(const Section* sos, index n_sections, double* state, index stride, const double* in,
                                 index in_stride, double* out, index out_stride, index n) {
    section_tile<T>(sos[0], state, stride, in, in_stride, out, out_stride, n);
    for (index s = 1; s < n_sections; ++s)
        section_tile<T>(sos[s], state + 2 * s * stride, stride, out, out_stride, out, out_stride, n);
}

// Calls f(c, T) for tiles of T natives that cover channels [c0, c1).
template <class F>
FASTEMO_INLINE void for_tiles(index c0, index c1, F&& f) {
    constexpr index W = vd::width;
    index c = c0;
    for (; c + kTile * W <= c1; c += kTile * W) f(c, std::integral_constant<int, kTile>());
    if constexpr (kTile > 4)
        for (; c + 4 * W <= c1; c += 4 * W) f(c, std::integral_constant<int, 4>());
    for (; c + 2 * W <= c1; c += 2 * W) f(c, std::integral_constant<int, 2>());
    for (; c < c1; c += W) f(c, std::integral_constant<int, 1>());
}

inline void sosfilt_rows(const Section* sos, index n_sections, double* state, const double* in, double* out,
                         index stride, index n, index c0, index c1) {
    for (index i = 0; i < n; i += kTileRows) {
        const index rows = n - i < kTileRows ? n - i : kTileRows;
        for_tiles(c0, c1, [&](index c, auto tile) {
            cascade_tile<tile()>(sos, n_sections, state + c, stride, in + i * stride + c, stride, out + i * stride + c,
                                 stride, rows);
        });
    }
}

template <class In, class Out>
FASTEMO_INLINE void sosfilt_as(const Section* sos, index n_sections, double* state, index stride, const Samples& in,
                               const SamplesOut& out, index n_channels, index n, index c0, index c1) {
    constexpr index width = kTile * vd::width < kLanes ? kLanes : kTile * vd::width;
    alignas(64) double tile[kTileRows * width];
    vd ignored = vd::all(0);
    for (index c = c0; c < c1; c += width) {
        const index end = c1 - c < width ? c1 - c : width;
        for (index i = 0; i < n; i += kTileRows) {
            const index rows = n - i < kTileRows ? n - i : kTileRows;
            for (index g = 0; g < end; g += kLanes)
                load_channels<In>(in, c + g, group_width(n_channels, c + g), i, rows, 1.0, tile + g, width, ignored);
            for_tiles(0, end, [&](index t, auto natives) {
                cascade_tile<natives()>(sos, n_sections, state + c + t, stride, tile + t, width, tile + t, width, rows);
            });
            for (index g = 0; g < end; g += kLanes)
                store_channels<Out>(tile + g, width, c + g, group_width(n_channels, c + g), i, rows, out);
        }
    }
}

inline void sosfilt(const Section* sos, index n_sections, double* state, index stride, const Samples& in,
                    const SamplesOut& out, index n_channels, index n, index c0, index c1) {
    const bool wide_in = in.dtype == Dtype::f64, wide_out = out.dtype == Dtype::f64;
    // Samples-first float64 needs no tile of its own: the caller's rows are ours.
    constexpr index item = sizeof(double);
    if (wide_in && wide_out && in.channel_stride == item && out.channel_stride == item && n_channels % kLanes == 0 &&
        in.sample_stride % item == 0 && out.sample_stride % item == 0) {
        const index in_stride = in.sample_stride / item, out_stride = out.sample_stride / item;
        for (index i = 0; i < n; i += kTileRows) {
            const index rows = n - i < kTileRows ? n - i : kTileRows;
            for_tiles(c0, c1, [&](index c, auto tile) {
                cascade_tile<tile()>(sos, n_sections, state + c, stride,
                                     static_cast<const double*>(in.data) + i * in_stride + c, in_stride,
                                     static_cast<double*>(out.data) + i * out_stride + c, out_stride, rows);
            });
        }
        return;
    }
    if (wide_in && wide_out)
        sosfilt_as<double, double>(sos, n_sections, state, stride, in, out, n_channels, n, c0, c1);
    else if (wide_in)
        sosfilt_as<double, float>(sos, n_sections, state, stride, in, out, n_channels, n, c0, c1);
    else if (wide_out)
        sosfilt_as<float, double>(sos, n_sections, state, stride, in, out, n_channels, n, c0, c1);
    else
        sosfilt_as<float, float>(sos, n_sections, state, stride, in, out, n_channels, n, c0, c1);
}

// Band power of a filter bank: every band filters the same rows, and the squares go into the band's running sum.
// A band's samples never leave L1.
inline void bank_power(const BankArgs& a) {
    constexpr index W = vd::width;
    alignas(64) double tile[kTileRows * kTile * W];
    for (index i = 0; i < a.n; i += kTileRows) {
        const index rows = a.n - i < kTileRows ? a.n - i : kTileRows;
        for_tiles(a.c0, a.c1, [&](index c, auto natives) {
            constexpr int T = natives();
            for (index b = 0; b < a.n_bands; ++b) {
                cascade_tile<T>(a.sections + b * a.n_sections, a.n_sections,
                                a.state + 2 * b * a.n_sections * a.stride + c, a.stride, a.in + i * a.stride + c,
                                a.stride, tile, T * W, rows);
                double* sums = a.sums + b * a.stride + c;
                FASTEMO_UNROLL
                for (int t = 0; t < T; ++t) {
                    vd sum = vd::load(sums + t * W);
                    for (index r = 0; r < rows; ++r) {
                        const vd y = vd::load(tile + r * T * W + t * W);
                        sum = sum + y * y;
                    }
                    sum.store(sums + t * W);
                }
            }
        });
    }
}

}  // namespace fastemo::FASTEMO_NS
