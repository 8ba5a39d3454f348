// The table of reductions of a CPU target (see target.cpp).
#include "reductions_kernels.hpp"

#include "../kernels/crossings.hpp"
#include "../kernels/fluctuation.hpp"
#include "../kernels/fractal.hpp"
#include "../kernels/hjorth.hpp"
#include "../kernels/lempel_ziv.hpp"
#include "../kernels/permutation_entropy.hpp"
#include "../kernels/spectrum.hpp"
#include "../kernels/statistics.hpp"
#include "../kernels/svd_entropy.hpp"
#include "../kernels/template_entropy.hpp"
#include "../kernels/wavelet.hpp"

namespace fastemo::FASTEMO_NS {

using namespace reduce;

extern const ReductionKernels reductions_table;
const ReductionKernels reductions_table = {
    zero_non_finite,
    mean,
    variance,
    standard_deviation,
    ptp_amp,
    rms,
    skewness,
    kurtosis,
    quantile,
    hjorth_mobility,
    hjorth_complexity,
    num_zerocross,
    zero_crossings,
    higher_order_crossings,
    line_length,
    teager_energy,
    katz_fd,
    petrosian_fd,
    higuchi_fd,
    detrended_fluctuation,
    hurst_exp,
    decorr_time,
    sample_entropy,
    app_entropy,
    perm_entropy,
    svd_entropy,
    svd_fisher_info,
    lempel_ziv,
    wavelet_coef_energy,
    teager_kaiser_energy,
    pow_freq_bands,
    spect_moment,
    spect_entropy,
    spect_slope,
    spect_edge_freq,
};

}  // namespace fastemo::FASTEMO_NS
