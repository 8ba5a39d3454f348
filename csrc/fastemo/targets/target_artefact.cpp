// The kernels of artefact removal, a table of their own (see target.cpp).
#include "artefact_kernels.hpp"

#include "../kernels/subspace.hpp"

namespace fastemo::FASTEMO_NS {

extern const ArtefactKernels artefact_table;
const ArtefactKernels artefact_table = {add_products, subspace_map, subspace_scratch};

}  // namespace fastemo::FASTEMO_NS
