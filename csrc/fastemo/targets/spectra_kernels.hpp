// The kernels of spectra under many tapers and by wavelets, a group of kLanes signals per call. Signals are rows of
// kLanes values; scratch is the caller's.
#pragma once

#include "../base/fft_plan.hpp"
#include "../base/lanes.hpp"
#include "../base/types.hpp"

namespace fastemo {

// The transform's length of samples under each taper in turn.
struct TaperPlan {
    const FftPlan<double>* fft;
    const double* tapers;  // [n_tapers][fft->n], each times the root of its weight
    index n_tapers, n_bins;
};

// Weights that depend on the spectrum (Thomson 1982), of bins [first, stop) of all n_bins.
struct AdaptivePlan {
    const double *eigenvalues, *roots;  // [n_tapers], and their square roots
    index n_tapers, n_bins, first, stop;
    int max_iterations;
};

struct BandSums {
    const std::int64_t* edges;  // [n_bands][2]
    const double* width;        // [n_bands]
    index n_bands;
};

// A real transform of n = fft->n points, more than n_samples so that a wavelet's ends do not meet.
struct WaveletPlan {
    const FftPlan<double>* fft;
    index n_samples;
};

// Up to 16 samples that come in, and those that leave (or null), as rows.
struct SlidingBlock {
    const double* const* in;
    const double* const* out;
    index n, n_bins;
    const double* factors;  // [n_bins][n/2][2], cosine and minus sine of a bin's angle from the middle of the block
};

// Bands of the bins after the first of those that are summed; the taper is mid - 2 side cos(2 pi t/T).
struct SlidingBands {
    BandSums bands;
    const double* scale;
    double mid, side;
};

struct SpectraKernels {
    // Rows [s, s + n) of stretches of signals.
    void (*read)(const StretchIn& in, index s, index n, double* rows);
    // Over n rows, with the bits of eight running sums.
    void (*row_sum)(const double* rows, index n, double* sum);
    // Both at once.
    void (*read_and_sum)(const StretchIn& in, index s, index n, double* rows, double* sum);
    // power[k] += or = sum of |X_k|^2 over tapers [t0, t1), of rows less `mean` (one row) if there is one; scratch:
    // taper_scratch() doubles
    void (*taper_power)(const TaperPlan& plan, index t0, index t1, const double* rows, const double* mean, bool add,
                        double* power, double* scratch);
    index (*taper_scratch)(const FftPlan<double>& fft);
    // power[i] of bin first + i, from the scaled spectra [n_tapers][n_bins] of the tapers. False where some signal's
    // weights still changed after the last iteration. scratch: (n_tapers + 1) (stop - first) rows.
    bool (*adaptive_power)(const AdaptivePlan& plan, const double* spectra, double* power, double* scratch);
    // rows[k] *= scale[k] factor
    void (*scale_rows)(const double* scale, double factor, index n, double* rows);
    void (*band_sums)(const BandSums& bands, const double* rows, double* sums);

    // The first n rows without their mean.
    void (*subtract_mean)(index n, double* rows);
    // spectrum: n/2 + 1 pairs of rows; rows of n samples are not kept.
    void (*wavelet_spectrum)(const WaveletPlan& plan, const double* rows, double* spectrum, double* scratch);
    // The spectrum times that of a wavelet, back in time: n_samples pairs of rows. `even` and `odd` [n/2 + 1] are the
    // parts of the wavelet's real spectrum, divided by n.
    void (*wavelet_transform)(const WaveletPlan& plan, const double* even, const double* odd, const double* spectrum,
                              double* pairs, double* scratch);
    index (*wavelet_scratch)(const FftPlan<double>& fft);
    // |z|^2 of every step'th pair; their sum
    void (*pair_power)(const double* pairs, index n, index step, double* rows);
    void (*pair_power_sum)(const double* pairs, index n, double* sum);
    void (*take_pairs)(const double* pairs, index n, index step, double* to);

    // Rows of channels [c0, c1), `stride` apart; sums are pairs of rows. rotations [n_bins][2]: cosine and sine of each
    // bin's angle at the middle of the block.
    void (*sliding_add)(const SlidingBlock& block, const double* rotations, index first_bin, double* sums, index stride,
                        index c0, index c1);
    // The cosine and sine are those of the angle of the window's first sample.
    void (*sliding_bands)(const SlidingBands& bands, double cosine, double sine, const double* sums, index stride,
                          double* out, index out_stride, index c0, index c1);

    // As rfft_f64 and rfft_f32 (kernels.hpp), to the bit, for signals so few that lanes would idle; not for convolutions.
    // scratch: rows + n values
    void (*rfft_one_by_one_f64)(const FftPlan<double>& plan, const Samples& in, index n_channels, const SamplesOut& out,
                                double* scratch);
    void (*rfft_one_by_one_f32)(const FftPlan<float>& plan, const Samples& in, index n_channels, const SamplesOut& out,
                                float* scratch);
};

}  // namespace fastemo
