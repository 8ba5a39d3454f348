#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "../fastemo/base/denormal.hpp"
#include "../fastemo/ops/sections.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "arrays.hpp"

namespace fastemo {

namespace {

using Matrix = py::array_t<double, py::array::c_style | py::array::forcecast>;

constexpr index kMaxChannels = 1 << 24;

// Second-order sections with their memory: successive chunks continue one recording.
class SosFilter {
public:
    SosFilter(const Matrix& sos, index n_channels, const py::object& zi) : n_channels_(n_channels) {
        if (sos.ndim() != 2 || sos.shape(1) != 6 || sos.shape(0) == 0)
            refuse("sos has shape ", std::string(py::str(py::cast<py::object>(sos).attr("shape"))),
                   ", expected (n_sections, 6)");
        if (n_channels < 1 || n_channels > kMaxChannels)
            refuse("n_channels is ", n_channels, ", expected 1 to ", kMaxChannels);
        sections_ = make_sections(sos.data(), sos.shape(0));
        state_ = Buffer<double>(2 * n_sections() * padded(n_channels));
        if (zi.is_none()) return;
        const Matrix start(zi);
        if (start.ndim() != 2 || start.shape(0) != n_sections() || start.shape(1) != 2)
            refuse("zi has shape ", std::string(py::str(py::cast<py::object>(start).attr("shape"))), ", expected (",
                   n_sections(), ", 2)");
        zi_.assign(start.data(), start.data() + start.size());
    }

    index n_channels() const { return n_channels_; }
    index n_sections() const { return index(sections_.size()); }
    void reset() noexcept {
        state_.clear();
        started_ = false;
    }

    void process(const Samples& in, const SamplesOut& out, index n) noexcept {
        if (n == 0) return;
        const DenormalScope flush;
        const index stride = padded(n_channels_);
        if (!started_ && !zi_.empty()) start(in);
        started_ = true;
        kernels().sosfilt(sections_.data(), n_sections(), state_.data(), stride, in, out, n_channels_, n, 0, stride);
    }

    // [n_sections][2][n_channels]
    Matrix state() const {
        Matrix z({n_sections(), index(2), n_channels_});
        for (index i = 0; i < 2 * n_sections(); ++i)
            std::copy_n(state_.data() + i * padded(n_channels_), n_channels_, z.mutable_data() + i * n_channels_);
        return z;
    }

    std::atomic_flag busy = ATOMIC_FLAG_INIT;

private:
    void start(const Samples& in) noexcept {
        for (index c = 0; c < n_channels_; ++c) {
            const char* at = static_cast<const char*>(in.data) + c * in.channel_stride;
            const double first = in.dtype == Dtype::f64 ? *reinterpret_cast<const double*>(at)
                                                        : double(*reinterpret_cast<const float*>(at));
            for (index i = 0; i < 2 * n_sections(); ++i)
                state_[i * padded(n_channels_) + c] = zi_[std::size_t(i)] * first;
        }
    }

    index n_channels_;
    std::vector<Section> sections_;
    std::vector<double> zi_;
    Buffer<double> state_;
    bool started_ = false;
};

constexpr char kBusy[] = "this filter is processing a chunk in another thread";
constexpr double kHoldGilNs = 50e3;

PyObject* sosfilter_process(PyObject* self_object, PyObject* const* args, Py_ssize_t n_args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        SosFilter& self = self_of<SosFilter>(self_object);
        const ChunkCall call(args, n_args, keywords, self.n_channels());
        const Hold hold(self.busy, kBusy);
        if (0.12 * double(call.n * padded(self.n_channels()) * self.n_sections()) < kHoldGilNs) {
            self.process(call.in, call.out, call.n);
        } else {
            const py::gil_scoped_release release;
            self.process(call.in, call.out, call.n);
        }
        return call.result.inc_ref().ptr();
    });
}

PyMethodDef sosfilter_process_def = {"process",
                                     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(sosfilter_process)),
                                     METH_FASTCALL | METH_KEYWORDS, nullptr};

// Mean square of every channel in every band over the whole array, (n_channels, n_bands); the bank starts at zi * first sample.
py::array_t<double> bank_power(const py::object& x, const Matrix& coef, const Matrix& zi) {
    const ArrayView v = view_of(x.ptr(), "x");
    if (v.nd != 2 || v.shape[0] == 0 || v.shape[1] == 0 || v.shape[0] > kMaxChannels)
        refuse("x has shape ", std::string(py::str(x.attr("shape"))), ", expected (n_channels, n_samples)");
    if (coef.ndim() != 3 || coef.shape(2) != 6 || coef.shape(0) == 0 || coef.shape(1) == 0)
        refuse("coef has ", coef.ndim(), " dimensions, expected (n_bands, n_sections, 6)");
    const index n_bands = coef.shape(0), n_sections = coef.shape(1), n_channels = v.shape[0], n = v.shape[1];
    if (zi.ndim() != 3 || zi.shape(0) != n_bands || zi.shape(1) != n_sections || zi.shape(2) != 2)
        refuse("zi must have shape (", n_bands, ", ", n_sections, ", 2)");
    const auto sections = make_sections(coef.data(), n_bands * n_sections);
    const index stride = padded(n_channels), rows = 64;
    Buffer<double> state(2 * n_bands * n_sections * stride), sums(n_bands * stride), block(rows * stride);
    {
        const py::gil_scoped_release release;
        const DenormalScope flush;
        Samples in{v.data, v.dtype, v.strides[0], v.strides[1]};
        for (index i = 0; i < n; i += rows) {
            const index take = std::min(rows, n - i);
            in.data = static_cast<const char*>(v.data) + i * v.strides[1];
            kernels().load_rows(in, n_channels, take, 1.0, block.data(), stride, 0, stride);
            if (i == 0)
                for (index b = 0; b < n_bands; ++b)
                    start_sections(zi.data() + 2 * b * n_sections, n_sections, block.data(),
                                   state.data() + 2 * b * n_sections * stride, stride, 0, stride);
            kernels().bank_power({sections.data(), n_bands, n_sections, state.data(), sums.data(), block.data(), stride,
                                  take, 0, stride});
        }
    }
    py::array_t<double> out({n_channels, n_bands});
    for (index c = 0; c < n_channels; ++c)
        for (index b = 0; b < n_bands; ++b) *out.mutable_data(c, b) = sums[b * stride + c] / double(n);
    return out;
}

}  // namespace

void bind_filters(py::module_& m) {
    using namespace py::literals;
    auto cls =
        py::class_<SosFilter>(m, "SosFilter", py::module_local())
            .def(py::init<const Matrix&, index, const py::object&>(), "sos"_a, "n_channels"_a, "zi"_a = py::none())
            .def_property_readonly("n_channels", &SosFilter::n_channels)
            .def_property_readonly("n_sections", &SosFilter::n_sections)
            .def_property_readonly("state", &SosFilter::state)
            .def("reset", [](SosFilter& f) {
                const Hold hold(f.busy, kBusy);
                f.reset();
            });
    add_fastcall(cls, sosfilter_process_def);
    m.def("bank_power", &bank_power, "x"_a, "coef"_a, "zi"_a);
}

}  // namespace fastemo
