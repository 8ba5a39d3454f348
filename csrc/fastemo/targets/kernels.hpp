// The table of kernels, one per CPU target. Everything above the kernels calls through it.
//
// Rows are time-major and `stride` values long (channels padded to whole groups of kLanes); [c0, c1) are channels in
// multiples of kLanes. No kernel allocates, throws or keeps state of its own.
#pragma once

#include "../base/fft_plan.hpp"
#include "../base/types.hpp"

namespace fastemo {

struct BankArgs {
    const Section* sections;  // [n_bands][n_sections]
    index n_bands, n_sections;
    double* state;  // [n_bands][n_sections][2][stride]
    double* sums;   // [n_bands][stride], the squares are added here
    const double* in;
    index stride, n, c0, c1;
};

struct QualityArgs {
    const double* rows;
    index stride, n, c0, c1;
    const double* substituted;  // [n][stride], 1 where a value was filled in; null where none was
    const double* is_channel;   // [stride], 1, but 0 in padding
    double* previous;           // [stride]
    double* run;                // [stride], length of the current run of identical samples
    double* bad;                // [stride], counts added
    double* noisy;              // [stride], counts added
    double flat, rail, step;
};

struct StreamKernels;
struct SignalKernels;
struct ReductionKernels;
struct CrossKernels;
struct SpectraKernels;
struct MatrixKernels;
struct ArtefactKernels;
struct InformationKernels;
struct PairKernels;

struct Kernels {
    const char* target;
    int vector_bytes;

    // Doors: widen, scale and transpose n samples of n_channels into rows, and back. load_rows reports whether every
    // value is finite; padding lanes are zeroed.
    bool (*load_rows)(const Samples& in, index n_channels, index n, double scale, double* rows, index stride, index c0,
                      index c1);
    void (*store_rows)(const double* rows, index stride, index n_channels, index n, const SamplesOut& out, index c0,
                       index c1);

    // state [n_sections][2][stride]; out may be in.
    void (*sosfilt_rows)(const Section* sos, index n_sections, double* state, const double* in, double* out,
                         index stride, index n, index c0, index c1);
    // The same between the caller's arrays, one tile of samples at a time.
    void (*sosfilt)(const Section* sos, index n_sections, double* state, index stride, const Samples& in,
                    const SamplesOut& out, index n_channels, index n, index c0, index c1);
    void (*bank_power)(const BankArgs&);

    // out[bin - first][channel] = scale[bin - first] |X_bin|^2 for the plan's bins, X the transform of taper (x - mean);
    // without `detrend` no mean is taken off. scratch: Fft::scratch_size() values, 64-byte aligned at best.
    void (*fft_power)(const FftPlan<double>& plan, const FftInput& in, const double* taper, bool detrend,
                      const double* scale, double* out, index out_stride, double* scratch, index c0, index c1);
    // The plan's bins of every channel, pairs of real and imaginary part, `out.sample_stride` bytes apart.
    void (*rfft_f64)(const FftPlan<double>& plan, const Samples& in, index n_channels, const SamplesOut& out,
                     double* scratch, index c0, index c1);
    void (*rfft_f32)(const FftPlan<float>& plan, const Samples& in, index n_channels, const SamplesOut& out,
                     float* scratch, index c0, index c1);

    void (*quality)(const QualityArgs&);

    void (*reference)(const double* weights, const double* in, double* out, index stride, index n);
    // coef [n_in][out_stride]
    void (*matrix)(const double* coef, index n_in, const double* in, index in_stride, double* out, index out_stride,
                   index n);

    // Elementwise over n values rounded up to whole groups.
    void (*add)(const double* x, double* y, index n);                                        // y += x
    void (*add_scaled)(const double* a, const double* b, double scale, double* y, index n);  // y = (a + b) scale
    void (*scale)(const double* x, double scale, double* y, index n);
    void (*log)(const double* x, double gain, double offset, double floor, double* y, index n);
    void (*affine)(const double* x, const double* shift, const double* scale, double* y, index n);
    void (*lerp)(double alpha, const double* x, double* y, index n);        // y += alpha (x - y)
    void (*divide)(const double* x, const double* by, double* y, index n);  // 0 where by is 0
    void (*exp)(const double* x, double* y, index n);
    void (*sigmoid)(const double* x, double* y, index n);
    // y_k = coef_k . x + bias_k, coef [n_out][stride] with zero padding
    void (*linear)(const double* coef, const double* bias, const double* x, index stride, index n_out, double* y);

    const StreamKernels* stream;            // FIR filters on a stream (stream_kernels.hpp)
    const SignalKernels* signal;            // those of whole arrays (signal_kernels.hpp)
    const ReductionKernels* reductions;     // those of windows to a few numbers (reductions_kernels.hpp)
    const CrossKernels* cross;              // those of pairs of signals (cross_kernels.hpp)
    const SpectraKernels* spectra;          // those of tapers and wavelets (spectra_kernels.hpp)
    const MatrixKernels* matrices;          // of covariances and small matrices (matrix_kernels.hpp)
    const ArtefactKernels* artefact;        // those of artefact removal (artefact_kernels.hpp)
    const InformationKernels* information;  // those of information between signals (information_kernels.hpp)
    const PairKernels* pairs;               // those of chosen pairs of signals (pairs_kernels.hpp)
};

// The table chosen once: the best the CPU supports, or the one FASTEMO_TARGET names (throws if it cannot be had).
const Kernels& kernels();

// The tables built into this library that the CPU can run, best first; null-terminated.
const Kernels* const* available_kernels();

}  // namespace fastemo
