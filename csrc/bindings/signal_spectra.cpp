// Spectra of segments of whole arrays, trends, and the analytic signal. As signal_iir.cpp: NotImplemented where the
// arguments are not plain.
#include <atomic>
#include <cmath>
#include <complex>
#include <vector>

#include "../fastemo/ops/segment_means.hpp"
#include "../fastemo/targets/spectra_kernels.hpp"
#include "plans.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

using Matrix = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::object empty_complex(Dtype part, int nd, const Py_intptr_t* shape) {
    const std::vector<Py_intptr_t> sizes(shape, shape + nd);
    if (part == Dtype::f64) return py::array_t<std::complex<double>>(sizes);
    return py::array_t<std::complex<float>>(sizes);
}

// A complex array as one of its real parts.
Signals complex_signals(const py::object& array, Dtype part, int axis) {
    const auto* a = py::detail::array_proxy(array.ptr());
    return Signals(a->data, part, a->nd, a->dimensions, a->strides, axis);
}

// What the methods are asked for: x, axis, and where segments begin: start + i * hop, i < n_segments.
struct Asked {
    ArrayView x;
    int axis, threads;
    index start, hop, n_segments;

    bool take(PyObject* const* args, PyObject* of_threads) {
        constexpr index kMost = index(1) << 40;
        return signals_argument(args[0], args[1], of_threads, x, axis, threads) &&
               plain_int(args[2], -kMost, kMost, start) && plain_int(args[3], 1, kMost, hop) &&
               plain_int(args[4], 1, kMost, n_segments);
    }
    std::vector<Py_intptr_t> shape(index n_bins, bool with_segments) const {
        std::vector<Py_intptr_t> sizes(x.shape, x.shape + x.nd);
        sizes[std::size_t(axis)] = n_bins;
        if (with_segments) sizes.push_back(n_segments);
        return sizes;
    }
};

// Spectra of segments under one taper, with all that they need made once.
class SegmentSpectra {
public:
    SegmentSpectra(const Matrix& taper, index n_fft, int detrend, const Matrix& scale)
        : taper_(std::size_t(std::max<index>(n_fft, 1)), 0.0), scale_(scale.data(), scale.data() + scale.size()) {
        if (taper.ndim() != 1 || taper.size() == 0 || n_fft < taper.size())
            refuse("taper must have from 1 to n_fft = ", n_fft, " values");
        if (scale.ndim() != 1 || scale.size() != n_fft / 2 + 1)
            refuse("scale must have ", n_fft / 2 + 1, " values, got ", scale.size());
        if (detrend < 0 || detrend > 2) refuse("detrend must be 0, 1 or 2, got ", detrend);
        std::copy_n(taper.data(), taper.size(), taper_.data());
        fft_ = plan_for<double>(n_fft);
        plan_ = {&fft_->plan(), taper_.data(), scale_.data(),
                 taper.size(),  scale.size(),  SegmentPlan::Detrend(detrend)};
    }

    // The mean power of each bin: (x, axis, start, hop, n_segments, out, threads)
    PyObject* mean(PyObject* const* args) const {
        Asked a;
        if (!a.take(args, args[6])) return not_implemented();
        py::object result;
        ArrayView y;
        if (!result_for(args[5], a.x, a.x.dtype, a.shape(plan_.n_bins, false).data(), result, y))
            return not_implemented();
        if (y.data == a.x.data) return not_implemented();
        const Signals in(a.x, a.axis), out(y, a.axis);
        if (one_taper()) {
            mean_of_tapered(in, out, a);
            return result.release().ptr();
        }
        const index size = plan_.n_bins * kLanes, by_segments = in.count * ((a.n_segments + kLanes - 1) / kLanes);
        const double ns = work_ns(std::min(in.groups() * a.n_segments, by_segments));
        if (in.groups() * a.n_segments <= by_segments) {
            for_parts(in.groups(), a.threads, ns, 2 * size + scratch_size(), [&](index group, double* sums) {
                const StretchIn lanes = whole_signals(in, group * kLanes);
                for (index s = 0; s < a.n_segments; ++s)
                    signal().segment_power(plan_, lanes, a.start + s * a.hop, s > 0, sums, sums + 2 * size);
                for (index i = 0; i < size; ++i) sums[i] /= double(a.n_segments);
                signal().write_real(sums, plan_.n_bins, out.lanes_out(group * kLanes));
            });
        } else {
            for_parts(in.count, a.threads, ns, 2 * size + scratch_size(), [&](index i, double* sums) {
                double* power = sums + size;
                std::fill_n(sums, plan_.n_bins, 0.0);
                for_segments_of(in, i, a, [&](const StretchIn& lanes, index, int width) {
                    signal().segment_power(plan_, lanes, a.start, false, power, sums + 2 * size);
                    signal().add_lanes(power, plan_.n_bins, width, sums);
                });
                for (index k = 0; k < plan_.n_bins; ++k) put(out, i, k, sums[k] / double(a.n_segments));
            });
        }
        return result.release().ptr();
    }

    // The power of every segment, with an axis of segments last: the same arguments
    PyObject* each(PyObject* const* args) const {
        Asked a;
        if (!a.take(args, args[6])) return not_implemented();
        const auto shape = a.shape(plan_.n_bins, true);
        py::object result = args[5] == Py_None ? empty_array(a.x.dtype, a.x.nd + 1, shape.data())
                                               : py::reinterpret_borrow<py::object>(args[5]);
        ArrayView y;
        if (!plain_array(result.ptr(), y) || !y.writeable || y.nd != a.x.nd + 1 ||
            !std::equal(shape.begin(), shape.end(), y.shape))
            return not_implemented();
        if (overlaps_partly(a.x, y) || y.data == a.x.data) return not_implemented();
        const Signals in(a.x, a.axis), out(y, a.axis);
        for_all_segments(in, a, plan_.n_bins * kLanes,
                         [&](const StretchIn& lanes, index first, double* power, double* scratch) {
                             signal().segment_power(plan_, lanes, a.start, false, power, scratch);
                             signal().write_real(power, plan_.n_bins, out.lanes_out(first));
                         });
        return result.release().ptr();
    }

    // The complex bins of every segment, likewise: (x, axis, start, hop, n_segments, threads)
    PyObject* bins(PyObject* const* args) const {
        Asked a;
        if (!a.take(args, args[5])) return not_implemented();
        const auto shape = a.shape(plan_.n_bins, true);
        py::object result = empty_complex(a.x.dtype, a.x.nd + 1, shape.data());
        const Signals in(a.x, a.axis), out = complex_signals(result, a.x.dtype, a.axis);
        for_all_segments(in, a, 2 * plan_.n_bins * kLanes,
                         [&](const StretchIn& lanes, index first, double* bins, double* scratch) {
                             signal().segment_bins(plan_, lanes, a.start, bins, scratch);
                             signal().write_complex(bins, plan_.n_bins, out.lanes_out(first));
                         });
        return result.release().ptr();
    }

    // Mean power of x and of y, and the mean of conj(X) Y: (x, axis, start, hop, n_segments, y, threads). x and y have
    // one shape; the scale is that of amplitudes.
    PyObject* cross(PyObject* const* args) const {
        Asked a, b;
        PyObject* const with_y[] = {args[5], args[1], args[2], args[3], args[4]};
        if (!a.take(args, args[6]) || !b.take(with_y, args[6])) return not_implemented();
        if (a.x.nd != b.x.nd || !std::equal(a.x.shape, a.x.shape + a.x.nd, b.x.shape)) return not_implemented();
        const Dtype dtype = common(a.x.dtype, b.x.dtype);
        const auto shape = a.shape(plan_.n_bins, false);
        const py::object px = empty_array(dtype, a.x.nd, shape.data()), py_ = empty_array(dtype, a.x.nd, shape.data());
        const py::object pxy = empty_complex(dtype, a.x.nd, shape.data());
        ArrayView vx, vy;
        plain_array(px.ptr(), vx), plain_array(py_.ptr(), vy);
        const Signals x(a.x, a.axis), y(b.x, b.axis), out_x(vx, a.axis), out_y(vy, a.axis);
        const Signals out_xy = complex_signals(pxy, dtype, a.axis);
        const index n = plan_.n_bins, size = n * kLanes;
        const index by_segments = x.count * ((a.n_segments + kLanes - 1) / kLanes);
        const double ns = 2 * work_ns(std::min(x.groups() * a.n_segments, by_segments));
        const bool of_signals = x.groups() * a.n_segments <= by_segments;
        for_parts(
            of_signals ? x.groups() : x.count, a.threads, ns, 8 * size + scratch_size(), [&](index part, double* sums) {
                double *x_bins = sums + 4 * size, *y_bins = x_bins + 2 * size, *scratch = y_bins + 2 * size;
                std::fill_n(sums, 4 * size, 0.0);
                const auto add = [&](const StretchIn& of_x, const StretchIn& of_y, index start) {
                    signal().segment_bins(plan_, of_x, start, x_bins, scratch);
                    signal().segment_bins(plan_, of_y, start, y_bins, scratch);
                };
                if (of_signals) {
                    const StretchIn of_x = whole_signals(x, part * kLanes), of_y = whole_signals(y, part * kLanes);
                    for (index s = 0; s < a.n_segments; ++s) {
                        add(of_x, of_y, a.start + s * a.hop);
                        signal().add_cross_power(n, x_bins, y_bins, sums);
                    }
                    for (index i = 0; i < 4 * size; ++i) sums[i] /= double(a.n_segments);
                    for (int l = 0; l < of_x.width; ++l)
                        put_cross(part * kLanes + l, sums + l, kLanes, out_x, out_y, out_xy);
                    return;
                }
                double* total = x_bins;  // free once its segments have been added
                std::vector<double> all(std::size_t(4 * n), 0.0);
                StretchIn of_y;
                for_segments_of(x, part, a, [&](const StretchIn& of_x, index first, int width) {
                    segment_lanes(y, a.n_segments, a.hop, first, of_y);
                    add(of_x, of_y, a.start);
                    std::fill_n(sums, 4 * size, 0.0);
                    signal().add_cross_power(n, x_bins, y_bins, sums);
                    signal().add_lanes(sums, 4 * n, width, all.data());
                });
                for (index i = 0; i < 4 * n; ++i) total[i] = all[std::size_t(i)] / double(a.n_segments);
                put_cross(part, total, 1, out_x, out_y, out_xy);
            });
        return py::make_tuple(px, py_, pxy).release().ptr();
    }

private:
    // What the kernels of tapers do: segments as long as the transform, of which no line is taken off.
    bool one_taper() const { return plan_.n_samples == plan_.fft->n && plan_.detrend != SegmentPlan::linear; }

    // Segments that share samples are read together, and scaled when they have been added up.
    void mean_of_tapered(const Signals& in, const Signals& out, const Asked& a) const {
        constexpr index kRowsAtOnce = 4096;  // a quarter of a second-level cache
        const SpectraKernels& spectra = *kernels().spectra;
        const double share = 1 / double(a.n_segments);
        const TaperPlan plan{plan_.fft, plan_.taper, 1, plan_.n_bins};
        const SegmentMeans means(plan_.n_samples, a.hop);
        const bool detrend = plan_.detrend == SegmentPlan::constant,
                   in_reading = detrend && means.can_read(a.n_segments);
        const index n = plan_.n_samples, size = plan_.n_bins * kLanes;
        const index at_once = std::min(a.n_segments, std::max<index>(1, (kRowsAtOnce - n) / a.hop + 1));
        const index rows_size = (n + (at_once - 1) * a.hop) * kLanes;
        const index memory = 2 * size + rows_size + means.scratch_size() + spectra.taper_scratch(*plan_.fft);
        const index by_signals = in.groups() * a.n_segments;
        const index by_segments = in.count * ((a.n_segments + kLanes - 1) / kLanes);
        const double ns = work_ns(std::min(by_signals, by_segments));
        if (by_signals <= by_segments) {
            for_parts(in.groups(), a.threads, ns, memory, [&](index group, double* sums) {
                double *const rows = sums + 2 * size, *const kept = rows + rows_size;
                double* const scratch = kept + means.scratch_size();
                const StretchIn lanes = whole_signals(in, group * kLanes);
                for (index s = 0; s < a.n_segments; s += at_once) {
                    const index count = std::min(at_once, a.n_segments - s);
                    const index start = a.start + s * a.hop;
                    if (!in_reading) spectra.read(lanes, start, n + (count - 1) * a.hop, rows);
                    for (index i = 0; i < count; ++i) {
                        double* const segment = rows + i * a.hop * kLanes;
                        const double* mean = nullptr;
                        if (in_reading)
                            mean = means.read(s + i, i == 0, spectra, lanes, start + i * a.hop, segment, kept);
                        else if (detrend)
                            mean = means.of(s + i, s + i == 0, spectra, segment, kept);
                        spectra.taper_power(plan, 0, 1, segment, mean, s + i > 0, sums, scratch);
                    }
                }
                spectra.scale_rows(plan_.scale, share, plan_.n_bins, sums);
                signal().write_real(sums, plan_.n_bins, out.lanes_out(group * kLanes));
            });
            return;
        }
        for_parts(in.count, a.threads, ns, memory, [&](index i, double* sums) {
            double *const power = sums + size, *const rows = power + size, *const kept = rows + rows_size;
            double* const scratch = kept + means.scratch_size();
            std::fill_n(sums, size, 0.0);
            for_segments_of(in, i, a, [&](const StretchIn& lanes, index, int width) {
                const double* mean = nullptr;
                if (detrend)
                    mean = means.read(0, true, spectra, lanes, a.start, rows, kept);
                else
                    spectra.read(lanes, a.start, n, rows);
                spectra.taper_power(plan, 0, 1, rows, mean, false, power, scratch);
                for (index k = 0; k < size; k += kLanes)
                    for (int l = 0; l < width; ++l) sums[k] += power[k + l];
            });
            spectra.scale_rows(plan_.scale, share, plan_.n_bins, sums);
            for (index k = 0; k < plan_.n_bins; ++k) put(out, i, k, sums[k * kLanes]);
        });
    }

    static const SignalKernels& signal() { return *kernels().signal; }
    index scratch_size() const { return signal().segment_scratch(plan_); }
    double work_ns(index groups) const { return 8 * double(groups) * fft_ns(plan_.fft->n); }

    static void put(const Signals& out, index i, index k, double value) {
        char* to = out.at(i) + k * out.stride;
        if (out.dtype == Dtype::f64)
            *reinterpret_cast<double*>(to) = value;
        else
            *reinterpret_cast<float*>(to) = float(value);
    }
    // Rows of four sums per bin, `step` apart.
    void put_cross(index i, const double* sums, index step, const Signals& out_x, const Signals& out_y,
                   const Signals& out_xy) const {
        for (index k = 0; k < plan_.n_bins; ++k, sums += 4 * step) {
            put(out_x, i, k, sums[0]);
            put(out_y, i, k, sums[step]);
            char* to = out_xy.at(i) + k * out_xy.stride;
            if (out_xy.dtype == Dtype::f64)
                *reinterpret_cast<std::complex<double>*>(to) = {sums[2 * step], sums[3 * step]};
            else
                *reinterpret_cast<std::complex<float>*>(to) = {float(sums[2 * step]), float(sums[3 * step])};
        }
    }

    // The segments of signal i, a group at a time: f(lanes, number of the first, how many of them)
    template <class F>
    static void for_segments_of(const Signals& in, index i, const Asked& a, F&& f) {
        StretchIn lanes;
        for (index s = 0; s < a.n_segments; s += kLanes) {
            const index first = i * a.n_segments + s;
            segment_lanes(in, a.n_segments, a.hop, first, lanes);
            f(lanes, first, int(std::min(kLanes, a.n_segments - s)));
        }
    }

    // f(lanes, number of the first segment, rows, scratch) for all segments of all signals
    template <class F>
    void for_all_segments(const Signals& in, const Asked& a, index rows, F&& f) const {
        const index total = in.count * a.n_segments, groups = (total + kLanes - 1) / kLanes, at_once = 16;
        for_parts((groups + at_once - 1) / at_once, a.threads, work_ns(groups), rows + scratch_size(),
                  [&](index part, double* memory) {
                      StretchIn lanes;
                      for (index g = part * at_once; g < std::min(groups, (part + 1) * at_once); ++g) {
                          segment_lanes(in, a.n_segments, a.hop, g * kLanes, lanes);
                          f(lanes, g * kLanes, memory, memory + rows);
                      }
                  });
    }

    std::vector<double> taper_, scale_;
    std::shared_ptr<const Fft<double>> fft_;
    SegmentPlan plan_;
};

template <PyObject* (SegmentSpectra::*method)(PyObject* const*) const, int n>
PyObject* call(PyObject* self, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        if (n_args != n) refuse_type("takes ", n, " arguments, got ", n_args);
        return (self_of<SegmentSpectra>(self).*method)(args);
    });
}

PyMethodDef methods[] = {
    {"mean", fastcall(call<&SegmentSpectra::mean, 7>), METH_FASTCALL, nullptr},
    {"each", fastcall(call<&SegmentSpectra::each, 7>), METH_FASTCALL, nullptr},
    {"bins", fastcall(call<&SegmentSpectra::bins, 6>), METH_FASTCALL, nullptr},
    {"cross", fastcall(call<&SegmentSpectra::cross, 7>), METH_FASTCALL, nullptr},
};

// detrend(x, axis, breaks, level, out, threads): breaks is a tuple from 0 to the number of samples. NotImplemented, too,
// for values that are not finite under a line.
PyObject* detrend(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        ArrayView x, y;
        int axis, threads;
        index level;
        if (n_args != 6 || !signals_argument(args[0], args[1], args[5], x, axis, threads)) return not_implemented();
        if (!PyTuple_CheckExact(args[2]) || !plain_int(args[3], 0, 1, level)) return not_implemented();
        std::vector<index> breaks(std::size_t(PyTuple_GET_SIZE(args[2])));
        for (std::size_t i = 0; i < breaks.size(); ++i)
            if (!plain_int(PyTuple_GET_ITEM(args[2], Py_ssize_t(i)), i ? breaks[i - 1] + 1 : 0, x.shape[axis],
                           breaks[i]))
                return not_implemented();
        py::object result;
        if (!result_for(args[4], x, x.dtype, x.shape, result, y)) return not_implemented();
        const Signals in(x, axis), out(y, axis);
        const auto run = [&](bool write) {
            std::atomic<bool> finite{true};
            for_parts(in.groups(), threads, 1.5 * double(in.n) * double(in.count), 0, [&](index group, double*) {
                const LanesIn from = in.lanes(group * kLanes);
                const LanesOut to = out.lanes_out(group * kLanes);
                for (std::size_t i = 1; i < breaks.size(); ++i)
                    if (!kernels().signal->subtract_trend(from, write ? &to : nullptr, breaks[i - 1], breaks[i],
                                                          level != 0))
                        finite = false;
            });
            return finite.load();
        };
        const bool in_place = y.data == x.data;  // then all must be sound before any of it changes
        if (in_place && !level && !run(false)) return not_implemented();
        if (!run(true)) return not_implemented();
        return result.release().ptr();
    });
}

// Signals of so many samples and more are transformed one at a time, where eight side by side leave the cache.
constexpr index kHilbertAlone = 2048;

// w^k, w = exp(-2 pi i / n) and k <= n / 16, as the kernel wants it; by products of two of a few that are kept.
std::vector<double> quarter_turn_twiddles(index n) {
    const index n_bins = n / 16 + 1, sines = round_up(n_bins, kLanes), fine = 64;
    const auto power = [n](index k) { return std::polar(1.0, -2 * M_PI * double(k) / double(n)); };
    std::vector<std::complex<double>> small(fine);
    for (index k = 0; k < fine; ++k) small[std::size_t(k)] = power(k);
    std::vector<double> table(std::size_t(2 * sines), 0.0);
    for (index k = 0; k < n_bins; k += fine) {
        const std::complex<double> first = power(k);
        for (index i = 0; i < fine && k + i < n_bins; ++i) {
            const std::complex<double> w = small[std::size_t(i)];
            table[std::size_t(k + i)] = first.real() * w.real() - first.imag() * w.imag();
            table[std::size_t(sines + k + i)] = first.real() * w.imag() + first.imag() * w.real();
        }
    }
    return table;
}

void hilbert_one_by_one(const Signals& in, const Signals& out, index n, int threads) {
    const auto fft = plan_for<double>(n / kLanes);
    const auto twiddles = quarter_turn_twiddles(n);
    for_parts(in.count, threads, 2 * double(in.count) * fft_ns(n), kernels().signal->hilbert_alone_scratch(fft->plan()),
              [&](index signal, double* scratch) {
                  kernels().signal->hilbert_alone(fft->plan(), twiddles.data(), in.lanes(signal), in.n,
                                                  out.lanes_out(signal), scratch);
              });
}

// hilbert(x, n, axis, threads) -> complex
PyObject* hilbert(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        ArrayView x;
        int axis, threads;
        index n;
        if (n_args != 4 || !signals_argument(args[0], args[2], args[3], x, axis, threads)) return not_implemented();
        if (!plain_int(args[1], 1, index(1) << 40, n)) return not_implemented();
        std::vector<Py_intptr_t> shape(x.shape, x.shape + x.nd);
        shape[std::size_t(axis)] = n;
        const py::object result = empty_complex(x.dtype, x.nd, shape.data());
        const Signals in(x, axis), whole = complex_signals(result, x.dtype, axis);
        if (n >= kHilbertAlone && n % kLanes == 0) {
            hilbert_one_by_one(in, whole, n, threads);
            return result.inc_ref().ptr();
        }
        const auto fft = plan_for<double>(n);
        for_parts(in.groups(), threads, 2 * 8 * double(in.groups()) * fft_ns(n),
                  kernels().signal->hilbert_scratch(fft->plan()), [&](index group, double* scratch) {
                      kernels().signal->hilbert(fft->plan(), whole_signals(in, group * kLanes),
                                                whole.lanes_out(group * kLanes), scratch);
                  });
        return result.inc_ref().ptr();
    });
}

PyMethodDef functions[] = {
    {"detrend", fastcall(detrend), METH_FASTCALL, nullptr},
    {"hilbert", fastcall(hilbert), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_signal_spectra(py::module_& m) {
    using namespace py::literals;
    auto cls =
        py::class_<SegmentSpectra>(m, "SegmentSpectra", py::module_local())
            .def(py::init<const Matrix&, index, int, const Matrix&>(), "taper"_a, "n_fft"_a, "detrend"_a, "scale"_a);
    for (PyMethodDef& method : methods) add_fastcall(cls, method);
    if (PyModule_AddFunctions(m.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace fastemo
