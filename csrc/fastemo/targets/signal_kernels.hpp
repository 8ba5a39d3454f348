// The kernels of whole arrays of signals, a group of at most kLanes of them per call. State and scratch are the
// caller's; a group of one signal has state for one.
#pragma once

#include "../base/fft_plan.hpp"
#include "../base/lanes.hpp"
#include "../base/types.hpp"

namespace fastemo {

struct SignalKernels {
    // state [n_sections][2][width of the group: 1 or kLanes]
    void (*sosfilt)(const Section* sos, index n_sections, double* state, const LanesIn& in, const LanesOut& out,
                    index n);
    // b, a of order + 1 coefficients, a0 = 1; state [order][width of the group]
    void (*lfilter)(const double* b, const double* a, index order, double* state, const LanesIn& in,
                    const LanesOut& out, index n);
    // Forward and backward from zi times the first sample of the way. `out` may be `in`.
    void (*sosfiltfilt)(const Section* sos, index n_sections, const double* zi, const Extension& extension,
                        const LanesIn& in, const LanesOut& out, index n, double* scratch);
    void (*filtfilt)(const double* b, const double* a, index order, const double* zi, const Extension& extension,
                     const LanesIn& in, const LanesOut& out, index n, double* scratch);
    // Doubles of scratch of these two, for a filter that keeps `state` doubles per signal.
    index (*filtfilt_scratch)(index state, index n, index edge);

    void (*polyphase)(const Polyphase& filter, const StretchIn& in, const StretchOut& out, double* scratch);
    index (*polyphase_scratch)(const Polyphase& filter);
    void (*overlap_save)(const OverlapSave& filter, const StretchIn& in, const StretchOut& out, double* scratch);
    index (*overlap_save_scratch)(const OverlapSave& filter);

    // Samples [first, stop) without their mean (`level`) or their line. False, and nothing written, under a line whose
    // sums are not finite. `out` may be `in`, or null: then there is only the answer.
    bool (*subtract_trend)(const LanesIn& in, const LanesOut* out, index first, index stop, bool level);
    // The transform's length of samples, and as many complex results, whose strides `out` has.
    void (*hilbert)(const FftPlan<double>& fft, const StretchIn& in, const LanesOut& out, double* scratch);
    index (*hilbert_scratch)(const FftPlan<double>& fft);
    // The same of lane 0 alone and of eight times the transform's length, at least 120 samples; those from `n_samples`
    // on are zero. twiddles: cosines and sines of -2 pi k / (8 fft.n) for k <= fft.n / 2, each rounded up to whole groups.
    void (*hilbert_alone)(const FftPlan<double>& fft, const double* twiddles, const LanesIn& in, index n_samples,
                          const LanesOut& out, double* scratch);
    index (*hilbert_alone_scratch)(const FftPlan<double>& fft);

    // Of the segments that begin at sample `start` of every lane. Rows of kLanes: power[k] += or = scale[k] |X_k|^2;
    // bins[k] = scale[k] X_k as a row of real and one of imaginary parts.
    void (*segment_power)(const SegmentPlan& plan, const StretchIn& in, index start, bool add, double* power,
                          double* scratch);
    void (*segment_bins)(const SegmentPlan& plan, const StretchIn& in, index start, double* bins, double* scratch);
    index (*segment_scratch)(const SegmentPlan& plan);
    // sums[k] += |X_k|^2, |Y_k|^2 and the two parts of conj(X_k) Y_k, four rows
    void (*add_cross_power)(index n_bins, const double* x, const double* y, double* sums);
    // sums[i] += row i, lane after lane, of the first `width` lanes
    void (*add_lanes)(const double* rows, index n, int width, double* sums);
    // Rows to where the lanes of `out` are; pairs of rows as complex values, whose strides `out` has.
    void (*write_real)(const double* rows, index n, const LanesOut& out);
    void (*write_complex)(const double* rows, index n, const LanesOut& out);
};

}  // namespace fastemo
