// The kernels that reduce a window to a few numbers, for one group of eight signals per call.
#pragma once

#include "../base/types.hpp"

namespace fastemo {

struct ReduceArgs {
    const double* x;  // [n][kLanes], finite
    index n;
    const double* params;
    index n_params;
    double* scratch;  // as much as the reduction's row in ops/reductions.cpp says
    double* out;      // [n_values][kLanes]
};

using Reduction = void (*)(const ReduceArgs&);

struct ReductionKernels {
    // Sets the signals of a group [n][kLanes] that hold NaN or infinity to 0; bit l of the result is lane l's.
    unsigned (*zero_non_finite)(double* x, index n);

    Reduction mean, variance, standard_deviation, ptp_amp, rms, skewness, kurtosis, quantile;
    Reduction hjorth_mobility, hjorth_complexity;
    Reduction num_zerocross, zero_crossings, higher_order_crossings, line_length, teager_energy;
    Reduction katz_fd, petrosian_fd, higuchi_fd, detrended_fluctuation, hurst_exp, decorr_time;
    Reduction sample_entropy, app_entropy, perm_entropy, svd_entropy, svd_fisher_info, lempel_ziv;
    Reduction wavelet_coef_energy, teager_kaiser_energy;
    Reduction pow_freq_bands, spect_moment, spect_entropy, spect_slope, spect_edge_freq;
};

}  // namespace fastemo
