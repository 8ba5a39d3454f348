// What the FFT kernels read: the tables of one length. fastemo::Fft (ops/fft_plan.hpp) makes and owns them.
//
// The n points are time-major rows of a scratch array and are transformed in place, by decimation in time: a first
// pass takes its points straight from the caller's samples, each later pass combines `radix` neighbouring blocks, and a
// last one computes only the bins that are wanted, from `finish_radix` blocks. Real input keeps n real rows throughout:
// bin 0, bin length/2 if there is one, and one pair of rows for each bin between them. Nothing is ever reordered; a bin
// may be held at its negative frequency, which is its conjugate, and the tables know where everything lies.
#pragma once

#include "types.hpp"

namespace fastemo {

constexpr int kMaxFftRadix = 20;

template <class T>
struct FftPass {
    int radix;
    index length;                // points of each block that is combined
    index span;                  // rows from one block to the next
    index n_bins;                // bins held as pairs
    const std::int32_t* rows;    // [n_bins][2]: real and imaginary part, from the beginning of a block
    const T* twiddles;           // [n_bins][radix - 1][2]
    index half_row;              // bin length/2, -1 if the length is odd
    const T* half_twiddles;      // [radix - 1][2]
};

// A wanted bin, in the blocks of the last pass.
struct FftBin {
    std::int32_t re, im;  // rows; im is -1 where it is zero
    bool conjugated;
};

template <class T>
struct FftPlan {
    index n;
    index first, stop;  // the bins wanted

    int first_radix;
    const std::int32_t* leaves;  // [n / first_radix]: row of the block that begins with sample i
    int n_passes;
    const FftPass<T>* passes;
    int finish_radix;
    index finish_span;
    const FftBin* bins;          // [stop - first]
    const T* finish_twiddles;    // [stop - first][2]
    index rows;                  // of scratch

    // Where n has a prime factor above 13 (Bluestein): a convolution of this length, null elsewhere.
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
