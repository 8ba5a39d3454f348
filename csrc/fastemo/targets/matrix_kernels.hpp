// The kernels of covariances and of small symmetric matrices. Rows are `stride` values long, n rounded up to whole
// groups of kLanes; scratch is the caller's.
#pragma once

#include "../base/matrices.hpp"

namespace fastemo {

struct MatrixKernels {
    // Results [width][size of one] and faults [width] of `width` matrices; their bits do not depend on their company.
    void (*spectral)(const MatrixJob& job, const double* matrices, index width, double* out, unsigned char* faults,
                     double* scratch);
    index (*spectral_scratch)(const MatrixJob& job, index width);
    // W C W' of one matrix, [n][n]; `whitening` is W'
    void (*congruence)(const double* matrix, const double* whitening, index n, double* out, double* scratch);
    index (*congruence_scratch)(index n);

    void (*scatter)(const ScatterArgs& args);
    void (*fourth_moments)(const FourthMoments& args);
    index (*scatter_scratch)(index n_channels);

    // Sums over the n samples of the channels' products z conj(z)': the real parts [stride][stride], upper triangle, and
    // the imaginary ones, of complex samples whose real parts are at `in` and imaginary ones `imaginary` bytes further.
    void (*hermitian)(const Samples& in, index imaginary, index n_channels, index n, double* real, double* imag,
                      double* scratch);
    index (*hermitian_scratch)(index n_channels);

    // One sample: mean += share (x - mean), and the upper triangle [stride][stride] of decay S + gain (x - mean)(x - mean)',
    // the mean being the one before; `work` [stride].
    void (*fading_scatter)(const double* x, double share, double gain, double decay, index n, index stride,
                           double* mean, double* scatter, double* work);
};

}  // namespace fastemo
