// The kernels of pairs of signals: spectra and analytic signals, and what is taken from their products.
#pragma once

#include "../base/fft_plan.hpp"
#include "../base/types.hpp"

namespace fastemo {

// Where the bins of kLanes channels go: from one bin, one taper to the next, from real to imaginary parts.
struct TaperedBins {
    double* bins;
    index bin, taper, imaginary;
};

// Coherence in one band, mean over its bins, of the pairs below the diagonal with a second signal in [c0, c1).
struct CoherenceArgs {
    const double* spectra;  // [n_bins][groups of kLanes channels][n][2][kLanes]
    index bin;              // from one bin to the next
    index n;                // observations and tapers
    index n_channels;
    index c0, c1;  // c0 a multiple of kLanes
    index first, stop;
    double* out;  // pairs row by row
};

// Measures of connectivity in one band, between first signals `rows[r]` and the second signals [0, stops[r]).
struct CrossArgs {
    enum Measure : int { coh, cohy, imcoh, plv, ciplv, ppc, pli, pli2_unbiased, dpli, wpli, wpli2_debiased, psi };
    const double* spectra;  // [n_bins][n_observations][n_tapers][2][stride]
    index n_observations, n_tapers, stride;
    index first, stop;              // bins of the band
    index slope_first, slope_stop;  // bins that psi goes over
    const index *rows, *stops;      // [n_rows]
    index r0, r1;                   // the rows to compute
    unsigned measures;              // 1 << Measure for each that is wanted
    double* out;                    // a plane [n_rows][stride] for each, two for cohy (real and imaginary part)
    index out_stride;               // from one plane to the next
};

// A bank's filter with complex poles: what it makes of real signals has, all but for a rest, no negative frequencies.
struct AnalyticArgs {
    // As it is or divided by abs; and from with_inverse on with a third part: 1 / abs (0 for 0), or the sum of the two.
    enum Form { signal, unit, with_inverse, with_sum, unit_with_sum };
    const double *poles, *weights;  // [n_poles][2]
    double direct[2];
    index n_poles;
    double* state;         // [n_poles][2][stride], zero at first
    const double* in;      // [n][stride]
    const double* offset;  // [stride], taken off the samples: the first of them, which hides the step there
    index n, stride;
    Form form;
    double* out;             // real part, imaginary part and perhaps a third
    index row, part, group;  // from one sample, part, group of kLanes channels to the next
};

// What one sample of an analytic signal z comes to.
struct InstantArgs {
    enum What : int { real, imaginary, envelope, power, cosine, sine, frequency, n_whats };
    const double* z;       // [n][2][stride]
    const double* before;  // [2][stride], the sample before
    double* out;           // [n][stride]
    index n, stride;
    int what;
    double gain, floor;  // of power: gain ln(max(power, floor)), or where gain is 0 the power, abs(z)^2/2, itself
    double per_radian;   // of frequency: what a turn of one radian from sample to sample comes to
};

// Sums over the products of all pairs in a moving window, or under a memory that fades.
struct PairSumsArgs {
    static constexpr index kMost = 16;  // samples in one call

    const double* const* added;    // [n_added] samples [3][stride], as `analytic` writes them
    const double* const* dropped;  // [n_dropped]
    index n_added, n_dropped;
    const double* fading;  // weights of the added, or null: all 1, which is a window
    double decay;          // of what was there before
    double* sums;          // pair_sums_size(n_channels, measures) values
    double* fresh;         // the same without anything dropped, null if there are none
    bool renew;            // let `sums` be what `fresh` comes to
    index n_channels, stride;
    unsigned measures;
    double total;  // number or weight of the observations
    double* out;   // null, or planes of the measures, pairs below the diagonal row by row
    index out_stride;
    double* scratch;  // pair_sums_scratch(stride) values
};

// Sums over the products of all pairs of signals, some samples at a time, and the measures that they come to.
struct PairPanelsArgs {
    const double* panels;  // [groups of kLanes channels], each [n][parts][kLanes]: parts as `panel_form` has them
    index panel;           // from one group to the next
    index n, parts;
    bool units;    // the signals have been divided by abs
    double* sums;  // pair_panels_size values, zero at first
    index n_channels, n_planes;
    unsigned measures;
    double total;  // number of all observations
    double* out;   // null, or planes of the measures, pairs below the diagonal row by row: then the sums are done with
    index out_stride;
};

// Of analytic signals, correlations of one envelope with what of another signal is out of phase with it.
struct EnvelopeArgs {
    const double* spectra;  // [n][2][stride]
    index n, n_channels, stride;
    bool log;     // of the logarithms of the squares
    double* out;  // [n_channels][stride], row i column j: z_i made orthogonal to z_j
};

struct CrossKernels {
    // All bins of taper (x - mean) of `width` <= kLanes channels. rows: n * kLanes values, of no need with one taper.
    void (*tapered_spectra)(const FftPlan<double>& plan, const Samples& in, index width, const double* tapers,
                            index n_tapers, const TaperedBins& to, double* rows, double* scratch);
    void (*cross_spectra)(const CrossArgs&, double* scratch);
    void (*coherence)(const CoherenceArgs&, double* scratch);
    index (*coherence_scratch)(const CoherenceArgs&);

    void (*analytic)(const AnalyticArgs&);
    void (*instantaneous)(const InstantArgs&);
    void (*pair_sums)(const PairSumsArgs&);
    index (*pair_sums_size)(index n_channels, index stride, unsigned measures);
    index (*pair_sums_scratch)(index stride);
    AnalyticArgs::Form (*panel_form)(unsigned measures);  // of the signals in the panels
    // n samples of kLanes channels, every step'th of rows of real and imaginary parts in turn.
    void (*panel_of_pairs)(const double* pairs, index n, index step, AnalyticArgs::Form form, double* panel);
    void (*pair_panels)(const PairPanelsArgs&);
    index (*pair_panels_size)(index n_channels, unsigned measures);
    void (*envelope_correlations)(const EnvelopeArgs&, double* scratch);
    index (*envelopes_scratch)(index n, index stride);
};

}  // namespace fastemo
