#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>

#include "../fastemo/base/buffer.hpp"
#include "../fastemo/base/denormal.hpp"
#include "../fastemo/engine/pool.hpp"
#include "../fastemo/ops/reductions.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "arrays.hpp"

namespace fastemo {

namespace {

// (n_signals, n_values): the values of all reductions of each row of x, one after the other.
py::array_t<double> reduce(const py::object& x, const std::vector<std::string>& names,
                           const std::vector<std::vector<double>>& params, int threads) {
    const ArrayView v = view_of(x.ptr(), "x");
    if (v.nd != 2) refuse("x has ", v.nd, " dimensions, expected 2: (n_signals, n_samples)");
    if (names.size() != params.size())
        refuse("params are ", params.size(), ", expected one list for each of ", names.size(), " names");
    if (threads < 1) refuse("threads is ", threads, ", expected at least 1");
    const index n_signals = v.shape[0], n = v.shape[1], groups = padded(n_signals) / kLanes;
    ReductionList list(n);
    for (std::size_t i = 0; i < names.size(); ++i) list.add(names[i], params[i]);
    const index n_values = list.n_values(), tile = n * kLanes, block = n_values * kLanes;
    py::array_t<double> result({n_signals, n_values});
    double* out = result.mutable_data();
    threads = int(std::min<index>(threads, std::max<index>(groups, 1)));
    const index per_thread = round_up(tile + list.memory() + block, kLanes);
    const Buffer<double> memory(per_thread * threads);
    {
        const py::gil_scoped_release release;
        std::atomic<index> next{0};
        Pool pool(threads);
        pool.run(groups, list.ns() * double(groups), [&](index p0, index p1) {
            const DenormalScope flush;
            double* signals = memory.data() + per_thread * next.fetch_add(1);
            double* values = signals + tile + list.memory();
            for (index g = p0; g < p1; ++g) {
                const index first = g * kLanes, width = std::min(kLanes, n_signals - first);
                const Samples in{static_cast<const char*>(v.data) + first * v.strides[0], v.dtype, v.strides[0],
                                 v.strides[1]};
                kernels().load_rows(in, width, n, 1.0, signals, kLanes, 0, kLanes);
                list.run(signals, width, signals + tile, values, kLanes);
                for (index s = 0; s < width; ++s)
                    for (index k = 0; k < n_values; ++k) out[(first + s) * n_values + k] = values[k * kLanes + s];
            }
        });
    }
    return result;
}

}  // namespace

void bind_features(py::module_& m) {
    using namespace py::literals;
    m.def("reduce", &reduce, "x"_a, "names"_a, "params"_a, "threads"_a = 1);
}

}  // namespace fastemo
