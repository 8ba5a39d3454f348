// Long FIR filters by the FFT, block by block (overlap-save).
//
// There is no inverse transform here. With H[k] = Re Y[k] - Im Y[k], the Hartley transform of y, y is 1/n times the
// Hartley transform of H, and this is again the real minus the imaginary part of a real FFT (Bracewell 1983,
// doi:10.1364/JOSA.73.001832): the product's spectrum goes through the same passes as the samples.
#pragma once

#include "fft.hpp"
#include "stretches.hpp"

namespace fastemo::FASTEMO_NS {

// Scratch: the rows of a block of the group, and an area for the transform of one native of it.
inline index overlap_save_scratch(const OverlapSave& f) { return kLanes * (f.plan->n + f.plan->rows + 1); }

template <int R, class V>
FASTEMO_INLINE cplx<V> bin_of(const FftPlan<double>& p, const double* scratch, index i) {
    const cplx<V> z = last_pass<R, V>(p, scratch, i);
    return {z.re, z.im * V::all(p.signs[i])};
}

// Rows of the Hartley transform of a spectrum z(k), k = 0..n/2.
template <class F>
FASTEMO_INLINE void hartley_rows(index n, double* rows, index row_stride, F&& z) {
    for (index k = 0; 2 * k <= n; ++k) {
        const auto p = z(k);
        (p.re - p.im).store(rows + k * row_stride);
        if (k > 0) (p.re + p.im).store(rows + (n - k) * row_stride);
    }
}

// The first passes over rows, and what is called with bin(k) after them.
template <class F>
FASTEMO_INLINE void transform_rows(const FftPlan<double>& p, const double* rows, index row_stride, double* scratch,
                                   F&& with_bins) {
    first_pass_of_rows<vd>(p, rows, row_stride, p.leaves, AsIs<vd>(), scratch);
    middle_passes<vd>(p, scratch);
    with_last_radix(p, [&](auto r) FASTEMO_INLINE_LAMBDA {
        with_bins([&](index k) FASTEMO_INLINE_LAMBDA { return bin_of<r, vd>(p, scratch, k); });
    });
}

// Row i of the result replaces row i of `rows`, which are `row_stride` doubles apart.
inline void cyclic_convolution(const FftPlan<double>& p, const double* spectrum, double* rows, index row_stride,
                               double* scratch) {
    transform_rows(p, rows, row_stride, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
        hartley_rows(p.n, rows, row_stride, [&](index k) FASTEMO_INLINE_LAMBDA {
            return times(bin(k), vd::all(spectrum[2 * k]), vd::all(spectrum[2 * k + 1]));
        });
    });
    transform_rows(p, rows, row_stride, scratch,
                   [&](auto bin) FASTEMO_INLINE_LAMBDA { hartley_rows(p.n, rows, row_stride, bin); });
}

inline void overlap_save_lanes(const OverlapSave& f, const StretchIn& in, const StretchOut& out, double* scratch) {
    const FftPlan<double>& p = *f.plan;
    const index total = last_stop(out), hop = p.n - f.n_taps + 1;
    double* const rows = scratch;
    double* const passes = rows + p.n * kLanes;
    for (index m = 0; m < total; m += hop) {
        const index count = total - m < hop ? total - m : hop;
        const index begin = m + f.offset - (f.n_taps - 1);
        read_stretches(in, begin, p.n, rows);
        for (int k = 0; k < kNativesPerGroup; ++k)
            cyclic_convolution(p, f.spectrum, rows + k * vd::width, kLanes, passes);
        write_stretches(rows + (f.n_taps - 1) * kLanes, count, out, m);
    }
}

}  // namespace fastemo::FASTEMO_NS
