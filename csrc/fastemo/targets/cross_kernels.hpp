// The kernels of pairs of signals: spectra and analytic signals, and what is taken from their products.
#pragma once

#include "../base/fft_plan.hpp"
#include "../base/types.hpp"

namespace fastemo {

// Measures of connectivity in one band, between first signals `rows[r]` and the second signals [0, stops[r]).
struct CrossArgs {
    enum Measure : int { coh, cohy, imcoh, plv, ciplv, ppc, pli, pli2_unbiased, dpli, wpli, wpli2_debiased, psi };
    const double* spectra;  // [n_bins][n_observations][n_tapers][2][stride]
    index n_observations, n_tapers, stride;
    index first, stop;              // bins of the band
    index slope_first, slope_stop;  // bins that psi goes over
    const index *rows, *stops;      // [n_rows]
    index r0, r1;                   // the rows to compute
    unsigned measures;              // 1 << Measure for each that is wanted
    double* out;                    // a plane [n_rows][stride] for each, two for cohy (real and imaginary part)
    index out_stride;               // from one plane to the next
};

struct CrossKernels {
    // All bins of taper (x - mean), `imaginary` values from the real to the imaginary part of a channel.
    void (*tapered_spectra)(const FftPlan<double>& plan, const FftInput& in, const double* taper, double* out,
                            index bin_stride, index imaginary, double* scratch, index c0, index c1);
    void (*cross_spectra)(const CrossArgs&, double* scratch);
};

}  // namespace fastemo
