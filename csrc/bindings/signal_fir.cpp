// FIR filters and changes of rate on whole arrays. As signal_iir.cpp: NotImplemented where the arguments are not plain.
#include <cmath>
#include <vector>

#include "plans.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

// Signals in pieces along time, one lane each. Lanes count signals first, then pieces.
class Pieces {
public:
    // Pieces begin at multiples of a period: `up` results from `down` samples. Beyond each `halo` samples more are read.
    Pieces(const Signals& in, const Signals& out, index up, index down, index halo, int threads)
        : in_(in), out_(out), up_(up), down_(down) {
        const index count = in.count, periods = (out.n + up - 1) / up;
        const index least = std::max<index>(1, (2 * halo + down - 1) / down);  // periods worth a piece of their own
        const index most = std::max<index>(1, periods / least);
        index pieces = 1;
        if (count % kLanes != 0 && count < 4 * kLanes) pieces = std::min(most, kLanes);
        const index groups = (count * pieces + kLanes - 1) / kLanes;
        // Many shares, so that no thread waits long for the last one.
        if (threads > 1 && groups < 16 * threads)
            pieces = std::min(most, pieces * ((16 * threads + groups - 1) / groups));
        periods_ = (periods + pieces - 1) / pieces;
        pieces_ = (periods + periods_ - 1) / periods_;
    }

    index groups() const { return (in_.count * pieces_ + kLanes - 1) / kLanes; }

    void group(index g, StretchIn& in, StretchOut& out) const {
        const index first = g * kLanes, total = in_.count * pieces_;
        in.width = out.width = int(std::min(kLanes, total - first));
        in.stride = in_.stride, out.stride = out_.stride;
        in.dtype = in_.dtype, out.dtype = out_.dtype;
        in.adjacent = out.adjacent = in.width == kLanes;
        for (index l = 0; l < kLanes; ++l) {
            const index lane = first + std::min(l, index(in.width) - 1);
            const index signal = lane % in_.count, period = lane / in_.count * periods_;
            in.at[l] = in_.at(signal) + period * down_ * in.stride;
            in.first[l] = -period * down_, in.stop[l] = in_.n - period * down_;
            out.at[l] = out_.at(signal) + period * up_ * out.stride;
            out.stop[l] = std::min(periods_ * up_, out_.n - period * up_);
            in.adjacent &= l == 0 || in.at[l] - in.at[l - 1] == in_.itemsize();
            out.adjacent &= l == 0 || out.at[l] - out.at[l - 1] == out_.itemsize();
        }
    }

private:
    const Signals &in_, &out_;
    const index up_, down_;
    index periods_, pieces_;
};

bool taps_argument(PyObject* object, std::vector<double>& taps, Dtype& dtype) {
    ArrayView v;
    if (!plain_array(object, v) || v.nd != 1 || v.shape[0] == 0) return false;
    dtype = v.dtype;
    for (index i = 0; i < v.shape[0]; ++i) taps.push_back(value_at(v, i * v.strides[0]));
    return true;
}

// The array for n_out results along the axis: new, or `given` if it fits and lies apart from x.
bool resampled_result(PyObject* given, const ArrayView& x, int axis, index n_out, Dtype dtype, py::object& result,
                      ArrayView& y) {
    std::vector<Py_intptr_t> shape(x.shape, x.shape + x.nd);
    shape[std::size_t(axis)] = n_out;
    if (!result_for(given, x, dtype, shape.data(), result, y)) return false;
    return y.data != x.data;  // results of a piece are samples of the next: not in place
}

void run_polyphase(const std::vector<double>& h, index up, index down, index offset, const Signals& in,
                   const Signals& out, int threads) {
    std::vector<double> taps;
    std::vector<index> first(std::size_t(up) + 1, 0);
    const index n_taps = index(h.size());
    for (index p = 0; p < up; ++p) {
        for (index k = p + (n_taps - 1 - p) / up * up; k >= p && p < n_taps; k -= up) taps.push_back(h[std::size_t(k)]);
        first[std::size_t(p) + 1] = index(taps.size());
    }
    const Polyphase filter{taps.data(), first.data(), up, down, offset};
    const Pieces pieces(in, out, up, down, n_taps / up + 1, threads);
    const double ns = double(out.n) * double(in.count) * (0.5 + 0.05 * double(n_taps) / double(up)) +
                      0.5 * double(in.n) * double(in.count);
    for_parts(pieces.groups(), threads, ns, kernels().signal->polyphase_scratch(filter), [&](index g, double* scratch) {
        StretchIn from;
        StretchOut to;
        pieces.group(g, from, to);
        kernels().signal->polyphase(filter, from, to, scratch);
    });
}

// The FFT that filters with so many taps at the least cost per sample.
index overlap_save_length(index n_taps, index n_out, double& cost) {
    index best = 0;
    cost = 1e300;
    for (const index mantissa : {8, 9, 10, 12, 15})
        for (index n = mantissa; n <= index(1) << 22; n *= 2) {
            const index hop = n - n_taps + 1;
            if (n < 64 || hop <= 0) continue;
            const double blocks = double((n_out + hop - 1) / hop);
            const double spill = n > 4096 ? 1.3 : 1.0;  // more than the second cache holds
            const double total = blocks * double(n) * (0.8 + 0.16 * std::log2(double(n))) * spill;
            if (total < cost) cost = total, best = n;
        }
    return best;
}

void run_overlap_save(const std::vector<double>& h, index length, index offset, const Signals& in, const Signals& out,
                      int threads) {
    const auto fft = plan_for<double>(length);
    std::vector<double> padded_taps(std::size_t(length), 0.0), spectrum(std::size_t(length / 2 + 1) * 2),
        scratch(std::size_t(fft -> scratch_size()));
    for (std::size_t k = 0; k < h.size(); ++k) padded_taps[k] = h[k] / double(length);
    kernels().rfft_f64(fft->plan(), {padded_taps.data(), Dtype::f64, 0, 8}, 1, {spectrum.data(), Dtype::f64, 0, 16},
                       scratch.data(), 0, kLanes);
    const OverlapSave filter{&fft->plan(), spectrum.data(), index(h.size()), offset};
    const index hop = length - index(h.size()) + 1;
    const Pieces pieces(in, out, hop, hop, 0, threads);
    const double ns = 3.0 * double(out.n) * double(in.count);
    for_parts(pieces.groups(), threads, ns, kernels().signal->overlap_save_scratch(filter),
              [&](index g, double* memory) {
                  StretchIn from;
                  StretchOut to;
                  pieces.group(g, from, to);
                  kernels().signal->overlap_save(filter, from, to, memory);
              });
}

// upfirdn(h, x, up, down, axis, offset, n_out, out, threads): y[m] = sum_k h[k] v[m down + offset - k], m < n_out, v the
// signal with up - 1 zeros after each sample.
PyObject* upfirdn(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        constexpr index kMost = index(1) << 40;
        std::vector<double> h;
        Dtype dtype;
        ArrayView x, y;
        int axis, threads;
        index up, down, offset, n_out;
        if (n_args != 9 || !taps_argument(args[0], h, dtype)) return not_implemented();
        if (!signals_argument(args[1], args[4], args[8], x, axis, threads)) return not_implemented();
        if (!plain_int(args[2], 1, 1 << 20, up) || !plain_int(args[3], 1, 1 << 20, down)) return not_implemented();
        if (!plain_int(args[5], 0, kMost, offset) || !plain_int(args[6], 1, kMost, n_out)) return not_implemented();
        py::object result;
        if (!resampled_result(args[7], x, axis, n_out, common(dtype, x.dtype), result, y)) return not_implemented();
        run_polyphase(h, up, down, offset, Signals(x, axis), Signals(y, axis), threads);
        return result.release().ptr();
    });
}

// convolve(h, x, axis, offset, n_out, out, threads): the same with up = down = 1, directly or by the FFT, whichever is faster.
PyObject* convolve(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
    return guarded([&]() -> PyObject* {
        constexpr index kMost = index(1) << 40;
        std::vector<double> h;
        Dtype dtype;
        ArrayView x, y;
        int axis, threads;
        index offset, n_out;
        if (n_args != 7 || !taps_argument(args[0], h, dtype)) return not_implemented();
        if (!signals_argument(args[1], args[2], args[6], x, axis, threads)) return not_implemented();
        if (!plain_int(args[3], 0, kMost, offset) || !plain_int(args[4], 1, kMost, n_out)) return not_implemented();
        py::object result;
        if (!resampled_result(args[5], x, axis, n_out, common(dtype, x.dtype), result, y)) return not_implemented();
        const Signals in(x, axis), out(y, axis);
        double by_fft;
        const index length = overlap_save_length(index(h.size()), n_out, by_fft);
        if (0.055 * double(h.size()) * double(n_out) <= by_fft)
            run_polyphase(h, 1, 1, offset, in, out, threads);
        else
            run_overlap_save(h, length, offset, in, out, threads);
        return result.release().ptr();
    });
}

PyMethodDef functions[] = {
    {"upfirdn", fastcall(upfirdn), METH_FASTCALL, nullptr},
    {"convolve", fastcall(convolve), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_signal_fir(py::module_& m) {
    if (PyModule_AddFunctions(m.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace fastemo
