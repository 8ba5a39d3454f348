// The kernels of chosen pairs of signals, a table of their own (see target.cpp).
#include "pairs_kernels.hpp"

#include "../kernels/pair_list.hpp"

namespace fastemo::FASTEMO_NS {

extern const PairKernels pairs_table;
const PairKernels pairs_table = {listed_sums, listed_sums_size, listed_sums_scratch};

}  // namespace fastemo::FASTEMO_NS
