#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <complex>
#include <vector>

#include "../fastemo/base/buffer.hpp"
#include "../fastemo/base/denormal.hpp"
#include "../fastemo/engine/pool.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "../fastemo/targets/spectra_kernels.hpp"
#include "arrays.hpp"
#include "plans.hpp"

namespace fastemo {

namespace {

using Matrix = py::array_t<double, py::array::c_style | py::array::forcecast>;

constexpr double kHoldGilNs = 50e3;
constexpr index kBlock = 64;  // signals of one part of the work

// Signals are along the last axis of an array (..., n). As many of the other axes as the strides allow are one axis of
// signals; the rest are batches.
class Signals {
public:
    explicit Signals(const ArrayView& x) : data_(static_cast<const char*>(x.data)), dtype_(x.dtype) {
        n = x.shape[x.nd - 1];
        sample_stride_ = x.strides[x.nd - 1];
        for (int d = x.nd - 2; d >= 0; --d) {
            if (x.shape[d] == 1) continue;
            if (rows == 1)
                rows = x.shape[d], row_stride_ = x.strides[d];
            else if (outer_.empty() && x.strides[d] == rows * row_stride_)
                rows *= x.shape[d];
            else
                outer_.push_back({x.shape[d], x.strides[d]}), batches *= x.shape[d];
        }
    }

    // Batch number b, counted in C order.
    Samples batch(index b) const {
        const char* at = data_;
        for (const auto& [size, stride] : outer_) at += b % size * stride, b /= size;
        return {at, dtype_, row_stride_, sample_stride_};
    }

    index n, rows = 1, batches = 1;

private:
    const char* data_;
    Dtype dtype_;
    index row_stride_ = 0, sample_stride_;
    std::vector<std::pair<index, index>> outer_;
};

// Calls work(batch, first row, number of rows) for all blocks of signals, on `threads` threads.
template <class F>
void for_blocks(const Signals& x, int threads, double ns, F&& work) {
    const index per_batch = (x.rows + kBlock - 1) / kBlock;
    const auto run = [&] {
        Pool(threads).run(x.batches * per_batch, ns, [&](index p0, index p1) {
            const DenormalScope flush;
            for (index p = p0; p < p1; ++p) {
                const index row = p % per_batch * kBlock;
                work(p / per_batch, row, std::min(kBlock, x.rows - row));
            }
        });
    };
    if (ns < kHoldGilNs) return run();
    const py::gil_scoped_release release;
    run();
}

template <class T>
T* thread_scratch(index size) {
    thread_local Buffer<T> scratch;
    if (scratch.size() < size) scratch = Buffer<T>(size);
    return scratch.data();
}

double transform_ns(index n) { return 0.06 * double(n) * std::log2(double(n) + 1); }

// Sums of the scaled power of DFT bins over bands, for signals of one length.
class FftBandPower {
public:
    FftBandPower(const Matrix& taper, bool detrend, index first, const Matrix& scale,
                 const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>& edges,
                 const Matrix& weight)
        : detrend_(detrend), taper_(taper.size()), scale_(scale.data(), scale.data() + scale.size()),
          edges_(edges.data(), edges.data() + edges.size()), weight_(weight.data(), weight.data() + weight.size()),
          fft_(checked_length(taper, first, scale), first, first + scale.size()) {
        if (edges.ndim() != 2 || edges.shape(1) != 2 || edges.shape(0) == 0 || edges.shape(0) != weight.size())
            refuse("edges must have shape (n_bands, 2), and weight (n_bands,)");
        for (std::size_t b = 0; b < weight_.size(); ++b)
            if (edges_[2 * b] < 0 || edges_[2 * b] >= edges_[2 * b + 1] || edges_[2 * b + 1] > index(scale_.size()))
                refuse("edges of band ", b, " are ", edges_[2 * b], " and ", edges_[2 * b + 1],
                       ", expected 0 <= first < stop <= ", scale_.size());
        std::copy_n(taper.data(), taper.size(), taper_.data());
    }

    index n() const { return taper_.size(); }
    index n_bands() const { return index(weight_.size()); }

    void compute(const Signals& x, double* out, int threads) const {
        for_blocks(x, threads, double(x.batches * x.rows) * transform_ns(n()), [&](index batch, index row, index rows) {
            block(x.batch(batch), row, rows, out + (batch * x.rows + row) * n_bands());
        });
    }

private:
    static index checked_length(const Matrix& taper, index first, const Matrix& scale) {
        if (taper.ndim() != 1 || taper.size() == 0) refuse("taper must have shape (n_samples,)");
        if (scale.ndim() != 1 || scale.size() == 0) refuse("scale must have shape (n_bins,)");
        if (first < 0 || first + scale.size() > taper.size() / 2 + 1)
            refuse("bins ", first, " to ", first + scale.size(), " are not among the ", taper.size() / 2 + 1, " of ",
                   taper.size(), " samples");
        return taper.size();
    }

    void block(Samples in, index row, index rows, double* out) const {
        in.data = static_cast<const char*>(in.data) + row * in.channel_stride;
        const index n_bins = index(scale_.size()), stride = padded(rows);
        double* power = thread_scratch<double>(n_bins * kBlock + kBlock + fft_.scratch_size());
        double* sum = power + n_bins * kBlock;
        kernels().fft_power(fft_.plan(), {in, {}, rows}, taper_.data(), detrend_, scale_.data(), power, stride,
                            sum + kBlock, 0, stride);
        for (index b = 0; b < n_bands(); ++b) {
            index k = edges_[std::size_t(2 * b)];
            std::copy_n(power + k * stride, stride, sum);
            while (++k < edges_[std::size_t(2 * b + 1)]) kernels().add(power + k * stride, sum, stride);
            kernels().scale(sum, weight_[std::size_t(b)], sum, stride);
            for (index r = 0; r < rows; ++r) out[r * n_bands() + b] = sum[r];
        }
    }

    bool detrend_;
    Buffer<double> taper_;
    std::vector<double> scale_;
    std::vector<std::int64_t> edges_;
    std::vector<double> weight_;
    Fft<double> fft_;
};

PyObject* band_power_compute(PyObject* self_object, PyObject* const* args, Py_ssize_t n_args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        static const char* const names[] = {"x", "out", "threads"};
        PyObject* given[3];
        parse_fastcall("compute", names, 1, args, n_args, keywords, given);
        const FftBandPower& self = self_of<FftBandPower>(self_object);
        const ArrayView x = view_of(given[0], "x");
        if (x.nd < 1 || x.shape[x.nd - 1] != self.n())
            refuse("x must have ", self.n(), " samples along its last axis, got shape ",
                   std::string(py::str(py::handle(given[0]).attr("shape"))));
        const int threads = given[2] ? py::cast<int>(py::handle(given[2])) : 1;
        py::object out = result_array(given[1], x, self.n_bands());
        const Signals signals(x);
        if (signals.rows * signals.batches > 0)
            self.compute(signals, static_cast<double*>(view_of(out.ptr(), "out").data), threads);
        return out.release().ptr();
    });
}

PyMethodDef band_power_compute_def = {"compute",
                                      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(band_power_compute)),
                                      METH_FASTCALL | METH_KEYWORDS, nullptr};

// How many of so many signals, the last ones, are transformed one by one: what is left over when the others have filled
// the lanes, if it is so little that most of them would idle. It changes no bit.
template <class T>
index one_by_one(const FftPlan<T>& plan, index n_signals) {
    const index lanes = kernels().vector_bytes / index(sizeof(T)), left = n_signals % lanes;
    return left <= 2 && 4 * left <= lanes && !plan.convolution ? left : 0;
}

template <class T, class Kernel, class OneByOne>
py::object rfft_as(const Signals& x, const std::vector<index>& shape, const py::object& given, int threads,
                   Kernel kernel, OneByOne one_kernel) {
    using Complex = py::array_t<std::complex<T>, py::array::c_style>;
    const index n_bins = shape.back();
    if (!given.is_none()) {
        bool fits = py::isinstance<Complex>(given) && Complex(given).writeable() &&
                    Complex(given).ndim() == index(shape.size());
        for (std::size_t d = 0; fits && d < shape.size(); ++d) fits = Complex(given).shape(index(d)) == shape[d];
        if (!fits)
            refuse("out must be a writable, C-contiguous ", sizeof(T) == 8 ? "complex128" : "complex64",
                   " array of shape ", std::string(py::str(py::cast(shape))));
    }
    Complex out = given.is_none() ? Complex(shape) : Complex(given);
    if (x.rows * x.batches == 0) return out;
    T* bins = reinterpret_cast<T*>(out.mutable_data());
    const auto fft = plan_for<T>(x.n);
    for_blocks(x, threads, 1.5 * double(x.batches * x.rows) * transform_ns(x.n),
               [&](index batch, index row, index rows) {
                   Samples in = x.batch(batch);
                   in.data = static_cast<const char*>(in.data) + row * in.channel_stride;
                   SamplesOut to{bins + 2 * n_bins * (batch * x.rows + row), in.dtype, 2 * n_bins * index(sizeof(T)),
                                 2 * index(sizeof(T))};
                   const index ones = one_by_one(fft->plan(), rows), together = rows - ones;
                   T* const scratch = thread_scratch<T>(std::max(fft->scratch_size(), fft->plan().rows + x.n));
                   if (together > 0) kernel(fft->plan(), in, together, to, scratch, 0, padded(together));
                   if (ones == 0) return;
                   in.data = static_cast<const char*>(in.data) + together * in.channel_stride;
                   to.data = static_cast<char*>(to.data) + together * to.channel_stride;
                   one_kernel(fft->plan(), in, ones, to, scratch);
               });
    return out;
}

// Bins 0..n/2 of signals along the last axis, (..., n) -> (..., n/2 + 1) of complex64 or complex128.
py::object rfft(const py::object& x, const py::object& out, int threads) {
    const ArrayView v = view_of(x.ptr(), "x");
    if (v.nd < 1 || v.shape[v.nd - 1] == 0)
        refuse("x must have at least one sample along its last axis, got shape ",
               std::string(py::str(x.attr("shape"))));
    std::vector<index> shape(v.shape, v.shape + v.nd);
    shape.back() = shape.back() / 2 + 1;
    const Kernels& k = kernels();
    if (v.dtype == Dtype::f64)
        return rfft_as<double>(Signals(v), shape, out, threads, k.rfft_f64, k.spectra->rfft_one_by_one_f64);
    return rfft_as<float>(Signals(v), shape, out, threads, k.rfft_f32, k.spectra->rfft_one_by_one_f32);
}

}  // namespace

void bind_spectral(py::module_& m) {
    using namespace py::literals;
    auto cls =
        py::class_<FftBandPower>(m, "FftBandPower", py::module_local())
            .def(py::init<const Matrix&, bool, index, const Matrix&,
                          const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>&, const Matrix&>(),
                 "taper"_a, "detrend"_a, "first"_a, "scale"_a, "edges"_a, "weight"_a)
            .def_property_readonly("n_samples", &FftBandPower::n)
            .def_property_readonly("n_bands", &FftBandPower::n_bands);
    add_fastcall(cls, band_power_compute_def);
    m.def("rfft", &rfft, "x"_a, "out"_a = py::none(), "threads"_a = 1);
}

}  // namespace fastemo
