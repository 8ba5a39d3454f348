// The kernels of information between signals, a table of their own (see target.cpp).
#include "information_kernels.hpp"

#include "../kernels/neighbours.hpp"

namespace fastemo::FASTEMO_NS {

extern const InformationKernels information_table;
const InformationKernels information_table = {neighbour_transfer};

}  // namespace fastemo::FASTEMO_NS
