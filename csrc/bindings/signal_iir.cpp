// Recursive filters on whole arrays, with SciPy's meaning of the arguments. Where these are not plain float arrays of
// fitting shapes the answer is NotImplemented, and fastemo.signal converts them, says what is wrong, or asks SciPy.
#include <vector>

#include "../fastemo/ops/sections.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

// What one sample of one signal costs: on its way in and out, and per section or order.
constexpr double kDoorNs = 0.8, kSectionNs = 0.3, kOrderNs = 0.15, kAloneFactor = 4;

double work_ns(const Signals& x, double per_sample) {
    const double n = double(x.n) * double(x.count);
    return x.count == 1 ? kAloneFactor * n * per_sample : n * (kDoorNs + per_sample);
}

bool sections_argument(PyObject* object, std::vector<Section>& sections, Dtype& dtype) {
    ArrayView v;
    if (!plain_array(object, v) || v.nd != 2 || v.shape[1] != 6 || v.shape[0] == 0) return false;
    dtype = v.dtype;
    std::vector<double> sos;
    for (index s = 0; s < v.shape[0]; ++s)
        for (index i = 0; i < 6; ++i) sos.push_back(value_at(v, s * v.strides[0] + i * v.strides[1]));
    for (index s = 0; s < v.shape[0]; ++s)
        if (sos[std::size_t(6 * s + 3)] != 1) return false;
    sections = make_sections(sos.data(), v.shape[0]);
    return true;
}

constexpr std::size_t kShortFir = 9;  // longer filters without recursion have a faster kernel

struct Transfer {
    std::vector<double> b, a;
    Dtype dtype;
    index order;
    bool is_fir;
};

bool coefficients(PyObject* object, std::vector<double>& values, Dtype& dtype) {
    ArrayView v;
    if (!plain_array(object, v) || v.nd != 1 || v.shape[0] == 0) return false;
    dtype = v.dtype;
    for (index i = 0; i < v.shape[0]; ++i) values.push_back(value_at(v, i * v.strides[0]));
    return true;
}

bool transfer_argument(PyObject* b, PyObject* a, Transfer& t) {
    Dtype of_a;
    if (!coefficients(b, t.b, t.dtype) || !coefficients(a, t.a, of_a) || t.a[0] == 0) return false;
    t.dtype = common(t.dtype, of_a);
    const std::size_t n = std::max(t.b.size(), t.a.size());
    if (n < 2 || (t.a.size() == 1 && n > kShortFir)) return false;
    t.is_fir = t.a.size() == 1;
    const double a0 = t.a[0];
    for (double& c : t.b) c /= a0;
    for (double& c : t.a) c /= a0;
    t.b.resize(n), t.a.resize(n);
    t.order = index(n) - 1;
    return true;
}

// Filter states of the signals of x: an array with one axis more in front where there are sections, and in place of the
// axis of time one of `size` values.
class States {
public:
    bool take(PyObject* object, const ArrayView& x, int axis, index n_sections, index size) {
        if (object == Py_None) return true;
        ArrayView v;
        const int leading = n_sections > 0;
        if (!plain_array(object, v) || v.nd != x.nd + leading || (leading && v.shape[0] != n_sections)) return false;
        for (int d = 0; d < x.nd; ++d)
            if (v.shape[d + leading] != (d == axis ? size : x.shape[d])) return false;
        given = true, dtype = v.dtype;
        view_ = v, leading_ = leading, axis_ = axis;
        return true;
    }

    // A new array like the one given, for the states at the end.
    void make_final(Dtype as) {
        if (!given) return;
        last = empty_array(as, view_.nd, view_.shape);
        plain_array(last.ptr(), last_view_);
    }

    // States [n][lanes] of the signals of a group.
    void read(index first, int lanes, index n, double* state) const {
        if (!given) {
            std::fill_n(state, n * lanes, 0.0);
            return;
        }
        visit(view_, first, lanes, n,
              [&](const ArrayView& v, index offset, index at) { state[at] = value_at(v, offset); });
    }
    void write(index first, int lanes, index count, index n, const double* state) const {
        if (!given) return;
        visit(last_view_, first, lanes, n, [&](const ArrayView& v, index offset, index at) {
            if (at % lanes >= count) return;
            char* to = static_cast<char*>(v.data) + offset;
            if (v.dtype == Dtype::f64)
                *reinterpret_cast<double*>(to) = state[at];
            else
                *reinterpret_cast<float*>(to) = float(state[at]);
        });
    }

    bool given = false;
    Dtype dtype = Dtype::f32;
    py::object last;

private:
    template <class F>
    void visit(const ArrayView& v, index first, int lanes, index n, F&& f) const {
        const Signals signals(v.data, v.dtype, v.nd - leading_, v.shape + leading_, v.strides + leading_, axis_);
        const index per_section = leading_ ? signals.n : n;
        for (int l = 0; l < lanes; ++l) {
            const index signal = std::min(first + l, signals.count - 1);
            const index base = signals.at(signal) - static_cast<char*>(v.data);
            for (index j = 0; j < n; ++j)
                f(v, base + (leading_ ? j / per_section * v.strides[0] : 0) + j % per_section * signals.stride,
                  j * lanes + l);
        }
    }

    ArrayView view_, last_view_;
    int leading_ = 0, axis_ = 0;
};

py::object with_states(py::object result, const States& states) {
    return states.given ? py::object(py::make_tuple(result, states.last)) : result;
}

// All groups of x through a filter that keeps n_states values per signal.
template <class Run>
PyObject* filter_all(PyObject* x_object, PyObject* axis_object, PyObject* zi, PyObject* out_object,
                     PyObject* threads_object, Dtype of_filter, index n_sections, index n_states, double ns,
                     const Run& run) {
    ArrayView x, y;
    int axis, threads;
    States states;
    if (!signals_argument(x_object, axis_object, threads_object, x, axis, threads)) return not_implemented();
    if (!states.take(zi, x, axis, n_sections, n_sections > 0 ? 2 : n_states)) return not_implemented();
    Dtype dtype = common(of_filter, x.dtype);
    if (states.given) dtype = common(dtype, states.dtype);
    py::object result;
    if (!result_for(out_object, x, dtype, x.shape, result, y)) return not_implemented();
    states.make_final(dtype);
    const Signals in(x, axis), out(y, axis);
    for_parts(in.groups(), threads, work_ns(in, ns), n_states * kLanes, [&](index group, double* state) {
        const index first = group * kLanes;
        const LanesIn lanes = in.lanes(first);
        const int width = lanes.width == 1 ? 1 : int(kLanes);
        states.read(first, width, n_states, state);
        run(state, lanes, out.lanes_out(first), in.n);
        states.write(first, width, lanes.width, n_states, state);
    });
    return with_states(std::move(result), states).release().ptr();
}

// The same forward and backward.
template <class Run>
PyObject* filter_all_both_ways(PyObject* const* args, Dtype of_filter, index n_states, double ns, const Run& run) {
    ArrayView zi, x, y;
    int axis, threads;
    index kind, edge;
    if (!signals_argument(args[1], args[2], args[6], x, axis, threads)) return not_implemented();
    if (!plain_array(args[0], zi) || zi.dtype != Dtype::f64 || !zi.contiguous()) return not_implemented();
    if (!plain_int(args[3], 0, 3, kind) || !plain_int(args[4], 0, x.shape[axis] - 1, edge)) return not_implemented();
    index n_zi = 1;
    for (int d = 0; d < zi.nd; ++d) n_zi *= zi.shape[d];
    if (n_zi != n_states) return not_implemented();
    py::object result;
    if (!result_for(args[5], x, common(of_filter, x.dtype), x.shape, result, y)) return not_implemented();
    const Signals in(x, axis), out(y, axis);
    const Extension extension{Extension::Kind(kind), edge};
    const index scratch = kernels().signal->filtfilt_scratch(n_states, in.n, edge);
    for_parts(in.groups(), threads, 3 * work_ns(in, ns), scratch, [&](index group, double* memory) {
        const index first = group * kLanes;
        run(static_cast<const double*>(zi.data), extension, in.lanes(first), out.lanes_out(first), in.n, memory);
    });
    return result.release().ptr();
}

// sosfilt(sos, x, axis, zi, out, threads)
PyObject* sosfilt(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        std::vector<Section> sos;
        Dtype dtype;
        if (n_args != 6 || !sections_argument(args[0], sos, dtype)) return not_implemented();
        const index n = index(sos.size());
        return filter_all(args[1], args[2], args[3], args[4], args[5], dtype, n, 2 * n, kSectionNs * double(n),
                          [&](double* state, const LanesIn& in, const LanesOut& out, index samples) {
                              kernels().signal->sosfilt(sos.data(), n, state, in, out, samples);
                          });
    });
}

// lfilter(b, a, x, axis, zi, out, threads)
PyObject* lfilter(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        Transfer t;
        if (n_args != 7 || !transfer_argument(args[0], args[1], t)) return not_implemented();
        if (t.is_fir && args[4] == Py_None) return not_implemented();  // sums of products are faster
        return filter_all(args[2], args[3], args[4], args[5], args[6], t.dtype, 0, t.order, kOrderNs * double(t.order),
                          [&](double* state, const LanesIn& in, const LanesOut& out, index samples) {
                              kernels().signal->lfilter(t.b.data(), t.a.data(), t.order, state, in, out, samples);
                          });
    });
}

// sosfiltfilt(sos, zi, x, axis, kind of extension, edge, out, threads)
PyObject* sosfiltfilt(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        std::vector<Section> sos;
        Dtype dtype;
        if (n_args != 8 || !sections_argument(args[0], sos, dtype)) return not_implemented();
        const index n = index(sos.size());
        return filter_all_both_ways(args + 1, dtype, 2 * n, kSectionNs * double(n),
                                    [&](const double* zi, const Extension& extension, const LanesIn& in,
                                        const LanesOut& out, index samples, double* scratch) {
                                        kernels().signal->sosfiltfilt(sos.data(), n, zi, extension, in, out, samples,
                                                                      scratch);
                                    });
    });
}

// filtfilt(b, a, zi, x, axis, kind of extension, edge, out, threads)
PyObject* filtfilt(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        Transfer t;
        if (n_args != 9 || !transfer_argument(args[0], args[1], t)) return not_implemented();
        return filter_all_both_ways(args + 2, t.dtype, t.order, kOrderNs * double(t.order),
                                    [&](const double* zi, const Extension& extension, const LanesIn& in,
                                        const LanesOut& out, index samples, double* scratch) {
                                        kernels().signal->filtfilt(t.b.data(), t.a.data(), t.order, zi, extension, in,
                                                                   out, samples, scratch);
                                    });
    });
}

PyMethodDef functions[] = {
    {"sosfilt", fastcall(sosfilt), METH_FASTCALL, nullptr},
    {"lfilter", fastcall(lfilter), METH_FASTCALL, nullptr},
    {"sosfiltfilt", fastcall(sosfiltfilt), METH_FASTCALL, nullptr},
    {"filtfilt", fastcall(filtfilt), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_signal_iir(py::module_& m) {
    if (PyModule_AddFunctions(m.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace fastemo
