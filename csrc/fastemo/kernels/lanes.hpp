// Between eight signals, wherever they lie, and rows of eight doubles: row n holds sample n of all of them.
//
// Transposes go through W x W tiles in registers. A signal that is alone has rows of one: kernels that are written for
// any lane type (`Wide` or `Single`) then run on scalars.
#pragma once

#include "../base/lanes.hpp"
#include "rows.hpp"

namespace fastemo::FASTEMO_NS {

// N natives make a row of a group.
template <class V, int N>
struct Group {
    using native = V;
    static constexpr int natives = N;
    static constexpr int count = V::width * N;
};
using Wide = Group<vd, kNativesPerGroup>;
using Single = Group<scalar, 1>;

template <class T>
FASTEMO_INLINE const T* sample(const LanesIn& in, index l, index s) {
    return reinterpret_cast<const T*>(in.at[l] + s * in.stride);
}
template <class T>
FASTEMO_INLINE T* sample(const LanesOut& out, index l, index s) {
    return reinterpret_cast<T*>(out.at[l] + s * out.stride);
}

template <class L, class T>
FASTEMO_INLINE void read_lanes_as(const LanesIn& in, index s, index n, double* rows) {
    constexpr index W = vd::width, R = L::count;
    if constexpr (R == 1) {
        if (in.stride == index(sizeof(T))) {
            const T* x = sample<T>(in, 0, s);
            for (index i = 0; i < n; ++i) rows[i] = double(x[i]);
        } else {
            for (index i = 0; i < n; ++i) rows[i] = double(*sample<T>(in, 0, s + i));
        }
    } else if (in.adjacent) {
        for (index i = 0; i < n; ++i)
            for (index l = 0; l < R; l += W) widen(sample<T>(in, 0, s + i) + l).store(rows + i * R + l);
    } else if (in.stride == index(sizeof(T)) && n >= W) {
        for (index l = 0; l < R; l += W)
            for (index i = 0; i < n; i += W) {
                const index first = i + W <= n ? i : n - W;
                vd tile[W];
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) tile[k] = widen(sample<T>(in, l + k, s + first));
                transpose(tile);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) tile[k].store(rows + (first + k) * R + l);
            }
    } else {
        for (index i = 0; i < n; ++i)
            for (index l = 0; l < R; ++l) rows[i * R + l] = double(*sample<T>(in, l, s + i));
    }
}

template <class L, class T>
FASTEMO_INLINE void write_lanes_as(const double* rows, index n, const LanesOut& out, index s) {
    constexpr index W = vd::width, R = L::count;
    if constexpr (R == 1) {
        for (index i = 0; i < n; ++i) *sample<T>(out, 0, s + i) = T(rows[i]);
    } else if (out.adjacent) {
        for (index i = 0; i < n; ++i)
            for (index l = 0; l < R; l += W) narrow(vd::load(rows + i * R + l), sample<T>(out, 0, s + i) + l);
    } else if (out.stride == index(sizeof(T)) && n >= W) {
        for (index l = 0; l < out.width; l += W)
            for (index i = 0; i < n; i += W) {
                const index first = i + W <= n ? i : n - W;
                vd tile[W];
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) tile[k] = vd::load(rows + (first + k) * R + l);
                transpose(tile);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k)
                    if (l + k < out.width) narrow(tile[k], sample<T>(out, l + k, s + first));
            }
    } else {
        for (index i = 0; i < n; ++i)
            for (index l = 0; l < out.width; ++l) *sample<T>(out, l, s + i) = T(rows[i * R + l]);
    }
}

// Samples [s, s + n) into rows, and rows into samples [s, s + n).
template <class L>
inline void read_lanes(const LanesIn& in, index s, index n, double* rows) {
    if (in.dtype == Dtype::f64)
        read_lanes_as<L, double>(in, s, n, rows);
    else
        read_lanes_as<L, float>(in, s, n, rows);
}
template <class L>
inline void write_lanes(const double* rows, index n, const LanesOut& out, index s) {
    if (out.dtype == Dtype::f64)
        write_lanes_as<L, double>(rows, n, out, s);
    else
        write_lanes_as<L, float>(rows, n, out, s);
}

}  // namespace fastemo::FASTEMO_NS
