// Coherence of all pairs of channels, mean over the bins of a band.
//
// Spectra are divided by the roots of their powers before they are multiplied, so that the sum over observations is the
// coherency itself; its magnitude goes into the mean over the band. Tiles are those of pair_panels.hpp, with sums that
// never leave the registers: what the tile of one bin has to finish (square roots, on the divider) runs beside the
// products of the next.
#pragma once

#include "pair_panels.hpp"

namespace fastemo::FASTEMO_NS {

// What visit_pairs goes over: one value for each pair of a tile of F.
template <class F>
struct MeanOf {
    using Sums = F;
    using Within = MeanOf<typename F::Within>;
    static constexpr int kSums = 1, kRows = F::kRows;
};
template <>
struct MeanOf<ProductSums> {
    using Sums = ProductSums;
    using Within = MeanOf;
    static constexpr int kSums = 1, kRows = ProductSums::kRows;
};
using CoherenceMeans = MeanOf<SquareSums>;

constexpr index kCoherenceParts = 3;  // real, imaginary part and their sum

template <class F>
FASTEMO_INLINE void add_magnitude(const vd* sums, double* mean) {
    const CrossSums s = F::sums(sums, false);
    (vd::load(mean) + sqrt(fma(s.re, s.re, s.im * s.im))).store(mean);
}

template <class F>
FASTEMO_NOINLINE void add_coherence(const double* x, const double* y, index n, double* means) {
    vd s[F::kRows][F::kSums];
    FASTEMO_UNROLL
    for (int r = 0; r < F::kRows; ++r) {
        FASTEMO_UNROLL
        for (int k = 0; k < F::kSums; ++k) s[r][k] = vd::all(0);
    }
    add_tile<F>(x, y, n, kCoherenceParts * kLanes, s);
    FASTEMO_UNROLL
    for (int r = 0; r < F::kRows; ++r) add_magnitude<F>(s[r], means + r * vd::width);
}

template <class F, int... K>
FASTEMO_NOINLINE void add_coherence_within(const double* y, index n, double* means,
                                           std::integer_sequence<int, K...> by) {
    constexpr int N = sizeof...(K);
    vd s[N][F::kSums];
    FASTEMO_UNROLL
    for (int r = 0; r < N; ++r) {
        FASTEMO_UNROLL
        for (int k = 0; k < F::kSums; ++k) s[r][k] = vd::all(0);
    }
    add_turns<F>(y, n, kCoherenceParts * kLanes, s, by);
    FASTEMO_UNROLL
    for (int r = 0; r < N; ++r) add_magnitude<F>(s[r], means + r * vd::width);
}

// One bin's spectra over the roots of their powers, channels from c0 on.
inline void whiten_bin(const CoherenceArgs& a, const double* bin, double* panels) {
    for (index c = a.c0; c < a.n_channels; c += vd::width) {
        const double* from = bin + c / kLanes * a.n * 2 * kLanes + c % kLanes;
        double* to = panels + (c - a.c0) / kLanes * a.n * kCoherenceParts * kLanes + c % kLanes;
        vd power = vd::all(0);
        for (index i = 0; i < a.n; ++i) {
            const vd re = vd::load(from + i * 2 * kLanes), im = vd::load(from + i * 2 * kLanes + kLanes);
            power = power + fma(re, re, im * im);
        }
        const vd factor = or_zero(power, vd::all(1) / sqrt(power));
        for (index i = 0; i < a.n; ++i, from += 2 * kLanes, to += kCoherenceParts * kLanes) {
            const vd re = vd::load(from) * factor, im = vd::load(from + kLanes) * factor;
            re.store(to);
            im.store(to + kLanes);
            (re + im).store(to + 2 * kLanes);
        }
    }
}

inline void coherence(const CoherenceArgs& a, double* scratch) {
    constexpr index W = vd::width;
    const index group = a.n * kCoherenceParts * kLanes, groups = (a.n_channels - a.c0 + kLanes - 1) / kLanes;
    double *const panels = scratch, *const means = panels + groups * group;
    const auto at = [&](index c) FASTEMO_INLINE_LAMBDA { return panels + (c - a.c0) / kLanes * group + c % kLanes; };
    const auto clear = [&](double* mean, index n) FASTEMO_INLINE_LAMBDA {
        for (index k = 0; k < n; ++k) vd::all(0).store(mean + k * W);
    };
    visit_pairs<CoherenceMeans>(
        a.n_channels, a.c0, a.c1, means, [&](index, double* mean) FASTEMO_INLINE_LAMBDA { clear(mean, kLanes / 2); },
        [&](index, index, double* mean, auto kind) FASTEMO_INLINE_LAMBDA { clear(mean, decltype(kind)::kRows); });
    for (index b = a.first; b < a.stop; ++b) {
        whiten_bin(a, a.spectra + b * a.bin, panels);
        visit_pairs<CoherenceMeans>(
            a.n_channels, a.c0, a.c1, means,
            [&](index c, double* mean) FASTEMO_INLINE_LAMBDA {
                add_coherence_within<SquareSums::Within>(at(c), a.n, mean, std::integer_sequence<int, 1, 2, 3, 4>());
            },
            [&](index r, index c, double* mean, auto kind)
                FASTEMO_INLINE_LAMBDA { add_coherence<typename decltype(kind)::Sums>(at(r), at(c), a.n, mean); });
    }
    const double weight = 1.0 / double(a.stop - a.first);
    visit_pairs<CoherenceMeans>(
        a.n_channels, a.c0, a.c1, means,
        [&](index c, double* mean) FASTEMO_INLINE_LAMBDA {
            for (index turn = 1; turn <= kLanes / 2; ++turn, mean += W)
                for (index l = 0; l < (turn < kLanes / 2 ? W : W / 2); ++l) {
                    const index other = (l + turn) % W, r = c + (l > other ? l : other);
                    if (r < a.n_channels) a.out[r * (r - 1) / 2 + c + (l > other ? other : l)] = mean[l] * weight;
                }
        },
        [&](index r0, index c, double* mean, auto kind) FASTEMO_INLINE_LAMBDA {
            for (index r = r0; r < r0 + decltype(kind)::kRows && r < a.n_channels; ++r, mean += W) {
                double* const to = a.out + r * (r - 1) / 2 + c;
                if (c + W <= r)
                    (vd::load(mean) * vd::all(weight)).store(to);
                else
                    for (index l = 0; c + l < r; ++l) to[l] = mean[l] * weight;
            }
        });
}

inline index coherence_scratch(const CoherenceArgs& a) {
    const index groups = (a.n_channels - a.c0 + kLanes - 1) / kLanes;
    index size = groups * a.n * kCoherenceParts * kLanes;
    visit_pairs<CoherenceMeans>(
        a.n_channels, a.c0, a.c1, nullptr, [&](index, double*) { size += kLanes / 2 * vd::width; },
        [&](index, index, double*, auto kind) { size += decltype(kind)::kRows * vd::width; });
    return size;
}

}  // namespace fastemo::FASTEMO_NS
