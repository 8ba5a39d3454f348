// Spectra of segments of signals, a group of segments per call: their trend is taken off, a taper put on.
#pragma once

#include "complex_rows.hpp"
#include "fft.hpp"
#include "stretches.hpp"
#include "trend.hpp"

namespace fastemo::FASTEMO_NS {

// Scratch: the rows of the segments, and the passes of one native of them.
inline index segment_scratch(const SegmentPlan& s) { return kLanes * (s.fft->n + s.fft->rows + 1); }

// The segments that begin at sample `start` of every lane; f(first lane, bin) is called once for every native of lanes,
// and bin(k) gives bin k.
template <class F>
FASTEMO_INLINE void transform_segments(const SegmentPlan& s, const StretchIn& in, index start, double* scratch, F&& f) {
    const FftPlan<double>& p = *s.fft;
    double* const rows = scratch;
    double* const passes = rows + p.n * kLanes;
    read_stretches(in, start, s.n_samples, rows);
    for (index i = s.n_samples * kLanes; i < p.n * kLanes; ++i) rows[i] = 0;
    if (s.detrend == SegmentPlan::linear) subtract_line(rows, s.n_samples);
    for (index c = 0; c < kLanes; c += vd::width) {
        Tapered<vd> prepare = {s.taper, s.detrend == SegmentPlan::constant, vd::all(0)};
        if (prepare.detrend)
            prepare.mean = mean_of_rows<vd>(
                s.n_samples, [&](index i) FASTEMO_INLINE_LAMBDA { return vd::load(rows + i * kLanes + c); });
        first_pass_of_rows<vd>(p, static_cast<const double*>(rows + c), kLanes, p.leaves, prepare, passes);
        finish<vd>(p, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA { f(c, bin); });
    }
}

// power[k] += or = scale[k] |X_k|^2
inline void segment_power(const SegmentPlan& s, const StretchIn& in, index start, bool add, double* power,
                          double* scratch) {
    transform_segments(s, in, start, scratch, [&](index c, auto bin) FASTEMO_INLINE_LAMBDA {
        for (index k = 0; k < s.n_bins; ++k) {
            const cplx<vd> z = bin(k);
            double* to = power + k * kLanes + c;
            const vd x = vd::all(s.scale[k]) * fma(z.re, z.re, z.im * z.im);
            (add ? vd::load(to) + x : x).store(to);
        }
    });
}

// bins[k] = scale[k] X_k, a row of real and a row of imaginary parts
inline void segment_bins(const SegmentPlan& s, const StretchIn& in, index start, double* bins, double* scratch) {
    transform_segments(s, in, start, scratch, [&](index c, auto bin) FASTEMO_INLINE_LAMBDA {
        for (index k = 0; k < s.n_bins; ++k) {
            const cplx<vd> z = bin(k);
            (vd::all(s.scale[k]) * z.re).store(bins + 2 * k * kLanes + c);
            (vd::all(s.scale[k] * s.fft->signs[k]) * z.im).store(bins + (2 * k + 1) * kLanes + c);
        }
    });
}

// sums[k] gets the rows |X_k|^2, |Y_k|^2 and the two parts of conj(X_k) Y_k added.
inline void add_cross_power(index n_bins, const double* x, const double* y, double* sums) {
    constexpr index W = vd::width;
    for (index k = 0; k < n_bins; ++k, x += 2 * kLanes, y += 2 * kLanes, sums += 4 * kLanes)
        for (index c = 0; c < kLanes; c += W) {
            const vd xr = vd::load(x + c), xi = vd::load(x + kLanes + c), yr = vd::load(y + c),
                     yi = vd::load(y + kLanes + c);
            const auto add = [&](index row, vd value) FASTEMO_INLINE_LAMBDA {
                double* to = sums + row * kLanes + c;
                (vd::load(to) + value).store(to);
            };
            add(0, fma(xr, xr, xi * xi));
            add(1, fma(yr, yr, yi * yi));
            add(2, fma(xr, yr, xi * yi));
            add(3, fms(xr, yi, xi * yr));
        }
}

// sums[row] += rows[row], lane after lane, for the first `width` lanes
inline void add_lanes(const double* rows, index n, int width, double* sums) {
    for (index i = 0; i < n; ++i)
        for (int l = 0; l < width; ++l) sums[i] += rows[i * kLanes + l];
}

inline void write_real(const double* rows, index n, const LanesOut& out) { write_lanes<Wide>(rows, n, out, 0); }

}  // namespace fastemo::FASTEMO_NS
