// The third table of a CPU target (see target.cpp): covariances and small symmetric matrices.
#include "matrix_kernels.hpp"

#include "../kernels/fading_scatter.hpp"
#include "../kernels/scatter.hpp"
#include "../kernels/spectral_maps.hpp"

namespace fastemo::FASTEMO_NS {

extern const MatrixKernels matrix_table;
const MatrixKernels matrix_table = {
    spectral,       spectral_scratch, congruence, congruence_scratch, scatter,
    fourth_moments, scatter_scratch,  hermitian,  hermitian_scratch,  fading_scatter,
};

}  // namespace fastemo::FASTEMO_NS
