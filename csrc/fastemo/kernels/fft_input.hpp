// The door of the real FFT: the caller's samples, whatever their layout, into the first pass.
//
// Means are those of eight running sums, over every eighth sample each, added in one fixed tree: neither the layout nor
// the width of the vectors changes a bit.
#pragma once

#include "../base/lanes.hpp"
#include "fft_convolution.hpp"
#include "rows.hpp"

namespace fastemo::FASTEMO_NS {

template <class V>
struct RunningSum {
    V sum[kLanes];

    RunningSum() {
        FASTEMO_UNROLL
        for (int k = 0; k < kLanes; ++k) sum[k] = V::all(0);
    }
    FASTEMO_INLINE V total() const {
        return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    }
    FASTEMO_INLINE V mean(index n) const { return total() / V::all(value_type<V>(n)); }
};

// Of row(0) .. row(n - 1)
template <class V, class Row>
FASTEMO_INLINE RunningSum<V> sum_of_rows(index n, Row&& row) {
    RunningSum<V> running;
    index i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        FASTEMO_UNROLL
        for (int k = 0; k < kLanes; ++k) running.sum[k] = running.sum[k] + row(i + k);
    }
    for (int k = 0; i + k < n; ++k) running.sum[k] = running.sum[k] + row(i + k);
    return running;
}
template <class V, class Row>
FASTEMO_INLINE V mean_of_rows(index n, Row&& row) {
    return sum_of_rows<V>(n, row).mean(n);
}

// Channels [c, c + W) of an array; those from `end` on are the last one again.
template <class V, class In>
struct Lanes {
    static constexpr int W = V::width;
    const char* channel[W];
    index stride;

    Lanes(const Samples& in, index c, index end) : stride(in.sample_stride) {
        for (index l = 0; l < W; ++l)
            channel[l] = static_cast<const char*>(in.data) + (c + l < end ? c + l : end - 1) * in.channel_stride;
    }
    // Lanes [l, l + W) of a group, from sample s on.
    Lanes(const LanesIn& in, index l, index s) : stride(in.stride) {
        for (index k = 0; k < W; ++k) channel[k] = in.at[l + k] + s * in.stride;
    }
    FASTEMO_INLINE const In* at(index l, index i) const { return reinterpret_cast<const In*>(channel[l] + i * stride); }
    // One sample of every channel.
    FASTEMO_INLINE V row(index i) const {
        value_type<V> x[W];
        for (index l = 0; l < W; ++l) x[l] = value_type<V>(*at(l, i));
        return V::load(x);
    }
};

#if FASTEMO_VECTORS

// Half a native from each of two places.
template <class V, class In, std::size_t... L>
FASTEMO_INLINE V load_halves(const In* a, const In* b, std::index_sequence<L...>) {
    constexpr int H = V::width / 2;
    typedef In source __attribute__((vector_size(H * sizeof(In)), aligned(sizeof(In)), may_alias));
    typedef value_type<V> half __attribute__((vector_size(H * sizeof(value_type<V>))));
    const half x = __builtin_convertvector(*reinterpret_cast<const source*>(a), half);
    const half y = __builtin_convertvector(*reinterpret_cast<const source*>(b), half);
    return {__builtin_shufflevector(x, y, int(L)...)};
}

// W successive samples of W channels, transposed; the loads do the first round.
template <class V, class In>
FASTEMO_INLINE void load_square(const Lanes<V, In>& in, index i, V (&r)[V::width]) {
    constexpr int W = V::width, H = W / 2;
    constexpr auto both = std::make_index_sequence<W>();
    FASTEMO_UNROLL
    for (int l = 0; l < H; ++l) {
        r[l] = load_halves<V>(in.at(l, i), in.at(l + H, i), both);
        r[l + H] = load_halves<V>(in.at(l, i + H), in.at(l + H, i + H), both);
    }
    transpose<V, H / 2>(r);
}

#else

template <class V, class In>
FASTEMO_INLINE void load_square(const Lanes<V, In>& in, index i, V (&r)[1]) {
    r[0] = in.row(i);
}

#endif

// All samples of W channels into their rows of scratch; returns the means.
template <class V, class In, class T>
FASTEMO_NOINLINE V load_lanes(const FftPlan<T>& p, const Lanes<V, In>& in, T* scratch) {
    constexpr int W = V::width, squares = W < kLanes ? int(kLanes) / W : 1;
    RunningSum<V> running;
    T* to = scratch;
    index i = 0, in_leaf = 0;
    const auto put = [&](V x, int k) FASTEMO_INLINE_LAMBDA {
        running.sum[k] = running.sum[k] + x;
        x.store(to);
        to += W;
        if (++in_leaf == p.leaves) in_leaf = 0, to += (p.leaf_stride - p.leaves) * W;
    };
    if (in.stride == index(sizeof(In)))
        for (; i + W * squares <= p.n; i += W * squares)
            for (int s = 0; s < squares; ++s) {
                V r[W];
                load_square(in, i + s * W, r);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) put(r[k], (s * W + k) % int(kLanes));
            }
    for (; i < p.n; ++i) put(in.row(i), int(i % kLanes));
    return running.mean(p.n);
}

// The first pass over leaves [i, i + count), or what a convolution has in its place.
template <class V, class T, class Prepare>
FASTEMO_INLINE void begin(const FftPlan<T>& p, index i, index count, const T* const* base, index from_stride,
                          const Prepare& prepare, T* scratch) {
    if (p.convolution)
        chirp_pass<V>(p, i, count, base[0], from_stride, prepare, scratch);
    else
        first_pass<V>(p, i, count, base, from_stride, prepare, scratch);
}

// From rows that are whole natives where they lie; point j of the leaves begins with row j * leaf_stride.
template <class V, class T, class Prepare>
FASTEMO_INLINE void first_pass_of_rows(const FftPlan<T>& p, const T* rows, index row_stride, index leaf_stride,
                                       const Prepare& prepare, T* scratch) {
    const T* base[kMaxFftRadix];
    for (int j = 0; j < p.first_radix; ++j) base[j] = rows + j * leaf_stride * row_stride;
    begin<V>(p, 0, p.leaves, base, row_stride, prepare, scratch);
}

template <class V>
FASTEMO_INLINE void first_pass_of_ring(const FftPlan<double>& p, const RingView& ring, index c, Tapered<V> prepare,
                                       double* scratch) {
    const index oldest = ring.first % ring.size;
    const auto row = [&](index i) FASTEMO_INLINE_LAMBDA {
        const index at = oldest + i;
        return ring.base + (at < ring.size ? at : at - ring.size) * ring.stride + c;
    };
    if (prepare.detrend)
        prepare.mean = mean_of_rows<V>(p.n, [&](index i) FASTEMO_INLINE_LAMBDA { return V::load(row(i)); });
    // The ring's seam cuts one point's run over the leaves in two; at no other place does any of them wrap round.
    const index before = ring.size - oldest, seam = before < p.n ? before % p.leaves : 0;
    for (index i = 0, end; i < p.leaves; i = end) {
        end = i < seam ? seam : p.leaves;
        const double* base[kMaxFftRadix];
        for (int j = 0; j < p.first_radix; ++j) base[j] = row(i + j * p.leaves);
        begin<V>(p, i, end - i, base, ring.stride, prepare, scratch);
    }
}

// Channels [c, c + W) of an array of `end` channels, or as many of them as there are.
template <class V, class In, class T, class Prepare>
FASTEMO_INLINE void first_pass_of_samples(const FftPlan<T>& p, const Samples& in, index c, index end, Prepare prepare,
                                          T* scratch) {
    constexpr index item = sizeof(T);
    constexpr bool tapered = std::is_same_v<Prepare, Tapered<V>>;
    if constexpr (std::is_same_v<In, T>) {
        if (in.channel_stride == item && c + V::width <= end && in.sample_stride % item == 0) {
            const T* rows = static_cast<const T*>(in.data) + c;
            const index stride = in.sample_stride / item;
            if constexpr (tapered)
                if (prepare.detrend)
                    prepare.mean =
                        mean_of_rows<V>(p.n, [&](index i) FASTEMO_INLINE_LAMBDA { return V::load(rows + i * stride); });
            return first_pass_of_rows<V>(p, rows, stride, p.leaves, prepare, scratch);
        }
    }
    const V mean = load_lanes<V, In>(p, Lanes<V, In>(in, c, end), scratch);
    if constexpr (tapered)
        if (prepare.detrend) prepare.mean = mean;
    first_pass_of_rows<V>(p, static_cast<const T*>(scratch), V::width, p.leaf_stride, prepare, scratch);
}

}  // namespace fastemo::FASTEMO_NS
