// Power spectra of rows under several tapers, their combination, and sums over bands.
#pragma once

#include "fft.hpp"
#include "stretches.hpp"

namespace fastemo::FASTEMO_NS {

inline index taper_scratch(const FftPlan<double>& p) { return kLanes * (p.rows + 1); }

inline void row_sum(const double* rows, index n, double* sum) {
    for (index c = 0; c < kLanes; c += vd::width)
        sum_of_rows<vd>(n, [&](index i) FASTEMO_INLINE_LAMBDA { return vd::load(rows + i * kLanes + c); })
            .total()
            .store(sum + c);
}

template <class T>
FASTEMO_INLINE void read_and_sum_as(const StretchIn& in, index s, index n, double* rows, double* sum) {
    constexpr index W = vd::width;
    for (index l = 0; l < kLanes; l += W) {
        const Lanes<vd, T> lanes(in, l, s);
        RunningSum<vd> running;
        index i = 0;
        const auto put = [&](vd x, index k) FASTEMO_INLINE_LAMBDA {
            running.sum[k] = running.sum[k] + x;
            x.store(rows + (i + k) * kLanes + l);
        };
        for (; i + kLanes <= n; i += kLanes) {
            FASTEMO_UNROLL
            for (index q = 0; q < kLanes; q += W) {
                vd r[W];
                load_square(lanes, i + q, r);
                FASTEMO_UNROLL
                for (index k = 0; k < W; ++k) put(r[k], q + k);
            }
        }
        for (index k = 0; i + k < n; ++k) put(lanes.row(i + k), k);
        running.total().store(sum + l);
    }
}

// Rows [s, s + n) and, with the bits of row_sum, their sum: while they are in registers it costs next to nothing.
inline void read_and_sum(const StretchIn& in, index s, index n, double* rows, double* sum) {
    bool whole = in.stride == (in.dtype == Dtype::f64 ? 8 : 4);
    for (index l = 0; l < kLanes; ++l) whole &= in.first[l] <= s && s + n <= in.stop[l];
    if (!whole) {
        read_stretches(in, s, n, rows);
        row_sum(rows, n, sum);
    } else if (in.dtype == Dtype::f64) {
        read_and_sum_as<double>(in, s, n, rows, sum);
    } else {
        read_and_sum_as<float>(in, s, n, rows, sum);
    }
}

// After the first pass: power[k] += or = |X_k|^2 of a native of lanes
template <bool add>
FASTEMO_INLINE void finish_power(const FftPlan<double>& p, index n_bins, double* power, double* scratch) {
    const auto put = [=](index k, cplx<vd> z) FASTEMO_INLINE_LAMBDA {
        double* to = power + k * kLanes;
        const vd x = fma(z.re, z.re, z.im * z.im);
        (add ? vd::load(to) + x : x).store(to);
    };
    if (p.order) return finish_in_order<vd>(p, scratch, put);
    finish<vd>(p, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
        for (index k = 0; k < n_bins; ++k) put(k, bin(k));
    });
}

// power[k] += or = sum of |X_k|^2 over tapers [t0, t1)
inline void taper_power(const TaperPlan& t, index t0, index t1, const double* rows, const double* mean, bool add,
                        double* power, double* scratch) {
    const FftPlan<double>& p = *t.fft;
    for (index c = 0; c < kLanes; c += vd::width) {
        Tapered<vd> prepare = {nullptr, mean != nullptr, mean ? vd::load(mean + c) : vd::all(0)};
        for (index taper = t0; taper < t1; ++taper) {
            prepare.taper = t.tapers + taper * p.n;
            first_pass_of_rows<vd>(p, rows + c, kLanes, p.leaves, prepare, scratch);
            if (add || taper > t0)
                finish_power<true>(p, t.n_bins, power + c, scratch);
            else
                finish_power<false>(p, t.n_bins, power + c, scratch);
        }
    }
}

// Thomson's adaptive weights d_t = sqrt(e_t) S / (e_t S + (1 - e_t) v): S, the spectrum under them, is found by iteration
// from that of the first two tapers; v is the signal's variance, by the trapezoid rule over the spectrum weighted by e.
// A signal is done when the mean over tapers of the squared change of d is below 1e-10 in every bin.
inline bool adaptive_power(const AdaptivePlan& a, const double* spectra, double* power, double* scratch) {
    const index n = a.stop - a.first, bins = a.n_bins * kLanes;
    double* const weights = scratch;  // [n][n_tapers], those of the iteration before
    double* const next = weights + n * a.n_tapers * kLanes;
    bool converged = true;
    for (index c = 0; c < kLanes; c += vd::width) {
        const auto spectrum = [&](index t, index k)
                                  FASTEMO_INLINE_LAMBDA { return vd::load(spectra + t * bins + k * kLanes + c); };
        vd level = vd::all(0), of_two = vd::all(0);
        for (index t = 0; t < a.n_tapers; ++t) level = level + vd::all(a.eigenvalues[t]);
        for (index t = 0; t < 2; ++t) of_two = of_two + vd::all(a.eigenvalues[t]);
        vd variance = vd::all(0);
        for (index k = 0; k < a.n_bins; ++k) {
            vd s = vd::all(0);
            for (index t = 0; t < a.n_tapers; ++t) s = fma(vd::all(a.eigenvalues[t]), spectrum(t, k), s);
            const bool end = k == 0 || k == a.n_bins - 1;
            variance = fma(vd::all(end ? 0.5 : 1.0), s / level, variance);
        }
        variance = variance / vd::all(2.0 * double(a.n_bins));
        for (index i = 0; i < n; ++i) {
            vd s = vd::all(0);
            for (index t = 0; t < 2; ++t) s = fma(vd::all(a.eigenvalues[t]), spectrum(t, a.first + i), s);
            (s / of_two).store(power + i * kLanes + c);
        }
        for (index i = 0; i < n * a.n_tapers; ++i) vd::all(0).store(weights + i * kLanes + c);
        vd open = vd::all(1);  // of signals that are not done
        for (int iteration = 0;; ++iteration) {
            vd worst = vd::all(0);
            for (index i = 0; i < n; ++i) {
                const vd s = vd::load(power + i * kLanes + c);
                vd change = vd::all(0), total = vd::all(0), sum = vd::all(0);
                for (index t = 0; t < a.n_tapers; ++t) {
                    const vd e = vd::all(a.eigenvalues[t]);
                    const vd d = vd::all(a.roots[t]) * s / fma(e, s, (vd::all(1) - e) * variance);
                    double* const before = weights + (i * a.n_tapers + t) * kLanes + c;
                    const vd by = d - vd::load(before);
                    d.store(before);
                    change = fma(by, by, change);
                    const vd square = d * d;
                    total = total + square;
                    sum = fma(square, spectrum(t, a.first + i), sum);
                }
                worst = select(change > worst, change, worst);
                (sum / total).store(next + i * kLanes + c);
            }
            const vd moves = select(worst >= vd::all(1e-10 * double(a.n_tapers)), open, vd::all(0));
            open = moves;
            double lane[vd::width], any = 0;
            open.store(lane);
            for (int l = 0; l < vd::width; ++l) any += lane[l];
            if (any == 0) break;
            if (iteration == a.max_iterations) {
                converged = false;
                break;
            }
            for (index i = 0; i < n; ++i) {
                double* const to = power + i * kLanes + c;
                select(open > vd::all(0), vd::load(next + i * kLanes + c), vd::load(to)).store(to);
            }
        }
    }
    return converged;
}

inline void scale_rows(const double* scale, double factor, index n, double* rows) {
    for (index k = 0; k < n; ++k)
        for (index c = 0; c < kLanes; c += vd::width)
            (vd::load(rows + k * kLanes + c) * vd::all(scale[k] * factor)).store(rows + k * kLanes + c);
}

inline void band_sums(const BandSums& b, const double* rows, double* sums) {
    for (index band = 0; band < b.n_bands; ++band)
        for (index c = 0; c < kLanes; c += vd::width) {
            vd sum = vd::all(0);
            for (index k = b.edges[2 * band]; k < b.edges[2 * band + 1]; ++k)
                sum = sum + vd::load(rows + k * kLanes + c);
            (sum * vd::all(b.width[band])).store(sums + band * kLanes + c);
        }
}

}  // namespace fastemo::FASTEMO_NS
