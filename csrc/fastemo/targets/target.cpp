// Compiled once per CPU target, with FASTEMO_NS naming the target and the flags that go with it.
// Nothing here has external linkage but the table: code for one CPU must not be linked into code for another.
#include "kernels.hpp"

#include "../kernels/fft.hpp"
#include "../kernels/maps.hpp"
#include "../kernels/quality.hpp"
#include "../kernels/referencing.hpp"
#include "../kernels/rows.hpp"
#include "../kernels/sosfilt.hpp"

#define FASTEMO_STRING_(x) #x
#define FASTEMO_STRING(x) FASTEMO_STRING_(x)

namespace fastemo::FASTEMO_NS {

extern const Kernels table;
extern const StreamKernels stream_table;
extern const SignalKernels signal_table;
extern const ReductionKernels reductions_table;
extern const CrossKernels cross_table;
extern const SpectraKernels spectra_table;
extern const MatrixKernels matrix_table;
extern const ArtefactKernels artefact_table;
extern const InformationKernels information_table;
extern const PairKernels pairs_table;
const Kernels table = {
    FASTEMO_STRING(FASTEMO_NS),
    FASTEMO_VECTORS ? FASTEMO_VECTOR_BYTES : int(sizeof(double)),
    load_rows,
    store_rows,
    sosfilt_rows,
    sosfilt,
    bank_power,
    fft_power,
    rfft_f64,
    rfft_f32,
    quality,
    reference,
    matrix,
    add,
    add_scaled,
    scale,
    log_map,
    affine,
    lerp,
    divide,
    exp_map,
    sigmoid,
    linear,
    &stream_table,
    &signal_table,
    &reductions_table,
    &cross_table,
    &spectra_table,
    &matrix_table,
    &artefact_table,
    &information_table,
    &pairs_table,
};

}  // namespace fastemo::FASTEMO_NS
