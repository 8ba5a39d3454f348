// Power spectra and band powers under many tapers, of segments or of the whole, and transforms by wavelets.
#include <pybind11/stl.h>

#include <atomic>
#include <complex>
#include <vector>

#include "../fastemo/ops/segment_means.hpp"
#include "../fastemo/targets/spectra_kernels.hpp"
#include "plans.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

using Matrix = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

constexpr index kRowsAtOnce = 4096;  // of segments that share samples: a quarter of a second-level cache

const SpectraKernels& spectra() { return *kernels().spectra; }

std::vector<double> values_of(const Matrix& a) { return {a.data(), a.data() + a.size()}; }

// x as signals along its last axis, and on how many threads.
ArrayView signals_of(PyObject* object, index at_least, PyObject* of_threads, int& threads) {
    const ArrayView x = view_of(object, "x");
    index n_threads = 1;
    if (x.nd < 1 || x.shape[x.nd - 1] < at_least)
        refuse("x must have at least ", at_least, " samples along its last axis, got shape ",
               std::string(py::str(py::handle(object).attr("shape"))));
    if (of_threads && !plain_int(of_threads, 1, 1 << 10, n_threads)) refuse("threads must be a whole number from 1 on");
    threads = int(n_threads);
    return x;
}

bool is_empty(const ArrayView& x) {
    for (int d = 0; d < x.nd; ++d)
        if (x.shape[d] == 0) return true;
    return false;
}

// The mean over segments of the power that several tapers give together, bin by bin or in bands.
class TaperedSpectra {
public:
    TaperedSpectra(const Matrix& tapers, bool detrend, index first, index stop, const Matrix& scale,
                   const Matrix& weights, const Matrix& eigenvalues, const Integers& edges, const Matrix& width)
        : n_(checked_length(tapers)), first_(first), stop_(stop), detrend_(detrend), adaptive_(eigenvalues.size() > 0),
          tapers_(tapers.size()), scale_(values_of(scale)), eigenvalues_(values_of(eigenvalues)),
          edges_(edges.data(), edges.data() + edges.size()), width_(values_of(width)) {
        const index n_tapers = tapers.shape(0), n_bins = n_ / 2 + 1;
        if (first < 0 || first >= stop || stop > n_bins)
            refuse("bins ", first, " to ", stop, " are not among the ", n_bins, " of ", n_, " samples");
        if (scale.ndim() != 1 || scale.size() != n_bins) refuse("scale must have shape (", n_bins, ",)");
        if (weights.ndim() != 1 || weights.size() != n_tapers) refuse("weights must have shape (n_tapers,)");
        if (adaptive_ && (eigenvalues.ndim() != 1 || eigenvalues.size() != n_tapers || n_tapers < 2))
            refuse("eigenvalues must be empty or have shape (n_tapers,), of at least two tapers");
        if (edges.ndim() != 2 || edges.shape(1) != 2 || edges.shape(0) != width.size())
            refuse("edges must have shape (n_bands, 2), and width (n_bands,)");
        for (std::size_t b = 0; b < width_.size(); ++b)
            if (edges_[2 * b] < 0 || edges_[2 * b] >= edges_[2 * b + 1] || edges_[2 * b + 1] > stop - first)
                refuse("edges of band ", b, " are ", edges_[2 * b], " and ", edges_[2 * b + 1],
                       ", expected 0 <= first < stop <= ", stop - first);
        for (index i = 0; i < tapers.size(); ++i) {
            const double weight = adaptive_ ? 1.0 : weights.data()[i / n_];
            if (!(weight >= 0)) refuse("weights must not be negative, got ", weight);
            tapers_[i] = std::sqrt(weight) * tapers.data()[i];
        }
        for (const double e : eigenvalues_) {
            if (!(e >= 0)) refuse("eigenvalues must not be negative, got ", e);
            roots_.push_back(std::sqrt(e));
        }
        fft_ = adaptive_ ? Fft<double>(n_) : Fft<double>(n_, first, stop);
        plan_ = {&fft_.plan(), tapers_.data(), n_tapers, adaptive_ ? n_bins : stop - first};
        adapt_ = {eigenvalues_.data(), roots_.data(), n_tapers, n_bins, first, stop, 150};
        bands_ = {edges_.data(), width_.data(), index(width_.size())};
    }
    TaperedSpectra(const TaperedSpectra&) = delete;  // the plans point into it
    TaperedSpectra& operator=(const TaperedSpectra&) = delete;

    // (x, hop, n_segments, in_bands, out, threads)
    PyObject* compute(PyObject* const* args) const {
        int threads;
        index hop, n_segments, in_bands;
        const ArrayView x = signals_of(args[0], n_, args[5], threads);
        if (!plain_int(args[1], 1, index(1) << 40, hop) || !plain_int(args[2], 1, index(1) << 40, n_segments) ||
            !plain_int(args[3], 0, 1, in_bands) || (n_segments - 1) > (x.shape[x.nd - 1] - n_) / hop)
            refuse("the segments must lie within the ", x.shape[x.nd - 1], " samples of x");
        if (adaptive_ && n_segments > 1) refuse("adaptive weights are those of one segment");
        const index last = in_bands ? bands_.n_bands : stop_ - first_;
        if (last == 0) refuse("there are no bands");
        py::object result = result_array(args[4], x, last);
        if (is_empty(x)) return result.release().ptr();
        double* const out = static_cast<double*>(view_of(result.ptr(), "out").data);
        if (!run(Signals(x, x.nd - 1), hop, n_segments, in_bands != 0, out, last, threads) &&
            PyErr_WarnEx(PyExc_RuntimeWarning, "adaptive weights still changed after 150 iterations", 1) != 0)
            throw py::error_already_set();
        return result.release().ptr();
    }

private:
    static index checked_length(const Matrix& tapers) {
        if (tapers.ndim() != 2 || tapers.size() == 0) refuse("tapers must have shape (n_tapers, n_samples)");
        return tapers.shape(1);
    }

    bool run(const Signals& in, index hop, index n_segments, bool in_bands, double* out, index last,
             int threads) const {
        const index wanted = (stop_ - first_) * kLanes, at_once = std::max<index>(1, (kRowsAtOnce - n_) / hop + 1);
        const index rows_size = (n_ + (std::min(at_once, n_segments) - 1) * hop) * kLanes;
        const index tapers_size =
            adaptive_ ? plan_.n_tapers * plan_.n_bins * kLanes + (plan_.n_tapers + 1) * wanted : 0;
        const SegmentMeans means(n_, hop);
        const index size = 2 * wanted + bands_.n_bands * kLanes + rows_size + means.scratch_size() + tapers_size +
                           spectra().taper_scratch(*plan_.fft);
        const bool in_reading = detrend_ && means.can_read(n_segments);
        const index by_segments = in.count * ((n_segments + kLanes - 1) / kLanes),
                    by_signals = in.groups() * n_segments;
        const double ns = 8 * double(plan_.n_tapers) * double(std::min(by_signals, by_segments)) * fft_ns(n_) *
                          (adaptive_ ? 4.0 : 1.0);
        const double factor = 1 / double(n_segments);
        std::atomic<bool> converged{true};
        if (by_signals <= by_segments) {
            for_parts(in.groups(), threads, ns, size, [&](index group, double* power) {
                double *const sums = power + 2 * wanted, *const rows = sums + bands_.n_bands * kLanes;
                double *const kept = rows + rows_size, *const scratch = kept + means.scratch_size();
                const StretchIn lanes = whole_signals(in, group * kLanes);
                for (index s = 0; s < n_segments; s += at_once) {
                    const index count = std::min(at_once, n_segments - s);
                    if (!in_reading) spectra().read(lanes, s * hop, n_ + (count - 1) * hop, rows);
                    for (index i = 0; i < count; ++i) {
                        double* const segment = rows + i * hop * kLanes;
                        const double* mean = nullptr;
                        if (in_reading)
                            mean = means.read(s + i, i == 0, spectra(), lanes, (s + i) * hop, segment, kept);
                        else if (detrend_)
                            mean = means.of(s + i, s + i == 0, spectra(), segment, kept);
                        if (!add(segment, mean, s + i > 0, power, scratch)) converged = false;
                    }
                }
                deliver(power, sums, factor, in_bands, out + group * kLanes * last, last, lanes.width);
            });
        } else {
            for_parts(in.count, threads, ns, size, [&](index i, double* total) {
                double *const power = total + wanted, *const sums = total + 2 * wanted;
                double *const rows = sums + bands_.n_bands * kLanes, *const kept = rows + rows_size;
                double* const scratch = kept + means.scratch_size();
                StretchIn lanes;
                std::fill_n(total, wanted, 0.0);
                for (index s = 0; s < n_segments; s += kLanes) {
                    segment_lanes(in, n_segments, hop, i * n_segments + s, lanes);
                    const int width = int(std::min(kLanes, n_segments - s));
                    const double* mean = nullptr;
                    if (detrend_)
                        mean = means.read(0, true, spectra(), lanes, 0, rows, kept);
                    else
                        spectra().read(lanes, 0, n_, rows);
                    add(rows, mean, false, power, scratch);
                    for (index k = 0; k < wanted; k += kLanes)
                        for (int l = 0; l < width; ++l) total[k] += power[k + l];
                }
                deliver(total, sums, factor, in_bands, out + i * last, last, 1);
            });
        }
        return converged;
    }

    // The power of one segment of a group, added or put.
    bool add(const double* rows, const double* mean, bool sum, double* power, double* scratch) const {
        if (!adaptive_) {
            spectra().taper_power(plan_, 0, plan_.n_tapers, rows, mean, sum, power, scratch);
            return true;
        }
        const index each = plan_.n_bins * kLanes;
        double* const spectrum = scratch + spectra().taper_scratch(*plan_.fft);
        for (index t = 0; t < plan_.n_tapers; ++t) {
            spectra().taper_power(plan_, t, t + 1, rows, mean, false, spectrum + t * each, scratch);
            spectra().scale_rows(scale_.data(), 1.0, plan_.n_bins, spectrum + t * each);
        }
        return spectra().adaptive_power(adapt_, spectrum, power, spectrum + plan_.n_tapers * each);
    }

    void deliver(double* power, double* sums, double factor, bool in_bands, double* out, index last, int width) const {
        if (!adaptive_) spectra().scale_rows(scale_.data() + first_, factor, stop_ - first_, power);
        if (in_bands) spectra().band_sums(bands_, power, sums);
        LanesOut to{{}, 8, Dtype::f64, width, false};
        for (int l = 0; l < kLanes; ++l) to.at[l] = reinterpret_cast<char*>(out + std::min(l, width - 1) * last);
        kernels().signal->write_real(in_bands ? sums : power, last, to);
    }

    const index n_, first_, stop_;
    const bool detrend_, adaptive_;
    Buffer<double> tapers_;
    std::vector<double> scale_, eigenvalues_, roots_;
    std::vector<std::int64_t> edges_;
    std::vector<double> width_;
    Fft<double> fft_{1};
    TaperPlan plan_;
    AdaptivePlan adapt_;
    BandSums bands_;
};

// Transforms of signals by a family of wavelets, each given by the real spectrum that it has about its centre.
class WaveletTransform {
public:
    WaveletTransform(index n_samples, index n_fft, const Matrix& even, const Matrix& odd, bool detrend,
                     const Matrix& share)
        : n_(n_samples), n_wavelets_(even.ndim() == 2 ? even.shape(0) : 0), detrend_(detrend), even_(values_of(even)),
          odd_(values_of(odd)), share_(values_of(share)) {
        if (n_samples < 1 || n_fft < n_samples)
            refuse("n_fft must be at least n_samples, got ", n_fft, " and ", n_samples);
        if (n_wavelets_ < 1 || even.shape(1) != n_fft / 2 + 1 || odd.ndim() != 2 || odd.shape(0) != n_wavelets_ ||
            odd.shape(1) != n_fft / 2 + 1)
            refuse("even and odd must have shape (n_wavelets, ", n_fft / 2 + 1, ")");
        if (share.ndim() != 2 || share.shape(0) != n_wavelets_) refuse("share must have shape (n_wavelets, n_bands)");
        n_bands_ = share.shape(1);
        fft_ = plan_for<double>(n_fft);
        plan_ = {&fft_->plan(), n_samples};
    }

    // (x, what, step, out, threads): what is 0 the complex values, 1 their power, 2 the power in bands: what
    // the sums over time count for in each
    PyObject* compute(PyObject* const* args) const {
        int threads;
        index what, step;
        const ArrayView x = signals_of(args[0], 1, args[4], threads);
        if (x.shape[x.nd - 1] != n_)
            refuse("x must have ", n_, " samples along its last axis, got ", x.shape[x.nd - 1]);
        if (!plain_int(args[1], 0, 2, what) || !plain_int(args[2], 1, index(1) << 40, step))
            refuse("decim must be a whole number of at least 1");
        std::vector<index> shape(x.shape, x.shape + x.nd);
        if (what == 2 && n_bands_ == 0) refuse("there are no bands");
        shape.back() = what == 2 ? n_bands_ : n_wavelets_;
        const index n_out = what == 2 ? 1 : (n_ + step - 1) / step;
        if (what < 2) shape.push_back(n_out);
        const py::object result = result_of(args[3], shape, what == 0, x);
        if (is_empty(x)) return result.inc_ref().ptr();
        char* const data = static_cast<char*>(py::detail::array_proxy(result.ptr())->data);
        const index item = what == 0 ? 16 : 8, n_fft = plan_.fft->n;
        const index rows_size = n_fft * kLanes, spectrum_size = (n_fft / 2 + 1) * 2 * kLanes;
        const index bands_size = n_bands_ * kLanes;
        const index size =
            rows_size + spectrum_size + 4 * n_ * kLanes + bands_size + spectra().wavelet_scratch(*plan_.fft);
        const Signals in(x, x.nd - 1);
        const double ns = 8 * double(in.groups()) * fft_ns(n_fft) * double(1 + 2 * n_wavelets_);
        for_parts(in.groups(), threads, ns, size, [&](index group, double* rows) {
            double *const spectrum = rows + rows_size, *const pairs = spectrum + spectrum_size;
            double *const reduced = pairs + 2 * n_ * kLanes, *const sums = reduced + 2 * n_ * kLanes;
            double* const scratch = sums + bands_size;
            std::fill_n(sums, bands_size, 0.0);
            const StretchIn lanes = whole_signals(in, group * kLanes);
            spectra().read(lanes, 0, n_fft, rows);
            if (detrend_) spectra().subtract_mean(n_, rows);
            spectra().wavelet_spectrum(plan_, rows, spectrum, scratch);
            LanesOut to{{}, item, Dtype::f64, lanes.width, false};
            for (index w = 0; w < n_wavelets_; ++w) {
                const index half = n_fft / 2 + 1;
                spectra().wavelet_transform(plan_, even_.data() + w * half, odd_.data() + w * half, spectrum, pairs,
                                            scratch);
                for (int l = 0; l < kLanes; ++l)
                    to.at[l] =
                        data + ((group * kLanes + std::min(l, lanes.width - 1)) * n_wavelets_ + w) * n_out * item;
                if (what == 0) {
                    if (step > 1) spectra().take_pairs(pairs, n_, step, reduced);
                    kernels().signal->write_complex(step > 1 ? reduced : pairs, n_out, to);
                } else if (what == 1) {
                    spectra().pair_power(pairs, n_, step, reduced);
                    kernels().signal->write_real(reduced, n_out, to);
                } else {
                    spectra().pair_power_sum(pairs, n_, reduced);
                    for (index b = 0; b < n_bands_; ++b)
                        for (index l = 0; l < kLanes; ++l)
                            sums[b * kLanes + l] += share_[std::size_t(w * n_bands_ + b)] * reduced[l];
                }
            }
            if (what < 2) return;
            for (int l = 0; l < kLanes; ++l)
                to.at[l] = data + (group * kLanes + std::min(l, lanes.width - 1)) * n_bands_ * item;
            kernels().signal->write_real(sums, n_bands_, to);
        });
        return result.inc_ref().ptr();
    }

private:
    static py::object result_of(PyObject* given, const std::vector<index>& shape, bool complex, const ArrayView& x) {
        if (given == Py_None) {
            if (complex) return py::array_t<std::complex<double>>(shape);
            return py::array_t<double>(shape);
        }
        const py::dtype wanted = complex ? py::dtype::of<std::complex<double>>() : py::dtype::of<double>();
        const auto& api = py::detail::npy_api::get();
        bool fits = api.PyArray_Check_(given);
        if (fits) {
            const auto out = py::reinterpret_borrow<py::array>(given);
            fits = out.dtype().equal(wanted) && (out.flags() & py::array::c_style) && out.writeable() &&
                   out.ndim() == index(shape.size());
            for (std::size_t d = 0; fits && d < shape.size(); ++d) fits = out.shape(index(d)) == shape[d];
            ArrayView view;  // as bytes of doubles, for the place it has in memory
            view.data = const_cast<void*>(out.data()), view.nd = 1;
            const Py_intptr_t count = out.nbytes() / 8, stride = 8;
            view.shape = &count, view.strides = &stride;
            if (fits && overlaps(x, view)) refuse("out overlaps x in memory: pass memory of its own");
        }
        if (!fits)
            refuse("out must be a writable, C-contiguous ", std::string(py::str(wanted)), " array of shape ",
                   std::string(py::str(py::tuple(py::cast(shape)))));
        return py::reinterpret_borrow<py::object>(given);
    }
    static bool overlaps(const ArrayView& x, const ArrayView& out) {
        return x.data == out.data || overlaps_partly(out, x);
    }

    const index n_, n_wavelets_;
    const bool detrend_;
    index n_bands_;
    std::vector<double> even_, odd_, share_;
    std::shared_ptr<const Fft<double>> fft_;
    WaveletPlan plan_;
};

template <class T, int n>
PyObject* call(PyObject* self, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        if (n_args != n) refuse_type("compute takes ", n, " arguments, got ", n_args);
        return self_of<T>(self).compute(args);
    });
}

PyMethodDef spectra_compute = {"compute", fastcall(call<TaperedSpectra, 6>), METH_FASTCALL, nullptr};
PyMethodDef wavelet_compute = {"compute", fastcall(call<WaveletTransform, 5>), METH_FASTCALL, nullptr};

}  // namespace

void bind_spectral_tapers(py::module_& m) {
    using namespace py::literals;
    auto tapered = py::class_<TaperedSpectra>(m, "TaperedSpectra", py::module_local())
                       .def(py::init<const Matrix&, bool, index, index, const Matrix&, const Matrix&, const Matrix&,
                                     const Integers&, const Matrix&>(),
                            "tapers"_a, "detrend"_a, "first"_a, "stop"_a, "scale"_a, "weights"_a, "eigenvalues"_a,
                            "edges"_a, "width"_a);
    add_fastcall(tapered, spectra_compute);
    auto wavelets = py::class_<WaveletTransform>(m, "WaveletTransform", py::module_local())
                        .def(py::init<index, index, const Matrix&, const Matrix&, bool, const Matrix&>(), "n_samples"_a,
                             "n_fft"_a, "even"_a, "odd"_a, "detrend"_a, "share"_a);
    add_fastcall(wavelets, wavelet_compute);
}

}  // namespace fastemo
