// Transforms by wavelets in the frequency domain.
//
// The spectrum of a wavelet w(-t) = conj w(t) about its centre is real: an even part, that of the real part of w, and an
// odd one. Their products with the spectrum X of a real signal, E X and -i O X, are spectra of real signals, the real and
// the imaginary part of the result. Each goes back as in overlap_save.hpp, through its Hartley transform.
#pragma once

#include "fft.hpp"

namespace fastemo::FASTEMO_NS {

inline index wavelet_scratch(const FftPlan<double>& p) { return kLanes * (p.n + p.rows + 1); }

inline void subtract_mean(index n, double* rows) {
    for (index c = 0; c < kLanes; c += vd::width) {
        const vd mean =
            mean_of_rows<vd>(n, [&](index i) FASTEMO_INLINE_LAMBDA { return vd::load(rows + i * kLanes + c); });
        for (index i = 0; i < n; ++i) (vd::load(rows + i * kLanes + c) - mean).store(rows + i * kLanes + c);
    }
}

inline void wavelet_spectrum(const WaveletPlan& w, const double* rows, double* spectrum, double* scratch) {
    const FftPlan<double>& p = *w.fft;
    for (index c = 0; c < kLanes; c += vd::width) {
        first_pass_of_rows<vd>(p, rows + c, kLanes, p.leaves, AsIs<vd>(), scratch);
        finish<vd>(p, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index k = 0; 2 * k <= p.n; ++k) {
                const cplx<vd> z = bin(k);
                z.re.store(spectrum + 2 * k * kLanes + c);
                (z.im * vd::all(p.signs[k])).store(spectrum + (2 * k + 1) * kLanes + c);
            }
        });
    }
}

// From bins in `turned` (bin k as re - im, bin -k as re + im) to every second row of `pairs`.
FASTEMO_NOINLINE inline void untransform(const WaveletPlan& w, const double* turned, double* pairs, double* passes) {
    const FftPlan<double>& p = *w.fft;
    first_pass_of_rows<vd>(p, turned, vd::width, p.leaves, AsIs<vd>(), passes);
    finish<vd>(p, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
        for (index i = 0; 2 * i <= p.n; ++i) {
            const bool low = i < w.n_samples, high = i > 0 && p.n - i < w.n_samples;
            if (!low && !high) continue;
            const cplx<vd> z = bin(i);
            const vd im = z.im * vd::all(p.signs[i]);
            if (low) (z.re - im).store(pairs + 2 * i * kLanes);
            if (high) (z.re + im).store(pairs + 2 * (p.n - i) * kLanes);
        }
    });
}

inline void wavelet_transform(const WaveletPlan& w, const double* even, const double* odd, const double* spectrum,
                              double* pairs, double* scratch) {
    constexpr index W = vd::width;
    const index n = w.fft->n;
    double* const turned = scratch;
    double* const passes = turned + n * W;
    for (index c = 0; c < kLanes; c += W) {
        for (index k = 0; 2 * k <= n; ++k) {
            const vd gain = vd::all(even[k]);
            const vd re = gain * vd::load(spectrum + 2 * k * kLanes + c);
            const vd im = gain * vd::load(spectrum + (2 * k + 1) * kLanes + c);
            (re - im).store(turned + k * W);
            if (k > 0 && 2 * k < n) (re + im).store(turned + (n - k) * W);
        }
        untransform(w, turned, pairs + c, passes);
        for (index k = 0; 2 * k <= n; ++k) {
            const vd gain = vd::all(odd[k]);
            const vd re = gain * vd::load(spectrum + (2 * k + 1) * kLanes + c);
            const vd im = gain * vd::load(spectrum + 2 * k * kLanes + c);  // less than nothing: the part is -im
            (re + im).store(turned + k * W);
            if (k > 0 && 2 * k < n) (re - im).store(turned + (n - k) * W);
        }
        untransform(w, turned, pairs + kLanes + c, passes);
    }
}

inline void pair_power(const double* pairs, index n, index step, double* rows) {
    for (index i = 0; i < n; i += step, rows += kLanes)
        for (index c = 0; c < kLanes; c += vd::width) {
            const vd re = vd::load(pairs + 2 * i * kLanes + c), im = vd::load(pairs + (2 * i + 1) * kLanes + c);
            fma(re, re, im * im).store(rows + c);
        }
}

inline void pair_power_sum(const double* pairs, index n, double* sum) {
    for (index c = 0; c < kLanes; c += vd::width) {
        vd total = vd::all(0);
        for (index i = 0; i < n; ++i) {
            const vd re = vd::load(pairs + 2 * i * kLanes + c), im = vd::load(pairs + (2 * i + 1) * kLanes + c);
            total = total + fma(re, re, im * im);
        }
        total.store(sum + c);
    }
}

inline void take_pairs(const double* pairs, index n, index step, double* to) {
    for (index i = 0; i < n; i += step, to += 2 * kLanes)
        for (index c = 0; c < 2 * kLanes; c += vd::width) vd::load(pairs + 2 * i * kLanes + c).store(to + c);
}

}  // namespace fastemo::FASTEMO_NS
