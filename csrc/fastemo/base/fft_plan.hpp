// What the FFT kernels read: the tables of one length. fastemo::Fft (ops/fft_plan.hpp) makes and owns them.
//
// The n points are time-major rows of scratch, one native of channels each, and are transformed in place by decimation
// in time, without ever being reordered: sample i is in row i (point i % leaves of every leaf, rows `leaf_stride`
// apart), the first pass transforms the leaves, each later pass combines `radix` blocks whose rows lie `stride` apart,
// and the last one computes only the bins that are wanted. Real input keeps real rows throughout: a block of some
// length has one row for bin 0, one for bin length/2 if there is one, and a pair for each bin between. A bin may be held
// at its negative frequency, as its conjugate. The tables know where everything lies.
#pragma once

#include "types.hpp"

namespace fastemo {

constexpr int kMaxFftRadix = 20;

template <class T>
struct FftPass {
    int radix;
    index stride;  // rows from one block to the next
    index n_pairs;
    const std::int32_t* rows;  // [n_pairs][2]: real and imaginary part of a bin, from the first row of a block
    const T* twiddles;         // [n_pairs][radix - 1][2]
    index half_row;            // of bin length/2, -1 if the length is odd
    const T* half_twiddles;    // [radix - 1][2]
};

// Where a wanted bin is held in each block of the last pass; im is -1 where the bin is real.
struct FftBin {
    std::int32_t re, im;
};

template <class T>
struct FftPlan {
    index n;
    index first, stop;  // the bins wanted

    int first_radix;
    index leaves, leaf_stride;
    int n_passes;
    const FftPass<T>* passes;
    int last_radix;
    const FftBin* bins;      // [stop - first]
    const T* last_twiddles;  // [stop - first][2]
    const T* signs;          // [stop - first], of imaginary parts: -1 where the last pass gives the conjugate
    index rows;

    // Where all bins are wanted and the last radix is 1: the bins as the last of the passes makes them, [n/2 + 1]; or null.
    const std::int32_t* order;

    // Lengths with a prime factor above 13 are done as a convolution (Bluestein), by a plan for all bins whose last radix
    // is 1; null elsewhere.
    const FftPlan* convolution;
    const T* chirp;           // [n][2]
    const T* chirp_spectrum;  // [convolution->n][2]
    const T* output_chirp;    // [stop - first][2]
};

// Samples in the caller's array or, where samples.data is null, in a ring.
struct FftInput {
    Samples samples;
    RingView ring;
    index n_channels;
};

}  // namespace fastemo
