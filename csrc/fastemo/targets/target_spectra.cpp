// The third table of a CPU target (see target.cpp): spectra under many tapers and by wavelets.
#include "spectra_kernels.hpp"

#include "../kernels/lone_signal.hpp"
#include "../kernels/sliding.hpp"
#include "../kernels/stretches.hpp"
#include "../kernels/tapers.hpp"
#include "../kernels/wavelets.hpp"

namespace fastemo::FASTEMO_NS {

extern const SpectraKernels spectra_table;
const SpectraKernels spectra_table = {
    read_stretches,    row_sum,         read_and_sum,        taper_power,         taper_scratch,
    adaptive_power,    scale_rows,      band_sums,           subtract_mean,       wavelet_spectrum,
    wavelet_transform, wavelet_scratch, pair_power,          pair_power_sum,      take_pairs,
    sliding_add,       sliding_bands,   rfft_one_by_one_f64, rfft_one_by_one_f32,
};

}  // namespace fastemo::FASTEMO_NS
