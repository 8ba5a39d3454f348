// Small symmetric matrices and what is asked of them: the arguments of the kernels of matrices.
#pragma once

#include "types.hpp"

namespace fastemo {

// A function of the eigenvalues; `power` has an exponent.
enum class Spectral { log, exp, sqrt, inverse_sqrt, power };

// Up to kLanes matrices (n x n, row-major, one after the other), all for the same job.
struct MatrixJob {
    enum What {
        function,   // V f(lambda) V', [n][n]
        tangent,    // the upper triangle of it by rows, off the diagonal times sqrt 2, [n (n + 1)/2]
        distances,  // sum ln^2 lambda of the matrix under each whitening, [n_whitenings]
        values,     // eigenvalues under each whitening in no particular order, [n_whitenings][n]
    } what;
    Spectral f;
    double exponent;
    // Eigenvalues below count as this. Where it is 0, those of at most n eps times the largest are refused instead.
    double floor;
    index n;
    const double* whitening;  // W' of W C W', [n_whitenings][n][n], or null: then C itself
    index n_whitenings;       // 1 where there is none
};

// What was wrong with a matrix; it then has NaN for a result.
enum MatrixFault : unsigned char { kNoFault, kNotFinite, kNotSymmetric, kNotPositive, kTooLarge, kNotConverged };

// Sums over samples of a window: the mean, the scatter about it (upper triangle) and two sums of fourth powers.
struct ScatterArgs {
    Samples in;
    RingView ring;  // in place of `in`, where its base is not null
    index n_channels, n;
    bool centre;      // else the mean counts as zero
    double* mean;     // [stride]
    double* scatter;  // [stride][stride]
    double* scratch;  // scatter_scratch(n_channels) values
};

// Sums over samples t and channels c with the weights w of channels: sums[0] = sum_t (sum_c w x^2)^2 and
// sums[1] = sum_tc (w x^2)^2, x about the mean.
struct FourthMoments {
    ScatterArgs samples;
    const double* weight;  // [stride]
    double* sums;          // [2]
};

}  // namespace fastemo
