// Rows of real and imaginary parts in turn, and complex values in memory. Strides of `out` are those of whole values.
#pragma once

#include "lanes.hpp"

namespace fastemo::FASTEMO_NS {

#if FASTEMO_VECTORS
// a0 b0 a1 b1 ...
template <std::size_t... L>
FASTEMO_INLINE void interleave(vd a, vd b, vd& low, vd& high, std::index_sequence<L...>) {
    constexpr int W = vd::width;
    low.v = __builtin_shufflevector(a.v, b.v, (int(L) / 2 + (int(L) % 2) * W)...);
    high.v = __builtin_shufflevector(a.v, b.v, (W / 2 + int(L) / 2 + (int(L) % 2) * W)...);
}
#endif

template <class T>
inline void write_complex_as(const double* rows, index n, const LanesOut& out) {
    constexpr index item = sizeof(T);
    if (out.stride == 2 * item) {  // a signal's values one after the other: twice as many floats
        LanesOut parts = out;
        parts.stride = item, parts.adjacent = false;
        return write_lanes_as<Wide, T>(rows, 2 * n, parts, 0);
    }
#if FASTEMO_VECTORS
    bool side_by_side = out.width == kLanes;
    for (index l = 1; l < kLanes; ++l) side_by_side &= out.at[l] - out.at[l - 1] == 2 * item;
    if (side_by_side) {
        for (index i = 0; i < n; ++i, rows += 2 * kLanes)
            for (index c = 0; c < kLanes; c += vd::width) {
                vd low, high;
                interleave(vd::load(rows + c), vd::load(rows + kLanes + c), low, high,
                           std::make_index_sequence<vd::width>());
                narrow(low, sample<T>(out, 0, i) + 2 * c);
                narrow(high, sample<T>(out, 0, i) + 2 * c + vd::width);
            }
        return;
    }
#endif
    for (index i = 0; i < n; ++i)
        for (int l = 0; l < out.width; ++l) {
            T* to = sample<T>(out, l, i);
            to[0] = T(rows[2 * i * kLanes + l]);
            to[1] = T(rows[(2 * i + 1) * kLanes + l]);
        }
}

inline void write_complex(const double* rows, index n, const LanesOut& out) {
    if (out.dtype == Dtype::f64)
        write_complex_as<double>(rows, n, out);
    else
        write_complex_as<float>(rows, n, out);
}

}  // namespace fastemo::FASTEMO_NS
