// Running sums of DFT bins over a window that slides along rows of channels.
//
// S_k = sum x_i e^(-2 pi i k i/T) over the window, i counted from the beginning of the stream: a phase that does not
// turn with the window, so that a sample comes in and, T samples later, goes out under the same factor. A block of n
// samples at once costs n + 4 operations a bin: about its middle the factors of two samples are conjugates, so their sum
// and difference are multiplied by real numbers, and one rotation takes the block to its place.
#pragma once

#include <type_traits>

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

template <int half, bool odd>
FASTEMO_INLINE void sliding_add_block(const SlidingBlock& b, const double* rotations, index first_bin, double* sums,
                                      index stride, index c0, index c1) {
    for (index c = c0; c < c1; c += vd::width) {
        const auto in = [&](index i) FASTEMO_INLINE_LAMBDA {
            const vd x = vd::load(b.in[i] + c);
            return b.out ? x - vd::load(b.out[i] + c) : x;
        };
        vd even[half > 0 ? half : 1], uneven[half > 0 ? half : 1], middle = vd::all(0);
        FASTEMO_UNROLL
        for (int j = 0; j < half; ++j) {
            const vd before = in(half - 1 - j), after = in(half + odd + j);
            even[j] = before + after;
            uneven[j] = after - before;
        }
        if (odd) middle = in(half);
        for (index k = first_bin; k < b.n_bins; ++k) {
            const double* turn = b.factors + k * 2 * half;
            vd re = middle, im = vd::all(0);
            FASTEMO_UNROLL
            for (int j = 0; j < half; ++j) {
                re = fma(vd::all(turn[2 * j]), even[j], re);
                im = fma(vd::all(turn[2 * j + 1]), uneven[j], im);
            }
            const vd cosine = vd::all(rotations[2 * k]), sine = vd::all(rotations[2 * k + 1]);
            double* const to = sums + 2 * k * stride + c;
            fma(re, cosine, fma(im, sine, vd::load(to))).store(to);
            fma(im, cosine, vd::load(to + stride) - re * sine).store(to + stride);
        }
    }
}

// Adds the block (and takes the one that leaves away) to the sums of bins [first_bin, n_bins), pairs of rows.
inline void sliding_add(const SlidingBlock& b, const double* rotations, index first_bin, double* sums, index stride,
                        index c0, index c1) {
    const auto with = [&](auto half) FASTEMO_INLINE_LAMBDA {
        if (b.n % 2)
            sliding_add_block<half, true>(b, rotations, first_bin, sums, stride, c0, c1);
        else
            sliding_add_block<half, false>(b, rotations, first_bin, sums, stride, c0, c1);
    };
    switch (b.n / 2) {
        case 0: return with(std::integral_constant<int, 0>());
        case 1: return with(std::integral_constant<int, 1>());
        case 2: return with(std::integral_constant<int, 2>());
        case 3: return with(std::integral_constant<int, 3>());
        case 4: return with(std::integral_constant<int, 4>());
        case 5: return with(std::integral_constant<int, 5>());
        case 6: return with(std::integral_constant<int, 6>());
        case 7: return with(std::integral_constant<int, 7>());
        case 8: return with(std::integral_constant<int, 8>());
    }
}

// Sums over bands of scale |Z|^2, Z_k = mid S_k - side (S_(k-1) e^(-i a) + S_(k+1) e^(i a)): bin k of the window under the
// taper mid - 2 side cos(2 pi t/T), but for a phase; a is the angle of the window's first sample. Row 0 of the sums is
// the bin before the first one.
inline void sliding_bands(const SlidingBands& s, double cosine, double sine, const double* sums, index stride,
                          double* out, index out_stride, index c0, index c1) {
    const vd mid = vd::all(s.mid), side = vd::all(-s.side), re_turn = vd::all(cosine), im_turn = vd::all(sine);
    for (index c = c0; c < c1; c += vd::width)
        for (index band = 0; band < s.bands.n_bands; ++band) {
            index k = s.bands.edges[2 * band];
            const double* row = sums + 2 * k * stride + c;
            vd re_before = vd::load(row), im_before = vd::load(row + stride);
            vd re = vd::load(row + 2 * stride), im = vd::load(row + 3 * stride);
            vd sum = vd::all(0);
            for (; k < s.bands.edges[2 * band + 1]; ++k) {
                row = sums + 2 * (k + 2) * stride + c;
                const vd re_after = vd::load(row), im_after = vd::load(row + stride);
                const vd both_re = fma(re_before + re_after, re_turn, (im_before - im_after) * im_turn);
                const vd both_im = fma(im_before + im_after, re_turn, (re_after - re_before) * im_turn);
                const vd z_re = fma(side, both_re, mid * re), z_im = fma(side, both_im, mid * im);
                sum = fma(vd::all(s.scale[k]), fma(z_re, z_re, z_im * z_im), sum);
                re_before = re, im_before = im, re = re_after, im = im_after;
            }
            (sum * vd::all(s.bands.width[band])).store(out + band * out_stride + c);
        }
}

}  // namespace fastemo::FASTEMO_NS
