// The kernels of chosen pairs of signals.
#pragma once

#include "cross_kernels.hpp"

namespace fastemo {

constexpr index kListed = 16;  // pairs in one block

// What PairSumsArgs says, of pairs (first[p], second[p]) in place of all; planes of `sums.out` have n_pairs values.
struct PairListArgs {
    PairSumsArgs sums;
    const index *first, *second;
    index n_pairs;  // a multiple of kListed: the last pair is repeated
};

struct PairKernels {
    void (*listed_sums)(const PairListArgs&);
    // Values of `sums.sums` and of `sums.scratch`.
    index (*listed_sums_size)(index n_pairs, index stride, unsigned measures);
    index (*listed_sums_scratch)(index stride);
};

}  // namespace fastemo
