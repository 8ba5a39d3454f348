// The table of the kernels of pairs (see target.cpp).
#include "cross_kernels.hpp"

#include "../kernels/cross_spectra.hpp"

namespace fastemo::FASTEMO_NS {

extern const CrossKernels cross_table;
const CrossKernels cross_table = {
    tapered_spectra,
    cross_spectra,
};

}  // namespace fastemo::FASTEMO_NS
