// NumPy arrays as the core sees them: an address, strides and a type. Nothing is converted or copied.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <atomic>
#include <sstream>
#include <stdexcept>
#include <string>

#include "../fastemo/base/types.hpp"

namespace fastemo {

namespace py = pybind11;

// An error for the user: becomes ValueError or TypeError.
template <class... Parts>
std::string message(const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    return text.str();
}
template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
    throw py::value_error(message(parts...));
}
template <class... Parts>
[[noreturn]] void refuse_type(const Parts&... parts) {
    throw py::type_error(message(parts...));
}

struct ArrayView {
    void* data = nullptr;
    int nd = 0;
    const Py_intptr_t* shape = nullptr;
    const Py_intptr_t* strides = nullptr;
    Dtype dtype = Dtype::f64;
    bool writeable = false;

    index itemsize() const { return dtype == Dtype::f64 ? 8 : 4; }
    bool contiguous() const {
        index expected = itemsize();
        for (int d = nd - 1; d >= 0; --d) {
            if (shape[d] == 0) return true;
            if (shape[d] != 1 && strides[d] != expected) expected = -1;
            expected *= shape[d];
        }
        return expected >= 0;
    }
};

inline std::string type_name(py::handle object) { return py::str(py::type::of(object).attr("__name__")); }

// A float32 or float64 array; refuses everything else by name.
inline ArrayView view_of(PyObject* object, const char* name) {
    constexpr int kFloat = 11, kDouble = 12, kAligned = 0x0100, kWriteable = 0x0400;
    if (!py::detail::npy_api::get().PyArray_Check_(object))
        refuse_type(name, " is a ", type_name(object), ", expected a NumPy array of float32 or float64");
    const auto* a = py::detail::array_proxy(object);
    const auto* d = py::detail::array_descriptor_proxy(a->descr);
    const auto dtype = py::reinterpret_borrow<py::dtype>(a->descr);
    const int type = dtype.num();
    if (type != kFloat && type != kDouble)
        refuse_type(name, " has dtype ", std::string(py::str(dtype)),
                    ", expected float32 or float64 (scale counts to the unit first)");
    if (d->byteorder != '=' && d->byteorder != '|')
        refuse_type(name, " has the other byte order: convert it with .astype(float)");
    if (!(a->flags & kAligned)) refuse(name, " is not aligned in memory: pass a copy of it");
    ArrayView v;
    v.data = a->data, v.nd = a->nd;
    v.shape = a->dimensions, v.strides = a->strides;
    v.dtype = type == kDouble ? Dtype::f64 : Dtype::f32;
    v.writeable = a->flags & kWriteable;
    return v;
}

inline bool is_samples_first(py::handle layout) {
    if (!layout || layout.is_none()) return false;
    if (PyUnicode_Check(layout.ptr())) {
        if (PyUnicode_CompareWithASCIIString(layout.ptr(), "channels_first") == 0) return false;
        if (PyUnicode_CompareWithASCIIString(layout.ptr(), "samples_first") == 0) return true;
    }
    refuse("layout is ", std::string(py::repr(layout)), ", expected 'channels_first' or 'samples_first'");
}

// A chunk of `n_channels` channels in either layout.
inline Samples samples_of(const ArrayView& v, const char* name, index n_channels, bool samples_first, index& n) {
    const char* shape = samples_first ? "(n_samples, n_channels)" : "(n_channels, n_samples)";
    if (v.nd != 2) refuse(name, " has ", v.nd, " dimensions, expected 2: ", shape);
    const int c = samples_first ? 1 : 0;
    if (v.shape[c] != n_channels)
        refuse(name, " has ", v.shape[c], " channels, expected ", n_channels, ": its shape is ", shape,
               v.shape[1 - c] == n_channels ? "; pass the other layout=" : "");
    n = v.shape[1 - c];
    return {v.data, v.dtype, v.strides[c], v.strides[1 - c]};
}

// True where a and b touch the same memory without being the very same view.
inline bool overlaps_partly(const ArrayView& a, const ArrayView& b) {
    const auto span = [](const ArrayView& v) {
        auto low = reinterpret_cast<std::intptr_t>(v.data), high = low + v.itemsize();
        for (int d = 0; d < v.nd; ++d) {
            if (v.shape[d] == 0) return std::pair(low, low);
            (v.strides[d] < 0 ? low : high) += v.strides[d] * (v.shape[d] - 1);
        }
        return std::pair(low, high);
    };
    bool same = a.data == b.data && a.dtype == b.dtype;
    for (int d = 0; d < a.nd; ++d) same &= a.strides[d] == b.strides[d] || a.shape[d] <= 1;
    const auto [a0, a1] = span(a);
    const auto [b0, b1] = span(b);
    return !same && a0 < b1 && b0 < a1;
}

// A new float64 array (..., last) for signals (..., n), or the one given.
inline py::object result_array(PyObject* given, const ArrayView& x, index last) {
    std::vector<Py_intptr_t> shape(x.shape, x.shape + x.nd);
    shape.back() = last;
    if (!given || given == Py_None) {
        auto& api = py::detail::npy_api::get();
        PyObject* made = api.PyArray_NewFromDescr_(api.PyArray_Type_, py::dtype::of<double>().release().ptr(), x.nd,
                                                   shape.data(), nullptr, nullptr, 0, nullptr);
        if (!made) throw py::error_already_set();
        return py::reinterpret_steal<py::object>(made);
    }
    const ArrayView out = view_of(given, "out");
    bool fits = out.nd == x.nd && out.dtype == Dtype::f64 && out.contiguous() && out.writeable;
    for (int d = 0; fits && d < x.nd; ++d) fits = out.shape[d] == shape[std::size_t(d)];
    if (!fits) {
        std::string wanted;
        for (const index s : shape) wanted += (wanted.empty() ? "" : ", ") + std::to_string(s);
        refuse("out must be a writable, C-contiguous float64 array of shape (", wanted, ")");
    }
    if (overlaps_partly(x, out) || out.data == x.data) refuse("out overlaps x in memory: pass memory of its own");
    return py::reinterpret_borrow<py::object>(given);
}

// Holds an object for the calling thread, which may release the GIL meanwhile; refuses where another thread holds it.
class Hold {
public:
    Hold(std::atomic_flag& busy, const char* refusal) : busy_(busy) {
        if (busy_.test_and_set(std::memory_order_acquire)) throw std::runtime_error(refusal);
    }
    ~Hold() { busy_.clear(std::memory_order_release); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

private:
    std::atomic_flag& busy_;
};

// The C++ object behind a pybind11 instance, without the cost of a cast.
template <class T>
T& self_of(PyObject* self) {
    auto* const value = reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder().value_ptr();
    if (!value) refuse_type("the object was made without calling __init__");
    return *static_cast<T*>(value);
}

// Positional and keyword arguments of a METH_FASTCALL | METH_KEYWORDS method, borrowed, in the order of `names`.
template <std::size_t N>
void parse_fastcall(const char* method, const char* const (&names)[N], std::size_t required, PyObject* const* args,
                    Py_ssize_t n_args, PyObject* keywords, PyObject* (&out)[N]) {
    if (n_args > Py_ssize_t(N)) refuse_type(method, "() takes at most ", N, " arguments, got ", n_args);
    for (std::size_t i = 0; i < N; ++i) out[i] = Py_ssize_t(i) < n_args ? args[i] : nullptr;
    const Py_ssize_t n_keywords = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    for (Py_ssize_t k = 0; k < n_keywords; ++k) {
        PyObject* key = PyTuple_GET_ITEM(keywords, k);
        std::size_t i = 0;
        while (i < N && PyUnicode_CompareWithASCIIString(key, names[i]) != 0) ++i;
        if (i == N) refuse_type(method, "() has no argument ", std::string(py::str(key)));
        if (out[i]) refuse_type(method, "() got two values for ", names[i]);
        out[i] = args[n_args + k];
    }
    for (std::size_t i = 0; i < required; ++i)
        if (!out[i]) refuse_type(method, "() misses its argument ", names[i]);
}

// Runs `body`, which returns a new reference, turning C++ exceptions into Python's.
template <class F>
PyObject* guarded(F&& body) noexcept {
    try {
        return body();
    } catch (py::error_already_set& e) {
        e.restore();
    } catch (const py::builtin_exception& e) {
        e.set_error();
    } catch (const std::invalid_argument& e) {
        PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    }
    return nullptr;
}

// What process(chunk, out=None, layout=None) of a filter is given: where its samples are and go. `result` is `out`, or a
// new array of the chunk's shape.
struct ChunkCall {
    ChunkCall(PyObject* const* args, Py_ssize_t n_args, PyObject* keywords, index n_channels) {
        static const char* const names[] = {"chunk", "out", "layout"};
        PyObject* given[3];
        parse_fastcall("process", names, 1, args, n_args, keywords, given);
        const bool samples_first = is_samples_first(given[2]);
        const ArrayView x = view_of(given[0], "chunk");
        in = samples_of(x, "chunk", n_channels, samples_first, n);
        if (given[1] && given[1] != Py_None)
            result = py::reinterpret_borrow<py::object>(given[1]);
        else
            result = py::array_t<double>({x.shape[0], x.shape[1]});
        const ArrayView y = view_of(result.ptr(), "out");
        if (y.nd != 2 || y.shape[0] != x.shape[0] || y.shape[1] != x.shape[1])
            refuse("out has shape ", std::string(py::str(result.attr("shape"))), ", expected that of chunk, (",
                   x.shape[0], ", ", x.shape[1], ")");
        if (!y.writeable) refuse("out is read-only");
        if (overlaps_partly(x, y)) refuse("out overlaps chunk in memory: pass chunk itself or memory of its own");
        const int c = samples_first ? 1 : 0;
        out = {y.data, y.dtype, y.strides[c], y.strides[1 - c]};
    }

    index n;
    Samples in;
    SamplesOut out;
    py::object result;
};

// Adds a METH_FASTCALL | METH_KEYWORDS method to a bound class. `def` must live for ever.
inline void add_fastcall(py::handle cls, PyMethodDef& def) {
    cls.attr(def.ml_name) =
        py::reinterpret_steal<py::object>(PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(cls.ptr()), &def));
}

}  // namespace fastemo
