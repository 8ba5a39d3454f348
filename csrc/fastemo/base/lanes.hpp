// Eight signals side by side: what the kernels of whole arrays work on, a group at a time.
#pragma once

#include "fft_plan.hpp"
#include "types.hpp"

namespace fastemo {

struct LanesIn {
    const char* at[kLanes];  // sample 0 of each signal; lanes from `width` on repeat the last one
    index stride;            // bytes from a sample to the next
    Dtype dtype;
    int width;
    bool adjacent;  // a sample of all eight signals lies side by side
};

struct LanesOut {
    char* at[kLanes];  // lanes from `width` on are not written
    index stride;
    Dtype dtype;
    int width;
    bool adjacent;
};

// Stretches of signals side by side: lane l has samples [first[l], stop[l]), and zeros before and after them.
struct StretchIn : LanesIn {
    index first[kLanes], stop[kLanes];
};

// Samples [0, stop[l]) of lane l are wanted.
struct StretchOut : LanesOut {
    index stop[kLanes];
};

// y[m] = sum_k h[k] v[m down + offset - k], v the signal with up - 1 zeros after each sample.
struct Polyphase {
    const double* taps;  // those of phase p, the last one first, from first[p] to first[p + 1]
    const index* first;  // [up + 1]
    index up, down, offset;
};

// The same for up = down = 1 by the FFT.
struct OverlapSave {
    const FftPlan<double>* plan;
    const double* spectrum;  // [n/2 + 1][2], that of the taps divided by n
    index n_taps, offset;
};

// How a spectrum is made of a segment: the trend is taken off, a taper put on, zeros added up to the transform's length.
struct SegmentPlan {
    const FftPlan<double>* fft;
    const double* taper;  // [fft->n], zeros from n_samples on
    const double* scale;  // [n_bins]
    index n_samples, n_bins;
    enum Detrend : int { none, constant, linear } detrend;
};

// How a signal goes on beyond its ends, for `edge` samples at either: as in scipy.signal's filtfilt.
struct Extension {
    enum Kind : int { none, odd, even, constant } kind;
    index edge;
};

}  // namespace fastemo
