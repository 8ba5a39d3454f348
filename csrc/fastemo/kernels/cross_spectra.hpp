// Spectra of tapered signals, and measures of connectivity from their products over observations.
//
// Lanes are channels of the second signal of a pair, a tile holds several first signals against them. Nothing is kept
// per pair and bin: as soon as a tile has seen all observations of a bin, its measures are added to the mean over the
// band, so memory is that of the spectra and of the result. Definitions: docs/connectivity.md.
#pragma once

#include "fft.hpp"

namespace fastemo::FASTEMO_NS {

// Bins of kLanes channels, or of the `width` that there are, under every taper. What is in the padding is of no account.
inline void tapered_spectra(const FftPlan<double>& p, const Samples& in, index width, const double* tapers,
                            index n_tapers, const TaperedBins& to, double* rows, double* scratch) {
    const bool many = n_tapers > 1;
    if (many) load_rows(in, width, p.n, 1.0, rows, kLanes, 0, kLanes);  // turned once for all
    for (index c = 0; c < kLanes; c += vd::width) {
        Tapered<vd> prepare = {tapers, true, vd::all(0)};
        if (many)
            prepare.mean =
                mean_of_rows<vd>(p.n, [&](index i) FASTEMO_INLINE_LAMBDA { return vd::load(rows + i * kLanes + c); });
        for (index t = 0; t < n_tapers; ++t, prepare.taper += p.n) {
            if (many)
                first_pass_of_rows<vd>(p, static_cast<const double*>(rows) + c, kLanes, p.leaves, prepare, scratch);
            else if (in.dtype == Dtype::f64)
                first_pass_of_samples<vd, double>(p, in, c, width, prepare, scratch);
            else
                first_pass_of_samples<vd, float>(p, in, c, width, prepare, scratch);
            double* const out = to.bins + t * to.taper + c;
            finish<vd>(p, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
                for (index i = 0; i < p.stop - p.first; ++i) {
                    const cplx<vd> z = bin(i);
                    z.re.store(out + i * to.bin);
                    (z.im * vd::all(p.signs[i])).store(out + i * to.bin + to.imaginary);
                }
            });
        }
    }
}

// Factors straight from memory cost the arithmetic pipes nothing, values that are broadcast for several products do: what
// reads through another pointer is not known to be the same.
FASTEMO_INLINE const double* same_but_unknown(const double* p) {
#if FASTEMO_VECTORS
    asm("" : "+r"(p));
#endif
    return p;
}

// Sums over observations of one first signal against a native of second ones, S = x conj(y). The two halves of the
// imaginary part are summed apart where it is summed at once: for two copies of a channel they cancel exactly, which
// fused multiply-adds in one sum would not.
struct CrossSums {
    vd re, im, phase_re, phase_im, sign, magnitude, square;
};

FASTEMO_INLINE vd or_zero(vd denominator, vd value) { return select(denominator == vd::all(0), vd::all(0), value); }

template <bool kPhase, bool kImaginary, int R>
FASTEMO_INLINE void sum_observations(const CrossArgs& a, const double* bin, const double* inverse, const index* rows,
                                     index c, CrossSums (&result)[R]) {
    constexpr bool apart = kPhase || kImaginary;
    const vd zero = vd::all(0), one = vd::all(1);
    vd re[R], ahead[R], behind[R];
    CrossSums sums[R];
    FASTEMO_UNROLL
    for (int r = 0; r < R; ++r) {
        sums[r] = {zero, zero, zero, zero, zero, zero, zero};
        re[r] = ahead[r] = behind[r] = zero;
    }
    for (index n = 0; n < a.n_observations; ++n) {
        for (index t = 0; t < a.n_tapers; ++t, bin += 2 * a.stride) {
            const vd y_re = vd::load(bin + c), y_im = vd::load(bin + a.stride + c);
            FASTEMO_UNROLL
            for (int r = 0; r < R; ++r) {
                const vd x_re = vd::all(bin[rows[r]]), x_im = vd::all(bin[a.stride + rows[r]]);
                re[r] = fma(x_re, y_re, fma(x_im, y_im, re[r]));
                ahead[r] = fma(x_im, y_re, ahead[r]);
                behind[r] = fma(x_re, y_im, behind[r]);
            }
        }
        if constexpr (apart) {
            FASTEMO_UNROLL
            for (int r = 0; r < R; ++r) {
                CrossSums& s = sums[r];
                const vd im = ahead[r] - behind[r];
                s.re = s.re + re[r];
                s.im = s.im + im;
                if constexpr (kPhase) {
                    vd scale;
                    if (a.n_tapers == 1) {
                        scale = vd::all(inverse[n * a.stride + rows[r]]) * vd::load(inverse + n * a.stride + c);
                    } else {
                        const vd magnitude = sqrt(fma(re[r], re[r], im * im));
                        scale = or_zero(magnitude, one / magnitude);
                    }
                    s.phase_re = fma(re[r], scale, s.phase_re);
                    s.phase_im = fma(im, scale, s.phase_im);
                }
                if constexpr (kImaginary) {
                    s.sign = s.sign + select(im > zero, one, select(im < zero, -one, zero));
                    s.magnitude = s.magnitude + abs(im);
                    s.square = fma(im, im, s.square);
                }
                re[r] = ahead[r] = behind[r] = zero;
            }
        }
    }
    FASTEMO_UNROLL
    for (int r = 0; r < R; ++r) {
        if constexpr (!apart) sums[r].re = re[r], sums[r].im = ahead[r] - behind[r];
        result[r] = sums[r];
    }
}

// Adds the measures that are asked for, in the order of their bits; `previous` is the pair's coherency one bin before.
template <bool kPhase, bool kImaginary>
FASTEMO_INLINE void add_measures(unsigned measures, double n_observations, const CrossSums& s, vd inverse_root,
                                 bool first, bool slope, double weight, double* out, index out_stride, double* previous,
                                 index previous_stride) {
    const vd one = vd::all(1), n = vd::all(n_observations);
    const auto put = [&](vd value) FASTEMO_INLINE_LAMBDA {
        (first ? value : vd::load(out) + value).store(out);
        out += out_stride;
    };
    const auto mean = [&](vd value) FASTEMO_INLINE_LAMBDA { put(value * vd::all(weight)); };
    const auto wants = [&](int bit) { return (measures >> bit & 1) != 0; };

    const vd re = s.re * inverse_root, im = s.im * inverse_root;
    if (wants(CrossArgs::coh)) mean(sqrt(fma(re, re, im * im)));
    if (wants(CrossArgs::cohy)) mean(re), mean(im);
    if (wants(CrossArgs::imcoh)) mean(im);
    if constexpr (kPhase) {
        const vd phase_square = fma(s.phase_re, s.phase_re, s.phase_im * s.phase_im);
        if (wants(CrossArgs::plv)) mean(sqrt(phase_square) / n);
        if (wants(CrossArgs::ciplv)) {
            const vd in_phase = s.phase_re / n;
            const vd rest = max(one - in_phase * in_phase, vd::all(0));
            mean(abs(s.phase_im) / n / sqrt(select(rest == vd::all(0), one, rest)));
        }
        if (wants(CrossArgs::ppc)) mean((phase_square - n) / (n * (n - one)));
    }
    if constexpr (kImaginary) {
        const vd sign = s.sign / n;
        if (wants(CrossArgs::pli)) mean(abs(sign));
        if (wants(CrossArgs::pli2_unbiased)) mean((n * sign * sign - one) / (n - one));
        if (wants(CrossArgs::dpli)) mean((s.sign + n) / (n + n));
        if (wants(CrossArgs::wpli)) mean(or_zero(s.magnitude, abs(s.im) / s.magnitude));
        if (wants(CrossArgs::wpli2_debiased)) {
            const vd others = s.magnitude * s.magnitude - s.square;
            mean(or_zero(others, (s.im * s.im - s.square) / others));
        }
    }
    if (wants(CrossArgs::psi)) {
        const vd before_re = vd::load(previous), before_im = vd::load(previous + previous_stride);
        put(slope ? before_re * im - before_im * re : vd::all(0));
        re.store(previous);
        im.store(previous + previous_stride);
    }
}

// Rows [r, r + count) of the result, count <= R.
template <bool kPhase, bool kImaginary, int R>
FASTEMO_NOINLINE void cross_tile(const CrossArgs& a, const double* bin, const double* inverse,
                                 const double* inverse_root, bool first, bool slope, double weight, index r,
                                 index count, double* previous) {
    index rows[R], stop = 0;
    for (int k = 0; k < R; ++k) {
        const index from = k < count ? r + k : r;
        rows[k] = a.rows[from];
        stop = a.stops[from] > stop ? a.stops[from] : stop;
    }
    for (index c = 0; c < stop; c += vd::width) {
        CrossSums sums[R];
        sum_observations<kPhase, kImaginary, R>(a, bin, inverse, rows, c, sums);
        for (index k = 0; k < count; ++k)
            add_measures<kPhase, kImaginary>(a.measures, double(a.n_observations), sums[k],
                                             vd::all(inverse_root[rows[k]]) * vd::load(inverse_root + c), first, slope,
                                             weight, a.out + (r + k) * a.stride + c, a.out_stride,
                                             previous + 2 * (r + k - a.r0) * a.stride + c, a.stride);
    }
}

template <bool kPhase, bool kImaginary>
FASTEMO_INLINE void cross_band(const CrossArgs& a, double* scratch) {
    constexpr int R = kPhase && kImaginary ? 2 : kPhase || kImaginary || FASTEMO_VECTOR_BYTES < 64 ? 4 : 8;
    double* const inverse_root = scratch;
    double* const inverse = inverse_root + a.stride;
    double* const previous = inverse + a.n_observations * a.stride;
    const index of_bin = a.n_observations * a.n_tapers * 2 * a.stride;
    const vd zero = vd::all(0), one = vd::all(1);
    const double weight = 1.0 / double(a.stop - a.first);
    for (index b = a.first; b < a.stop; ++b) {
        const double* bin = a.spectra + b * of_bin;
        for (index c = 0; c < a.stride; c += vd::width) {
            vd power = zero;
            const double* at = bin + c;
            for (index n = 0; n < a.n_observations; ++n) {
                for (index t = 0; t < a.n_tapers; ++t, at += 2 * a.stride) {
                    const vd re = vd::load(at), im = vd::load(at + a.stride), square = fma(re, re, im * im);
                    power = power + square;
                    if (kPhase && a.n_tapers == 1)
                        or_zero(square, one / sqrt(square)).store(inverse + n * a.stride + c);
                }
            }
            or_zero(power, one / sqrt(power)).store(inverse_root + c);
        }
        const bool slope = b > a.slope_first && b < a.slope_stop;
        for (index r = a.r0; r < a.r1; r += R)
            cross_tile<kPhase, kImaginary, R>(a, bin, inverse, inverse_root, b == a.first, slope, weight, r,
                                              a.r1 - r < R ? a.r1 - r : index(R), previous);
    }
}

// Rows [a.r0, a.r1) of one band. scratch: (1 + n_observations + 2 (r1 - r0)) * stride values.
inline void cross_spectra(const CrossArgs& a, double* scratch) {
    constexpr unsigned phases = 1u << CrossArgs::plv | 1u << CrossArgs::ciplv | 1u << CrossArgs::ppc;
    constexpr unsigned imaginary = 1u << CrossArgs::pli | 1u << CrossArgs::pli2_unbiased | 1u << CrossArgs::dpli |
                                   1u << CrossArgs::wpli | 1u << CrossArgs::wpli2_debiased;
    if (a.measures & phases)
        a.measures& imaginary ? cross_band<true, true>(a, scratch) : cross_band<true, false>(a, scratch);
    else
        a.measures& imaginary ? cross_band<false, true>(a, scratch) : cross_band<false, false>(a, scratch);
}

}  // namespace fastemo::FASTEMO_NS
