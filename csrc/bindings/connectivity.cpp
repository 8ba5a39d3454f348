#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <bit>

#include "../fastemo/ops/fft_plan.hpp"
#include "../fastemo/targets/cross_kernels.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "../fastemo/targets/spectra_kernels.hpp"
#include "arrays.hpp"
#include "plans.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

constexpr index kPanelSamples = 64;  // of all pairs before the next: two panels of three parts stay in L1

// A bank of filters as Python hands it over.
struct Bank {
    Bank(const Array& poles, const Array& weights, const Array& direct)
        : n_bands(poles.ndim() == 3 ? poles.shape(0) : 0), n_poles(poles.ndim() == 3 ? poles.shape(1) : 0),
          poles(poles.data()), weights(weights.data()), direct(direct.data()) {
        if (poles.ndim() != 3 || poles.size() == 0 || poles.shape(2) != 2)
            refuse("poles must have shape (n_bands, n_poles, 2)");
        if (weights.ndim() != 3 || weights.shape(0) != n_bands || weights.shape(1) != n_poles || weights.shape(2) != 2)
            refuse("weights must have shape (", n_bands, ", ", n_poles, ", 2)");
        if (direct.ndim() != 2 || direct.shape(0) != n_bands || direct.shape(1) != 2)
            refuse("direct must have shape (", n_bands, ", 2)");
        for (index k = 0; k < n_bands * n_poles; ++k)
            if (!(this->poles[2 * k] * this->poles[2 * k] + this->poles[2 * k + 1] * this->poles[2 * k + 1] < 1))
                refuse("poles must lie inside the unit circle");
    }
    index state_size(index stride) const { return 2 * n_poles * stride; }

    // n rows of one band as they go into `out`; `offset` is the first row of all.
    void filter(index band, const double* rows, const double* offset, index n, index stride, AnalyticArgs::Form form,
                double* state, double* out, index row, index part, index group) const {
        const index of = 2 * band * n_poles;
        kernels().cross->analytic({poles + of,
                                   weights + of,
                                   {direct[2 * band], direct[2 * band + 1]},
                                   n_poles,
                                   state,
                                   rows,
                                   offset,
                                   n,
                                   stride,
                                   form,
                                   out,
                                   row,
                                   part,
                                   group});
    }

    const index n_bands, n_poles;
    const double *poles, *weights, *direct;
};

ArrayView epochs_view(const py::object& x, index skip) {
    const ArrayView v = view_of(x.ptr(), "x");
    if (v.nd != 3) refuse("x must have shape (n_epochs, n_channels, n_samples)");
    if (v.shape[0] * v.shape[1] * v.shape[2] == 0) refuse("x must not be empty");
    if (skip < 0 || skip >= v.shape[2]) refuse("skip is ", skip, ", expected from 0 to ", v.shape[2] - 1);
    return v;
}

bool units(AnalyticArgs::Form form) { return form == AnalyticArgs::unit || form == AnalyticArgs::unit_with_sum; }

// Those that go over samples.
void check_measures(unsigned measures) {
    constexpr unsigned known = 1u << CrossArgs::coh | 1u << CrossArgs::cohy | 1u << CrossArgs::imcoh |
                               1u << CrossArgs::plv | 1u << CrossArgs::ciplv | 1u << CrossArgs::pli |
                               1u << CrossArgs::dpli | 1u << CrossArgs::wpli;
    if (measures == 0 || (measures & ~known) != 0) refuse("measures is ", measures, ", expected some of ", known);
}

// (n_epochs, n_channels, n) -> analytic signals from sample `skip` on, as spectra of one bin per band:
// (n_bands, n_epochs (n - skip), 1, 2, padded channels).
py::array_t<double> analytic_spectra(const py::object& x, const Array& poles, const Array& weights, const Array& direct,
                                     index skip, int threads) {
    const ArrayView v = epochs_view(x, skip);
    const Bank bank(poles, weights, direct);
    const index n_epochs = v.shape[0], n_channels = v.shape[1], n = v.shape[2];
    const index stride = padded(n_channels), kept = n - skip;
    py::array_t<double> out({bank.n_bands, n_epochs * kept, index(1), index(2), stride});
    double* spectra = out.mutable_data();
    constexpr index kRowsAtOnce = 64;
    const index state_size = bank.state_size(stride);
    const double ns = 1.2 * double(n_epochs * n * stride / kLanes * bank.n_bands * bank.n_poles);
    for_parts(n_epochs * bank.n_bands, threads, ns, state_size + (1 + 3 * kRowsAtOnce) * stride,
              [&](index part, double* state) {
                  const index epoch = part / bank.n_bands, band = part % bank.n_bands;
                  double *const offset = state + state_size, *const rows = offset + stride,
                                *const skipped = rows + kRowsAtOnce * stride;
                  std::fill_n(state, state_size, 0.0);
                  double* const to = spectra + (band * n_epochs + epoch) * kept * 2 * stride;
                  const char* from = static_cast<const char*>(v.data) + epoch * v.strides[0];
                  for (index i = 0; i < n;) {
                      const index count = std::min({kRowsAtOnce, n - i, i < skip ? skip - i : n - i});
                      kernels().load_rows({from + i * v.strides[2], v.dtype, v.strides[1], v.strides[2]}, n_channels,
                                          count, 1.0, rows, stride, 0, stride);
                      if (i == 0) std::copy_n(rows, stride, offset);
                      bank.filter(band, rows, offset, count, stride, AnalyticArgs::signal, state,
                                  i < skip ? skipped : to + (i - skip) * 2 * stride, 2 * stride, stride, kLanes);
                      i += count;
                  }
              });
    return out;
}

// Measures of all pairs below the diagonal over those samples, (n_planes, n_bands, n_pairs), without keeping the signals;
// None if x holds what is no number.
py::object analytic_measures(const py::object& x, const Array& poles, const Array& weights, const Array& direct,
                             index skip, unsigned measures, int threads) {
    const ArrayView v = epochs_view(x, skip);
    const Bank bank(poles, weights, direct);
    check_measures(measures);
    const index n_epochs = v.shape[0], n_channels = v.shape[1], n = v.shape[2];
    if (n_channels < 2) refuse("x has 1 channel, expected at least 2");
    const index stride = padded(n_channels), n_pairs = n_channels * (n_channels - 1) / 2;
    const index n_planes = std::popcount(measures) + (measures >> CrossArgs::cohy & 1);
    py::array_t<double> out({n_planes, bank.n_bands, n_pairs});
    double* planes = out.mutable_data();
    const auto& k = *kernels().cross;
    const AnalyticArgs::Form form = k.panel_form(measures);
    const index parts = form < AnalyticArgs::with_inverse ? 2 : 3, panel = kPanelSamples * parts * kLanes;
    const index state_size = bank.state_size(stride), sums_size = k.pair_panels_size(n_channels, measures);
    const index of_band = state_size + sums_size, of_thread = panel * (stride / kLanes);
    constexpr index kChunk = 1024;  // samples, turned once for all bands
    threads = int(std::min<index>(threads, bank.n_bands));
    const Buffer<double> rows((std::min(n, kChunk) + 1) * stride), bands(bank.n_bands * of_band),
        panels(of_thread * threads);
    double *const offset = rows.data(), *const chunk = offset + stride;
    const double ns = 0.1 * double(n_epochs * n * bank.n_bands) * double(n_channels * stride);
    bool finite = true;
    const auto run = [&] {
        const DenormalScope flush;
        for (index band = 0; band < bank.n_bands; ++band)
            std::fill_n(bands.data() + band * of_band + state_size, sums_size, 0.0);
        for (index epoch = 0; epoch < n_epochs; ++epoch) {
            const char* from = static_cast<const char*>(v.data) + epoch * v.strides[0];
            for (index first = 0; first < n; first += kChunk) {
                const index stop = std::min(first + kChunk, n);
                finite = kernels().load_rows({from + first * v.strides[2], v.dtype, v.strides[1], v.strides[2]},
                                             n_channels, stop - first, 1.0, chunk, stride, 0, stride);
                if (!finite) return;
                if (first == 0) std::copy_n(chunk, stride, offset);
                share(bank.n_bands, threads, ns, [&](index band, int thread) {
                    double *const state = bands.data() + band * of_band, *const signals =
                                                                             panels.data() + thread * of_thread;
                    if (first == 0) std::fill_n(state, state_size, 0.0);
                    PairPanelsArgs a{};
                    a.panels = signals, a.panel = panel, a.parts = parts, a.units = units(form);
                    a.sums = state + state_size;
                    a.n_channels = n_channels, a.n_planes = n_planes, a.measures = measures;
                    a.total = double(n_epochs * (n - skip)), a.out_stride = bank.n_bands * n_pairs;
                    for (index i = first; i < stop;) {
                        a.n = std::min({kPanelSamples, stop - i, i < skip ? skip - i : stop - i});
                        bank.filter(band, chunk + (i - first) * stride, offset, a.n, stride, form, state, signals,
                                    parts * kLanes, kLanes, panel);
                        i += a.n;
                        if (i <= skip) continue;
                        if (i == n && epoch + 1 == n_epochs) a.out = planes + band * n_pairs;
                        k.pair_panels(a);
                    }
                });
            }
        }
    };
    if (ns < kHoldSignalsGilNs) {
        run();
    } else {
        const py::gil_scoped_release release;
        run();
    }
    if (!finite) return py::none();
    return out;
}

// Measures of all pairs below the diagonal over every decim'th sample, of those [first, stop), of transforms by wavelets,
// (n_planes, n_wavelets, n_pairs). `even` and `odd` as for WaveletTransform.
py::array_t<double> wavelet_measures(const py::object& x, index n_fft, const Array& even, const Array& odd, index decim,
                                     index first, index stop, unsigned measures, int threads) {
    const ArrayView v = epochs_view(x, 0);
    check_measures(measures);
    const index n_epochs = v.shape[0], n_channels = v.shape[1], n = v.shape[2];
    if (n_channels < 2) refuse("x has 1 channel, expected at least 2");
    if (n_fft < n) refuse("n_fft must be at least n_samples, got ", n_fft, " and ", n);
    const index half = n_fft / 2 + 1, n_wavelets = even.ndim() == 2 ? even.shape(0) : 0;
    if (n_wavelets < 1 || even.shape(1) != half || odd.ndim() != 2 || odd.shape(0) != n_wavelets ||
        odd.shape(1) != half)
        refuse("even and odd must have shape (n_wavelets, ", half, ")");
    if (decim < 1 || first < 0 || first >= stop || stop > (n - 1) / decim + 1)
        refuse("samples ", first, " to ", stop, " are not among every ", decim, "th of ", n);
    const index stride = padded(n_channels), groups = stride / kLanes, n_pairs = n_channels * (n_channels - 1) / 2;
    const index n_planes = std::popcount(measures) + (measures >> CrossArgs::cohy & 1);
    py::array_t<double> out({n_planes, n_wavelets, n_pairs});
    double* planes = out.mutable_data();
    const double *even_parts = even.data(), *odd_parts = odd.data();
    const auto& k = *kernels().cross;
    const auto& wavelets = *kernels().spectra;
    const auto fft = plan_for<double>(n_fft);
    const WaveletPlan plan{&fft->plan(), n};
    const index scratch_size = wavelets.wavelet_scratch(*plan.fft), spectrum_size = half * 2 * kLanes;
    const Buffer<double> spectra(n_epochs * groups * spectrum_size);
    const double ns = double(n_epochs * n_wavelets) *
                      (2 * double(stride) * fft_ns(n_fft) + 0.2 * double((stop - first) * n_channels * stride));
    for_parts(n_epochs * groups, threads, ns, n_fft * kLanes + scratch_size, [&](index part, double* rows) {
        const index epoch = part / groups;
        const Signals in(const_cast<char*>(static_cast<const char*>(v.data)) + epoch * v.strides[0], v.dtype, 2,
                         v.shape + 1, v.strides + 1, 1);
        wavelets.read(whole_signals(in, part % groups * kLanes), 0, n_fft, rows);
        wavelets.wavelet_spectrum(plan, rows, spectra.data() + part * spectrum_size, rows + n_fft * kLanes);
    });

    const AnalyticArgs::Form form = k.panel_form(measures);
    const index parts = form < AnalyticArgs::with_inverse ? 2 : 3, panel = kPanelSamples * parts * kLanes;
    const index pairs_size = 2 * n * kLanes, sums_size = k.pair_panels_size(n_channels, measures);
    const index of_thread = (pairs_size + panel) * groups + sums_size + scratch_size;
    for_parts(n_wavelets, threads, ns, of_thread, [&](index w, double* pairs) {
        double *const panels = pairs + pairs_size * groups, *const sums = panels + panel * groups;
        std::fill_n(sums, sums_size, 0.0);
        PairPanelsArgs a{};
        a.panels = panels, a.panel = panel, a.parts = parts, a.units = units(form), a.sums = sums;
        a.n_channels = n_channels, a.n_planes = n_planes, a.measures = measures;
        a.total = double(n_epochs * (stop - first)), a.out_stride = n_wavelets * n_pairs;
        for (index epoch = 0; epoch < n_epochs; ++epoch) {
            for (index group = 0; group < groups; ++group)
                wavelets.wavelet_transform(plan, even_parts + w * half, odd_parts + w * half,
                                           spectra.data() + (epoch * groups + group) * spectrum_size,
                                           pairs + group * pairs_size, sums + sums_size);
            for (index i = first; i < stop; i += a.n) {
                a.n = std::min(kPanelSamples, stop - i);
                for (index group = 0; group < groups; ++group)
                    k.panel_of_pairs(pairs + group * pairs_size + 2 * i * decim * kLanes, a.n, decim, form,
                                     panels + group * panel);
                if (i + a.n == stop && epoch + 1 == n_epochs) a.out = planes + w * n_pairs;
                k.pair_panels(a);
            }
        }
    });
    return out;
}

// Analytic signals (n_bands, n_epochs * n, 1, 2, padded channels) -> (n_bands, n_epochs, n_channels, padded channels).
py::array_t<double> envelope_correlations(const Array& spectra, index n_epochs, index n_channels, bool log,
                                          int threads) {
    if (spectra.ndim() != 5 || spectra.shape(2) != 1 || spectra.shape(3) != 2 || spectra.shape(4) % kLanes != 0 ||
        spectra.size() == 0)
        refuse("spectra must have shape (n_bands, n_observations, 1, 2, n_channels in whole groups of ", kLanes, ")");
    const index n_bands = spectra.shape(0), n_all = spectra.shape(1), stride = spectra.shape(4);
    if (n_epochs < 1 || n_all % n_epochs != 0)
        refuse("n_epochs is ", n_epochs, ", but there are ", n_all, " observations");
    if (n_channels < 1 || n_channels > stride) refuse("n_channels is ", n_channels, ", expected 1 to ", stride);
    const index n = n_all / n_epochs;
    py::array_t<double> out({n_bands, n_epochs, n_channels, stride});
    double* to = out.mutable_data();
    const double* from = spectra.data();
    const auto& k = *kernels().cross;
    const double ns = double(n_bands * n_all) * double(n_channels * stride) * (log ? 4 : 0.4);
    for_parts(n_bands * n_epochs, threads, ns, k.envelopes_scratch(n, stride), [&](index part, double* scratch) {
        k.envelope_correlations(
            {from + part * n * 2 * stride, n, n_channels, stride, log, to + part * n_channels * stride}, scratch);
    });
    return out;
}

}  // namespace

void bind_connectivity(py::module_& m) {
    using namespace py::literals;
    m.def("analytic_spectra", &analytic_spectra, "x"_a, "poles"_a, "weights"_a, "direct"_a, "skip"_a = 0,
          "threads"_a = 1);
    m.def("analytic_measures", &analytic_measures, "x"_a, "poles"_a, "weights"_a, "direct"_a, "skip"_a, "measures"_a,
          "threads"_a = 1);
    m.def("wavelet_measures", &wavelet_measures, "x"_a, "n_fft"_a, "even"_a, "odd"_a, "decim"_a, "first"_a, "stop"_a,
          "measures"_a, "threads"_a = 1);
    m.def("envelope_correlations", &envelope_correlations, "spectra"_a, "n_epochs"_a, "n_channels"_a, "log"_a = false,
          "threads"_a = 1);
}

}  // namespace fastemo
