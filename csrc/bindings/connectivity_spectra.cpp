#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "../fastemo/targets/cross_kernels.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "arrays.hpp"
#include "plans.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Indices = py::array_t<index, py::array::c_style | py::array::forcecast>;

constexpr index kRows = 16;     // rows of one part of the work
constexpr index kColumns = 64;  // second signals of one part of the work on coherence

// Observations (n_observations, n_channels, n), and the bins [first, stop) of them that are wanted under every taper.
struct Observations {
    Observations(const py::object& x, const Array& tapers, index first, index stop)
        : v(view_of(x.ptr(), "x")), tapers(tapers.data()), first(first), stop(stop) {
        if (v.nd != 3) refuse("x must have shape (n_observations, n_channels, n_samples)");
        count = v.shape[0], n_channels = v.shape[1], n = v.shape[2];
        if (count * n_channels * n == 0) refuse("x must not be empty");
        if (tapers.ndim() != 2 || tapers.shape(0) == 0 || tapers.shape(1) != n)
            refuse("tapers must have shape (n_tapers, ", n, ")");
        if (first < 0 || first >= stop || stop > n / 2 + 1)
            refuse("bins ", first, " to ", stop, " are not among the ", n / 2 + 1, " of ", n, " samples");
        n_tapers = tapers.shape(0);
    }

    // `to(observation, group)` says where the bins of a group of channels go.
    template <class To>
    void transform(int threads, const To& to) const {
        const auto fft = plan_for<double>(n, first, stop);
        const index groups = padded(n_channels) / kLanes, rows_size = n_tapers > 1 ? n * kLanes : 0;
        const double ns = double(count * n_channels * n_tapers) * fft_ns(n) / 4;
        for_parts(count * groups, threads, ns, rows_size + fft->scratch_size(), [&](index part, double* rows) {
            const index o = part / groups, group = part % groups, c = group * kLanes;
            const Samples from{static_cast<const char*>(v.data) + o * v.strides[0] + c * v.strides[1], v.dtype,
                               v.strides[1], v.strides[2]};
            kernels().cross->tapered_spectra(fft->plan(), from, std::min(kLanes, n_channels - c), tapers, n_tapers,
                                             to(o, group), rows, rows + rows_size);
        });
    }

    const ArrayView v;
    const double* tapers;
    const index first, stop;
    index count, n_channels, n, n_tapers;
};

// (n_observations, n_channels, n) -> bins [first, stop), (n_bins, n_observations, n_tapers, 2, padded channels).
py::array_t<double> tapered_spectra(const py::object& x, const Array& tapers, index first, index stop, int threads) {
    const Observations in(x, tapers, first, stop);
    const index stride = padded(in.n_channels), of_observation = in.n_tapers * 2 * stride;
    py::array_t<double> out({stop - first, in.count, in.n_tapers, index(2), stride});
    double* const bins = out.mutable_data();
    in.transform(threads, [&](index o, index group) {
        return TaperedBins{bins + o * of_observation + group * kLanes, in.count * of_observation, 2 * stride, stride};
    });
    return out;
}

void check_bands(const Indices& bands, index n_bins) {
    if (bands.ndim() != 2 || bands.shape(1) != 4) refuse("bands must have shape (n_bands, 4)");
    for (index b = 0; b < bands.shape(0); ++b)
        if (bands.at(b, 0) < 0 || bands.at(b, 0) >= bands.at(b, 1) || bands.at(b, 1) > n_bins)
            refuse("band ", b, " has bins ", bands.at(b, 0), " to ", bands.at(b, 1),
                   ", expected 0 <= first < stop <= ", n_bins);
}

void check_measures(unsigned measures) {
    if (measures == 0 || measures >> (CrossArgs::psi + 1) != 0)
        refuse("measures is ", measures, ", no set of measures");
}

index planes_of(unsigned measures) { return std::popcount(measures) + (measures >> CrossArgs::cohy & 1); }

// Edges of a band, bins counted from `first` on.
void set_band(CrossArgs& a, const index* edges, index first) {
    a.first = edges[0] - first, a.stop = edges[1] - first;
    a.slope_first = edges[2] - first, a.slope_stop = edges[3] - first;
}

index cross_scratch(const CrossArgs& a) { return (1 + a.n_observations + 2 * kRows) * a.stride; }

bool all_finite(const double* x, index n) {
    bool finite = true;
    for (index i = 0; i < n; ++i) finite &= std::isfinite(x[i]);
    return finite;
}

// Planes of measures, (n_planes, n_bands, n_rows, padded channels). bands (n_bands, 4): first and past-the-last bin, and
// those of the phase slope.
py::array_t<double> cross_spectra(const Array& spectra, const Indices& bands, const Indices& rows, const Indices& stops,
                                  unsigned measures, int threads) {
    if (spectra.ndim() != 5 || spectra.shape(3) != 2 || spectra.shape(4) % kLanes != 0 || spectra.size() == 0)
        refuse("spectra must have shape (n_bins, n_observations, n_tapers, 2, n_channels in whole groups of ", kLanes,
               ")");
    check_bands(bands, spectra.shape(0));
    if (rows.ndim() != 1 || stops.ndim() != 1 || rows.size() != stops.size())
        refuse("rows and stops must have shape (n_rows,)");
    check_measures(measures);
    const index stride = spectra.shape(4), n_bands = bands.shape(0), n_rows = rows.size();
    for (index r = 0; r < n_rows; ++r)
        if (rows.at(r) < 0 || rows.at(r) >= stride || stops.at(r) < 0 || stops.at(r) > stride)
            refuse("row ", r, " is channel ", rows.at(r), " up to ", stops.at(r), ", beyond the ", stride, " channels");

    const index n_planes = planes_of(measures);
    py::array_t<double> out({n_planes, n_bands, n_rows, stride});
    double* planes = out.mutable_data();
    const index* edges = bands.data();
    const index *row_list = rows.data(), *stop_list = stops.data();
    const CrossArgs common{
        spectra.data(), spectra.shape(1), spectra.shape(2),         stride, 0, 0, 0, 0, row_list, stop_list, 0, 0,
        measures,       nullptr,          n_bands * n_rows * stride};
    const index blocks = (n_rows + kRows - 1) / kRows;
    const double ns = 0.1 * double(spectra.size()) * double(n_rows);
    for_parts(n_bands * blocks, threads, ns, cross_scratch(common), [&](index p, double* scratch) {
        const index band = p / blocks;
        CrossArgs a = common;
        set_band(a, edges + 4 * band, 0);
        a.r0 = p % blocks * kRows, a.r1 = std::min(n_rows, a.r0 + kRows);
        a.out = planes + band * n_rows * stride;
        kernels().cross->cross_spectra(a, scratch);
    });
    return out;
}

// Coherence of all pairs, (n_bands, n_pairs); false if the spectra hold what is no number.
bool coherences(const Observations& in, const index* bands, index n_bands, int threads, double* out) {
    const index groups = padded(in.n_channels) / kLanes, n = in.count * in.n_tapers, of_group = n * 2 * kLanes;
    // A power of two from bin to bin would have all bins of an observation in a few sets of the cache.
    const index of_bin = groups * of_group + 2 * kLanes;
    const Buffer<double> spectra((in.stop - in.first) * of_bin, Buffer<double>::Uncleared());
    in.transform(threads, [&](index o, index group) {
        return TaperedBins{spectra.data() + group * of_group + o * in.n_tapers * 2 * kLanes, of_bin, 2 * kLanes,
                           kLanes};
    });
    if (!all_finite(spectra.data(), groups * of_group)) return false;
    const index n_pairs = in.n_channels * (in.n_channels - 1) / 2, blocks = (in.n_channels + kColumns - 1) / kColumns;
    CoherenceArgs common{spectra.data(), of_bin, n, in.n_channels, 0, in.n_channels, 0, 0, nullptr};
    const double ns = 0.1 * double(spectra.size()) * double(in.n_channels);
    for_parts(n_bands * blocks, threads, ns, kernels().cross->coherence_scratch(common),
              [&](index part, double* scratch) {
                  const index band = part / blocks;
                  CoherenceArgs a = common;
                  a.c0 = part % blocks * kColumns, a.c1 = std::min(in.n_channels, a.c0 + kColumns);
                  a.first = bands[4 * band] - in.first, a.stop = bands[4 * band + 1] - in.first;
                  a.out = out + band * n_pairs;
                  kernels().cross->coherence(a, scratch);
              });
    return true;
}

// Measures of all pairs below the diagonal, (n_planes, n_bands, n_pairs), without handing out the spectra; None if these
// hold what is no number. bands as for cross_spectra; `apart`: each taper is an observation of its own.
py::object tapered_measures(const py::object& x, const Array& tapers, const Indices& bands, unsigned measures,
                            bool apart, int threads) {
    check_bands(bands, std::numeric_limits<index>::max());
    check_measures(measures);
    const index n_bands = bands.shape(0);
    if (n_bands == 0) refuse("bands is empty, expected at least one band");
    index first = bands.at(0, 0), stop = 0;
    for (index b = 0; b < n_bands; ++b) first = std::min(first, bands.at(b, 0)), stop = std::max(stop, bands.at(b, 1));
    const Observations in(x, tapers, first, stop);
    if (in.n_channels < 2) refuse("x has 1 channel, expected at least 2");
    const index n_pairs = in.n_channels * (in.n_channels - 1) / 2, n_planes = planes_of(measures);
    py::array_t<double> out({n_planes, n_bands, n_pairs});
    double* const to = out.mutable_data();
    const index* const edges = bands.data();
    if (measures == 1u << CrossArgs::coh) {
        if (!coherences(in, edges, n_bands, threads, to)) return py::none();
        return out;
    }
    const index stride = padded(in.n_channels), of_observation = in.n_tapers * 2 * stride;
    const index of_bin = in.count * of_observation, n_rows = in.n_channels - 1;
    const Buffer<double> spectra((stop - first) * of_bin, Buffer<double>::Uncleared());
    in.transform(threads, [&](index o, index group) {
        return TaperedBins{spectra.data() + o * of_observation + group * kLanes, of_bin, 2 * stride, stride};
    });
    if (!all_finite(spectra.data(), of_bin)) return py::none();
    std::vector<index> rows(static_cast<std::size_t>(n_rows));
    std::iota(rows.begin(), rows.end(), index(1));
    CrossArgs common{};
    common.spectra = spectra.data(), common.stride = stride, common.measures = measures;
    common.n_observations = apart ? in.count * in.n_tapers : in.count, common.n_tapers = apart ? 1 : in.n_tapers;
    common.out_stride = kRows * stride;
    const index blocks = (n_rows + kRows - 1) / kRows;
    const double ns = 0.1 * double(spectra.size()) * double(n_rows);
    const index scratch_size = cross_scratch(common), of_rows = n_planes * kRows * stride;
    for_parts(n_bands * blocks, threads, ns, scratch_size + of_rows, [&](index part, double* scratch) {
        const index band = part / blocks, r0 = part % blocks * kRows;
        CrossArgs a = common;
        set_band(a, edges + 4 * band, first);
        a.rows = a.stops = rows.data() + r0;  // row c against the channels before it
        a.r0 = 0, a.r1 = std::min(kRows, n_rows - r0);
        a.out = scratch + scratch_size;
        kernels().cross->cross_spectra(a, scratch);
        for (index plane = 0; plane < n_planes; ++plane)
            for (index r = 0; r < a.r1; ++r) {
                const index c = r0 + r + 1;
                std::copy_n(a.out + (plane * kRows + r) * stride, c,
                            to + (plane * n_bands + band) * n_pairs + c * (c - 1) / 2);
            }
    });
    return out;
}

}  // namespace

void bind_connectivity_spectra(py::module_& m) {
    using namespace py::literals;
    m.def("tapered_spectra", &tapered_spectra, "x"_a, "tapers"_a, "first"_a, "stop"_a, "threads"_a = 1);
    m.def("cross_spectra", &cross_spectra, "spectra"_a, "bands"_a, "rows"_a, "stops"_a, "measures"_a, "threads"_a = 1);
    m.def("tapered_measures", &tapered_measures, "x"_a, "tapers"_a, "bands"_a, "measures"_a, "apart"_a = false,
          "threads"_a = 1);
}

}  // namespace fastemo
