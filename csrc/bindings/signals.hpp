// The signals along one axis of an array of any shape and strides, and work on groups of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "../fastemo/base/buffer.hpp"
#include "../fastemo/base/denormal.hpp"
#include "../fastemo/base/lanes.hpp"
#include "../fastemo/engine/share.hpp"
#include "../fastemo/targets/kernels.hpp"
#include "../fastemo/targets/signal_kernels.hpp"
#include "arrays.hpp"

namespace fastemo {

constexpr double kHoldSignalsGilNs = 50e3;

// Counted in C order of the other axes. Axes that the strides allow to be one are one.
class Signals {
public:
    Signals(const ArrayView& x, int axis) : Signals(x.data, x.dtype, x.nd, x.shape, x.strides, axis) {}
    Signals(void* data, Dtype dtype, int nd, const Py_intptr_t* shape, const Py_intptr_t* strides, int axis)
        : n(shape[axis]), stride(strides[axis]), dtype(dtype), data_(static_cast<char*>(data)) {
        for (int d = nd - 1; d >= 0; --d) {
            if (d == axis || shape[d] == 1) continue;
            count *= shape[d];
            if (n_outer_ > 0 && strides[d] == outer_[n_outer_ - 1].size * outer_[n_outer_ - 1].stride)
                outer_[n_outer_ - 1].size *= shape[d];
            else
                outer_[n_outer_++] = {shape[d], strides[d]};
        }
    }

    char* at(index signal) const {
        char* to = data_;
        for (int d = 0; d + 1 < n_outer_; ++d) {
            to += signal % outer_[d].size * outer_[d].stride;
            signal /= outer_[d].size;
        }
        return n_outer_ ? to + signal * outer_[n_outer_ - 1].stride : to;
    }

    // Signals [first, first + kLanes), as far as there are so many. A group of one is a group of one.
    LanesIn lanes(index first) const { return fill<LanesIn>(first); }
    LanesOut lanes_out(index first) const { return fill<LanesOut>(first); }

    index groups() const { return (count + kLanes - 1) / kLanes; }
    index itemsize() const { return dtype == Dtype::f64 ? 8 : 4; }

    const index n, stride;
    const Dtype dtype;
    index count = 1;

private:
    template <class T>
    T fill(index first) const {
        T lanes;
        lanes.stride = stride, lanes.dtype = dtype;
        lanes.width = int(std::min(kLanes, count - first));
        lanes.adjacent = lanes.width == kLanes;
        for (index l = 0; l < kLanes; ++l) {
            lanes.at[l] = at(first + std::min(l, index(lanes.width) - 1));
            lanes.adjacent &= l == 0 || lanes.at[l] - lanes.at[l - 1] == itemsize();
        }
        return lanes;
    }

    struct Axis {
        index size, stride;
    };
    char* data_;
    int n_outer_ = 0;
    Axis outer_[64];  // the last of the axes first
};

// Segments [first, first + kLanes) of all signals, counted signal by signal.
inline void segment_lanes(const Signals& in, index n_segments, index hop, index first, StretchIn& lanes) {
    const index total = in.count * n_segments;
    lanes.width = int(std::min(kLanes, total - first));
    lanes.stride = in.stride, lanes.dtype = in.dtype, lanes.adjacent = false;
    for (index l = 0; l < kLanes; ++l) {
        const index item = first + std::min(l, index(lanes.width) - 1), offset = item % n_segments * hop;
        lanes.at[l] = in.at(item / n_segments) + offset * in.stride;
        lanes.first[l] = -offset, lanes.stop[l] = in.n - offset;
    }
}

inline StretchIn whole_signals(const Signals& in, index first) {
    StretchIn lanes;
    static_cast<LanesIn&>(lanes) = in.lanes(first);
    for (index l = 0; l < kLanes; ++l) lanes.first[l] = 0, lanes.stop[l] = in.n;
    return lanes;
}

// One transform of n samples of a signal, estimated.
inline double fft_ns(index n) { return 1.0 + 0.1 * double(n) * std::log2(double(n) + 1); }

// Memory that a thread keeps from call to call where it is not much: pages that come and go cost more than a transform.
class ScratchLoan {
public:
    explicit ScratchLoan(index size) {
        if (size <= kMostKept) {
            memory_ = std::exchange(kept(), Buffer<double>());
            if (memory_.size() < size) memory_ = Buffer<double>(size);
        } else {
            memory_ = Buffer<double>(size, Buffer<double>::Uncleared());
        }
    }
    ~ScratchLoan() {
        if (is_kept()) kept() = std::move(memory_);
    }
    ScratchLoan(const ScratchLoan&) = delete;
    ScratchLoan& operator=(const ScratchLoan&) = delete;

    bool is_kept() const { return memory_.size() <= kMostKept; }
    double* data() const { return memory_.data(); }

private:
    static constexpr index kMostKept = 1 << 16;  // doubles
    static Buffer<double>& kept() {
        thread_local Buffer<double> memory;
        return memory;
    }
    Buffer<double> memory_;
};

// Calls work(part, scratch) for all parts, each thread with `scratch` doubles of its own; without the GIL where the work,
// estimated at `ns`, is worth it.
template <class F>
void for_parts(index parts, int threads, double ns, index scratch, const F& work) {
    threads = int(std::min<index>(threads, std::max<index>(parts, 1)));
    const index each = round_up(scratch, kLanes);
    ScratchLoan memory(each * threads);
    std::vector<char> cleared(std::size_t(memory.is_kept() ? 0 : threads), 0);
    const auto run = [&] {
        const DenormalScope flush;
        share(parts, threads, ns, [&](index part, int thread) {
            double* const scratch = memory.data() + thread * each;
            if (!memory.is_kept() && !cleared[std::size_t(thread)]) {  // pages come to the thread that uses them
                std::fill_n(scratch, each, 0.0);
                cleared[std::size_t(thread)] = 1;
            }
            work(part, scratch);
        });
    };
    if (ns < kHoldSignalsGilNs) return run();
    const py::gil_scoped_release release;
    run();
}

// A float32 or float64 array that is just that, or nothing. Everything else is for Python to convert, refuse or hand on.
inline bool plain_array(PyObject* object, ArrayView& v) {
    constexpr int kFloat = 11, kDouble = 12, kAligned = 0x0100, kWriteable = 0x0400;
    auto& api = py::detail::npy_api::get();
    if (Py_TYPE(object) != api.PyArray_Type_) return false;
    const auto* a = py::detail::array_proxy(object);
    const auto* d = py::detail::array_descriptor_proxy(a->descr);
    const int type = py::reinterpret_borrow<py::dtype>(a->descr).num();
    if ((type != kFloat && type != kDouble) || d->byteorder != '=' || !(a->flags & kAligned)) return false;
    v.data = a->data, v.nd = a->nd, v.shape = a->dimensions, v.strides = a->strides;
    v.dtype = type == kDouble ? Dtype::f64 : Dtype::f32;
    v.writeable = a->flags & kWriteable;
    return true;
}

// A whole number from a Python int, within [low, high].
inline bool plain_int(PyObject* object, index low, index high, index& value) {
    if (!PyLong_CheckExact(object)) return false;
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(object, &overflow);
    return !overflow && value >= low && value <= high;
}

inline double value_at(const ArrayView& v, index offset) {
    const char* at = static_cast<const char*>(v.data) + offset;
    return v.dtype == Dtype::f64 ? *reinterpret_cast<const double*>(at) : double(*reinterpret_cast<const float*>(at));
}

inline py::object empty_array(Dtype dtype, int nd, const Py_intptr_t* shape) {
    auto& api = py::detail::npy_api::get();
    py::dtype type = dtype == Dtype::f64 ? py::dtype::of<double>() : py::dtype::of<float>();
    PyObject* made =
        api.PyArray_NewFromDescr_(api.PyArray_Type_, type.release().ptr(), nd, shape, nullptr, nullptr, 0, nullptr);
    if (!made) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(made);
}

inline Dtype common(Dtype a, Dtype b) { return a == Dtype::f32 && b == Dtype::f32 ? Dtype::f32 : Dtype::f64; }

// Where a result of a shape goes: a new array, or the one given if it fits and lies on `x` either exactly or not at all.
inline bool result_for(PyObject* given, const ArrayView& x, Dtype dtype, const Py_intptr_t* shape, py::object& result,
                       ArrayView& view) {
    if (given == Py_None) {
        result = empty_array(dtype, x.nd, shape);
    } else {
        if (!plain_array(given, view) || !view.writeable || view.nd != x.nd) return false;
        for (int d = 0; d < x.nd; ++d)
            if (view.shape[d] != shape[d]) return false;
        if (overlaps_partly(x, view)) return false;
        result = py::reinterpret_borrow<py::object>(given);
    }
    return plain_array(result.ptr(), view);
}

// For an array with a signal axis: x has at least one sample, and axis and threads are what they should be.
inline bool signals_argument(PyObject* x, PyObject* axis, PyObject* threads, ArrayView& v, int& along, int& n_threads) {
    index a, t;
    if (!plain_array(x, v) || v.nd < 1 || !plain_int(axis, -v.nd, v.nd - 1, a) || !plain_int(threads, 1, 1 << 10, t))
        return false;
    for (int d = 0; d < v.nd; ++d)
        if (v.shape[d] == 0) return false;
    along = int(a < 0 ? a + v.nd : a);
    n_threads = int(t);
    return true;
}

inline PyObject* not_implemented() {
    Py_INCREF(Py_NotImplemented);
    return Py_NotImplemented;
}

template <class F>
PyCFunction fastcall(F* function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace fastemo
