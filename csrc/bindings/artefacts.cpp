// Filters that take artefacts out of a stream, for arrays: chunks in, as many samples out.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "../fastemo/base/denormal.hpp"
#include "../fastemo/ops/asr.hpp"
#include "../fastemo/ops/sections.hpp"
#include "arrays.hpp"

namespace fastemo {

namespace {

using Matrix = py::array_t<double, py::array::c_style | py::array::forcecast>;

constexpr index kRows = 128;
constexpr double kHoldGilNs = 50e3;
constexpr char kBusy[] = "this filter is processing a chunk in another thread";

std::vector<double> values_of(const Matrix& a, const char* name, std::initializer_list<index> shape) {
    bool fits = a.ndim() == py::ssize_t(shape.size());
    std::string wanted;
    py::ssize_t d = 0;
    for (const index n : shape) {
        fits = fits && a.shape(d++) == n;
        wanted += (wanted.empty() ? "" : ", ") + std::to_string(n);
    }
    if (!fits)
        refuse(name, " has shape ", std::string(py::str(py::cast<py::object>(a).attr("shape"))), ", expected (", wanted,
               ")");
    for (py::ssize_t i = 0; i < a.size(); ++i)
        if (!std::isfinite(a.data()[i])) refuse(name, " must be finite, got NaN or infinite values");
    return {a.data(), a.data() + a.size()};
}

// A processor of rows behind arrays of any layout.
template <class Processor>
class RowFilter {
public:
    template <class... Arguments>
    explicit RowFilter(index n_channels, Arguments&&... arguments)
        : n_channels(n_channels), processor(std::forward<Arguments>(arguments)..., kRows),
          in_(kRows * padded(n_channels)), out_(kRows * padded(n_channels)) {}

    void process(Samples in, SamplesOut out, index n) noexcept {
        const DenormalScope flush;
        const index stride = padded(n_channels);
        for (index i = 0; i < n; i += kRows) {
            const index take = std::min(kRows, n - i);
            kernels().load_rows(in, n_channels, take, 1.0, in_.data(), stride, 0, stride);
            processor.process(in_.data(), out_.data(), take);
            kernels().store_rows(out_.data(), stride, n_channels, take, out, 0, stride);
            in.data = static_cast<const char*>(in.data) + take * in.sample_stride;
            out.data = static_cast<char*>(out.data) + take * out.sample_stride;
        }
    }

    const index n_channels;
    Processor processor;
    std::atomic_flag busy = ATOMIC_FLAG_INIT;

private:
    Buffer<double> in_, out_;
};

template <class Filter>
PyObject* process(PyObject* self_object, PyObject* const* args, Py_ssize_t n_args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        Filter& self = self_of<Filter>(self_object);
        const ChunkCall call(args, n_args, keywords, self.n_channels);
        const Hold hold(self.busy, kBusy);
        if (self.processor.ns_per_sample() * double(call.n) < kHoldGilNs) {
            self.process(call.in, call.out, call.n);
        } else {
            const py::gil_scoped_release release;
            self.process(call.in, call.out, call.n);
        }
        return call.result.inc_ref().ptr();
    });
}

template <class Filter>
PyMethodDef process_def = {"process", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(process<Filter>)),
                           METH_FASTCALL | METH_KEYWORDS, nullptr};

template <class Filter, class Class>
void add_methods(Class& cls) {
    cls.def_property_readonly("n_channels", [](const Filter& f) { return f.n_channels; });
    cls.def("reset", [](Filter& f) {
        const Hold hold(f.busy, kBusy);
        f.processor.reset();
    });
    add_fastcall(cls, process_def<Filter>);
}

using AsrFilter = RowFilter<Asr>;

std::unique_ptr<AsrFilter> make_asr_filter(const Matrix& sos, const Matrix& zi, const Matrix& limit,
                                           const Matrix& inverse, index n_blocks, index hop, index delay, index most) {
    if (sos.ndim() != 2 || sos.shape(0) == 0 || sos.shape(1) != 6) refuse("sos must have shape (n_sections, 6)");
    if (limit.ndim() != 2 || limit.shape(0) < 1 || limit.shape(0) > (1 << 16))
        refuse("limit must have shape (n_channels, n_channels)");
    AsrDesign d;
    d.n_channels = limit.shape(0);
    values_of(sos, "sos", {sos.shape(0), 6});
    d.sections = make_sections(sos.data(), sos.shape(0));
    d.zi = values_of(zi, "zi", {sos.shape(0), 2});
    d.limit = values_of(limit, "limit", {d.n_channels, d.n_channels});
    d.inverse = values_of(inverse, "inverse", {d.n_channels, d.n_channels});
    d.n_blocks = n_blocks, d.hop = hop, d.delay = delay, d.most = most;
    if (const std::string fault = d.fault(); !fault.empty()) refuse(fault);
    const MemoryLimit limited(std::int64_t(1) << 32);
    return std::make_unique<AsrFilter>(d.n_channels, d);
}

}  // namespace

void bind_artefacts(py::module_& m) {
    using namespace py::literals;
    auto asr = py::class_<AsrFilter>(m, "AsrFilter", py::module_local())
                   .def(py::init(&make_asr_filter), "sos"_a, "zi"_a, "limit"_a, "inverse"_a, "n_blocks"_a, "hop"_a,
                        "delay"_a, "most"_a);
    add_methods<AsrFilter>(asr);
}

}  // namespace fastemo
