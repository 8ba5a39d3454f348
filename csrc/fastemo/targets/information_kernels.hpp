// The kernels of information between signals.
#pragma once

#include "../base/types.hpp"

namespace fastemo {

// Transfer entropy by nearest neighbours. Points are sorted by the first row of the sink's past.
struct NeighbourArgs {
    const double* rows;   // [1 + n_past + n_source][stride]: the sink now, its past, the source's past; infinite past n
    const double* times;  // [stride], infinite past n
    index n, stride;      // stride in whole blocks of kNeighbours points
    index n_past, n_source;
    index k;
    double exclude;         // points no farther than this in time are no neighbours; at least 0
    const double* digamma;  // [n + 1], of 1, 2, ...
};

constexpr index kNeighbours = 32;

struct InformationKernels {
    // Mean of digamma(n_past) - digamma(n_past_now) - digamma(n_past_source), counts with the point itself. NaN where a
    // point has fewer than k neighbours. scratch: 3 stride + k values.
    double (*neighbour_transfer)(const NeighbourArgs&, double* scratch);
};

}  // namespace fastemo
