// The table of the kernels of pairs (see target.cpp).
#include "cross_kernels.hpp"
#include "kernels.hpp"

#include "../kernels/analytic.hpp"
#include "../kernels/coherence.hpp"
#include "../kernels/cross_spectra.hpp"
#include "../kernels/envelopes.hpp"
#include "../kernels/instantaneous.hpp"
#include "../kernels/pair_panels.hpp"
#include "../kernels/pair_sums.hpp"

namespace fastemo::FASTEMO_NS {

extern const CrossKernels cross_table;
const CrossKernels cross_table = {
    tapered_spectra, cross_spectra, coherence,        coherence_scratch,     analytic,
    instantaneous,   pair_sums,     pair_sums_size,   pair_sums_scratch,     panel_form,
    panel_of_pairs,  pair_panels,   pair_panels_size, envelope_correlations, envelopes_scratch,
};

}  // namespace fastemo::FASTEMO_NS
