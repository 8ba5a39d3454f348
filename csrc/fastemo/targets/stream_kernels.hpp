// The kernels of FIR filters on a stream, one group of kLanes channels per call: rows of kLanes doubles.
#pragma once

#include "../base/fft_plan.hpp"
#include "../base/lanes.hpp"
#include "../base/types.hpp"

namespace fastemo {

// Taps from `block` on, in parts of `block`, by transforms of 2 block points.
struct FirTail {
    const FftPlan<double>* plan;
    const double* spectra;  // [block + 1][n_parts][2], those of the parts divided by 2 block
    index n_parts;
};

// Parts [first, first + count) of a filter, of `block` taps each from tap `block` on, by transforms of 2 block points.
struct FirParts {
    const FftPlan<double>* plan;
    const double* spectra;  // [block + 1][count][2], those of the parts divided by 2 block
    index first, count;
    index n_past;  // spectra that are kept of the past
};

struct PowerRows {
    const double *z[2], *more[2];  // real and imaginary part, [n][kLanes]
    const double* level[2];        // [kLanes]
    double weight;
    double* sum;  // [n][kLanes]
    index n;
};

struct StreamKernels {
    // Results m, ..., m + count - 1 from rows number `begin` on, the offset as in Polyphase.
    void (*polyphase)(const Polyphase& filter, index m, index count, const double* rows, index begin, double* out,
                      index out_stride);
    // past [block + 1][n_parts][2][kLanes]: `newest` becomes the spectrum of the 2 block rows; out [block]: the share of
    // these taps in the block that follows.
    void (*fir_tail)(const FirTail& tail, const double* rows, double* past, index newest, double* out, double* scratch);
    index (*fir_tail_scratch)(const FirTail& tail);
    void (*take_off_level)(const double* in, index stride, const double* level, double* rows, index n);
    void (*put_on_level)(const double* tail, const double* level, double* out, index stride, index n);
    // past [block + 1][n_past][2][kLanes], out [block]: as fir_tail, but one after the other.
    void (*fir_past)(const FirParts& parts, const double* rows, double* past, index newest, double* scratch);
    void (*fir_part_sums)(const FirParts& parts, const double* past, index newest, double* out, double* scratch);
    index (*fir_parts_scratch)(const FirParts& parts);
    void (*add_power)(const PowerRows&);
    void (*root_rows)(const double* rows, double* out, index stride, index n);
};

}  // namespace fastemo
