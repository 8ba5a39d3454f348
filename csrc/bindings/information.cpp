#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../fastemo/targets/information_kernels.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "arrays.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Indices = py::array_t<index, py::array::c_style | py::array::forcecast>;

void check_finite(const Array& x, const char* name) {
    const double* from = x.data();
    for (index i = 0; i < x.size(); ++i)
        if (!std::isfinite(from[i])) refuse(name, " must be finite");
}

// Of each pair (sinks[p], sources[p]), see NeighbourArgs: present (n_channels, n), sink_past (n_channels, n_past, n),
// source_past (n_channels, n_source, n), times (n,), digamma (n + 1,).
py::array_t<double> neighbour_transfer(const Array& present, const Array& sink_past, const Array& source_past,
                                       const Array& times, const Indices& sinks, const Indices& sources, index k,
                                       double exclude, const Array& digamma, int threads) {
    if (present.ndim() != 2 || present.size() == 0) refuse("present must have shape (n_channels, n)");
    const index n_channels = present.shape(0), n = present.shape(1);
    for (const auto& [x, name] : {std::pair(&sink_past, "sink_past"), std::pair(&source_past, "source_past")})
        if (x->ndim() != 3 || x->shape(0) != n_channels || x->shape(1) < 1 || x->shape(2) != n)
            refuse(name, " must have shape (", n_channels, ", at least 1, ", n, ")");
    if (times.ndim() != 1 || times.shape(0) != n) refuse("times must have shape (", n, ",)");
    if (digamma.ndim() != 1 || digamma.shape(0) != n + 1) refuse("digamma must have shape (", n + 1, ",)");
    if (sinks.ndim() != 1 || sources.ndim() != 1 || sinks.size() != sources.size())
        refuse("sinks and sources must have shape (n_pairs,)");
    if (k < 1 || k >= n) refuse("k is ", k, ", expected 1 to ", n - 1);
    if (!(exclude >= 0)) refuse("exclude is ", exclude, ", expected at least 0");
    check_finite(present, "present");
    check_finite(sink_past, "sink_past");
    check_finite(source_past, "source_past");
    check_finite(times, "times");
    const index n_pairs = sinks.size(), n_past = sink_past.shape(1), n_source = source_past.shape(1);
    const index *sink_of = sinks.data(), *source_of = sources.data();
    std::vector<std::vector<index>> orders(static_cast<std::size_t>(n_channels));
    for (index p = 0; p < n_pairs; ++p) {
        for (const index c : {sink_of[p], source_of[p]})
            if (c < 0 || c >= n_channels) refuse("pair ", p, " has channel ", c, " of ", n_channels);
        auto& order = orders[std::size_t(sink_of[p])];
        if (!order.empty()) continue;
        order.resize(std::size_t(n));
        for (index i = 0; i < n; ++i) order[std::size_t(i)] = i;
        const double* key = sink_past.data(sink_of[p], 0, 0);
        std::stable_sort(order.begin(), order.end(), [key](index i, index j) { return key[i] < key[j]; });
    }
    py::array_t<double> out(n_pairs);
    double* to = out.mutable_data();
    const double *of_present = present.data(), *of_sinks = sink_past.data(), *of_sources = source_past.data(),
                 *of_times = times.data(), *table = digamma.data();
    const index n_rows = 1 + n_past + n_source, stride = round_up(n, kNeighbours);
    const double ns = double(n_pairs) * double(n) * double(n) * 0.2 * double(n_rows);
    for_parts(n_pairs, threads, ns, (n_rows + 4) * stride + k, [&](index p, double* rows) {
        const auto& order = orders[std::size_t(sink_of[p])];
        const auto put = [&](const double* from, double* row) {
            for (index i = 0; i < n; ++i) row[i] = from[order[std::size_t(i)]];
            std::fill(row + n, row + stride, std::numeric_limits<double>::infinity());
        };
        put(of_present + sink_of[p] * n, rows);
        for (index r = 0; r < n_past; ++r) put(of_sinks + (sink_of[p] * n_past + r) * n, rows + (1 + r) * stride);
        for (index r = 0; r < n_source; ++r)
            put(of_sources + (source_of[p] * n_source + r) * n, rows + (1 + n_past + r) * stride);
        put(of_times, rows + n_rows * stride);
        to[p] = kernels().information->neighbour_transfer(
            {rows, rows + n_rows * stride, n, stride, n_past, n_source, k, exclude, table},
            rows + (n_rows + 1) * stride);
    });
    return out;
}

}  // namespace

void bind_information(py::module_& m) {
    using namespace py::literals;
    m.def("neighbour_transfer", &neighbour_transfer, "present"_a, "sink_past"_a, "source_past"_a, "times"_a, "sinks"_a,
          "sources"_a, "k"_a, "exclude"_a, "digamma"_a, "threads"_a = 1);
}

}  // namespace fastemo
