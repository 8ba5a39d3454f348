// The kernels of artefact removal in the stream. Matrices are rows of `stride` values, zeros in the padding.
#pragma once

#include "../base/types.hpp"

namespace fastemo {

struct SubspaceArgs {
    const double* sums;     // [n][stride], upper triangle: sums of products; times `scale` the covariance S
    const double* limit;    // [n][stride], Q
    const double* inverse;  // [n][stride], W
    double scale;
    index n, stride;
    index most;  // directions that may be taken out, 1..n
    double* map;
    double* gram;     // [most][most]
    index* order;     // [n]
    double* scratch;  // subspace_scratch(n, stride) values
};

struct ArtefactKernels {
    void (*add_products)(const double* rows, index stride, index n_channels, index n, double* sums);
    index (*subspace_map)(const SubspaceArgs&);
    index (*subspace_scratch)(index n, index stride);
};

}  // namespace fastemo
