// An op: one primitive of the engine, with its state. Ops know slots and kernels, and nothing of the engine.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../base/buffer.hpp"
#include "../engine/model_file.hpp"
#include "../targets/kernels.hpp"
#include "rates.hpp"

namespace fastemo {

// What an op writes and later ops read. Signals have one row per sample of the block; vectors have one row per window
// that ends in the block, laid out [rows][cols] with cols padded to whole groups; windows are views of a ring.
class WindowSource;

struct Slot {
    enum Kind { signal, window, vector } kind = signal;
    index rows = 1, cols = 0;
    index stride = 0;  // of one sample or one window
    Buffer<double> data;
    const WindowSource* ring = nullptr;  // of a window slot
    int rate = -1;                       // of a signal; -1 until the program says: that of the op's input

    index col_stride() const { return padded(cols); }
    index size() const { return rows * cols; }
    double* row(index i) const { return data.data() + i * stride; }

    // Wider slots than this cannot be meant, and narrower ones keep every product of sizes within 64 bits.
    static constexpr index kMaxStride = index(1) << 27;

    // A product of sizes of a file, as long as there can be memory for so many.
    static index checked(index a, index b) {
        if (a > kMaxStride || b > kMaxStride || a * b > 2 * kMaxStride) throw std::bad_alloc();
        return a * b;
    }

    static Slot make(Kind kind, index rows, index cols, index capacity) {
        if (rows > kMaxStride || cols > kMaxStride || rows > kMaxStride / padded(cols)) throw std::bad_alloc();
        Slot s{kind, rows, cols, rows * padded(cols), {}, nullptr, -1};
        s.data = Buffer<double>(s.stride * capacity);
        return s;
    }
    // Values of a file, one per feature, in this slot's layout; padding holds `fill`.
    Buffer<double> spread(const double* values, double fill) const {
        Buffer<double> out(stride);
        std::fill_n(out.data(), stride, fill);
        for (index r = 0; r < rows; ++r) std::copy_n(values + r * cols, cols, out.data() + r * col_stride());
        return out;
    }
};

// One block of samples, the same for every op at one rate; ops are not asked to process a block of no rows. Windows end
// after rows first_end, first_end + hop, ... of it, at the rate that windows are cut at; no others have any.
struct Frame {
    index n;          // rows
    index start;      // rows before this block since the last reset
    index first_end;  // 1..n where n_windows > 0
    index n_windows;
    const unsigned char* usable;  // per window: past the warm-up and not abstained
};

struct Clock {
    index length, hop;            // of windows, at their rate
    index max_rows, max_windows;  // of a block, at the rate of the op that is told

    index window_end(const Frame& f, index w) const { return f.first_end + w * hop; }
};

// Where the same bits come of it: on every CPU target, on all that fuse multiply-adds, or perhaps nowhere but here, where
// another compiler may have had a hand in it. What an op says of itself decides how its self-test compares.
enum class Bits { everywhere, fusing, here };

class Op {
public:
    virtual ~Op() = default;

    // Independent parts of the work (groups of channels), and the parts [p0, p1) of one block's work.
    virtual index parts() const { return 1; }
    virtual void process(const Frame& frame, index p0, index p1) noexcept = 0;
    // Once per block, after all parts.
    virtual void finish(const Frame&) noexcept {}
    virtual void reset() noexcept {}
    // Of an op that `gates`, after a block: whether window w of it passes, made of samples [begin, end) of the input.
    virtual bool passes(index, index, index) const noexcept { return true; }

    bool gates = false;
    // Ops after the window have nothing to do in blocks without a window's end.
    bool per_window = false;
    Bits bits = Bits::everywhere;
    int rate = 0;  // of the frames it is given: its input's, or that of windows
    // Estimated nanoseconds, to decide when releasing the GIL pays.
    double ns_per_sample = 0, ns_per_window = 0;
    Slot out;
};

// A function of the user: takes n_channels rows of n_samples values (one row, or all of the window) and the sampling
// rate, and writes `width` results.
struct CallFunction {
    void (*run)(const double* x, index n_channels, index n_samples, double sfreq, double* out);
    index width;
    bool over_window;
};
using CallFunctions = std::map<std::string, CallFunction>;

// What a factory knows: its tensors, its inputs, the clock, the user's functions (or nullptr).
class OpInit {
public:
    OpInit(const ModelFile& file, std::string prefix, std::vector<const Slot*> inputs, const Clock& clock, Rates& rates,
           const CallFunctions* functions = nullptr)
        : file(file), prefix(std::move(prefix)), inputs(std::move(inputs)), clock(clock), rates(rates),
          functions(functions) {}

    const Slot& input(Slot::Kind kind) const;  // the only input, of that kind
    std::string name(const char* param) const { return prefix + param; }
    [[noreturn]] void fail(const std::string& what) const;

    const ModelFile& file;
    const std::string prefix;
    const std::vector<const Slot*> inputs;
    const Clock clock;
    Rates& rates;
    const CallFunctions* const functions;
};

// Throws ModelError for a kind it does not know or tensors that do not fit.
std::unique_ptr<Op> make_op(const std::string& kind, const OpInit& init);

using Factory = std::unique_ptr<Op> (*)(const OpInit&);
std::unique_ptr<Op> make_reference(const OpInit&);
std::unique_ptr<Op> make_matrix(const OpInit&);
std::unique_ptr<Op> make_sos(const OpInit&);
std::unique_ptr<Op> make_fir(const OpInit&);
std::unique_ptr<Op> make_analytic(const OpInit&);
std::unique_ptr<Op> make_asr(const OpInit&);
std::unique_ptr<Op> make_quadrature(const OpInit&);
std::unique_ptr<Op> make_resample(const OpInit&);
std::unique_ptr<Op> make_coupling(const OpInit&);
std::unique_ptr<Op> make_wavelets(const OpInit&);
std::unique_ptr<Op> make_window(const OpInit&);
std::unique_ptr<Op> make_bank_power(const OpInit&);
std::unique_ptr<Op> make_cross(const OpInit&);
std::unique_ptr<Op> make_cross_pairs(const OpInit&);
std::unique_ptr<Op> make_fft_power(const OpInit&);
std::unique_ptr<Op> make_taper_power(const OpInit&);
std::unique_ptr<Op> make_sliding_power(const OpInit&);
std::unique_ptr<Op> make_reduce(const OpInit&);
std::unique_ptr<Op> make_call(const OpInit&);
std::unique_ptr<Op> make_bandsum(const OpInit&);
std::unique_ptr<Op> make_relative(const OpInit&);
std::unique_ptr<Op> make_log(const OpInit&);
std::unique_ptr<Op> make_affine(const OpInit&);
std::unique_ptr<Op> make_concat(const OpInit&);
std::unique_ptr<Op> make_ratio(const OpInit&);
std::unique_ptr<Op> make_linear(const OpInit&);
std::unique_ptr<Op> make_softmax(const OpInit&);
std::unique_ptr<Op> make_sigmoid(const OpInit&);
std::unique_ptr<Op> make_ema(const OpInit&);
std::unique_ptr<Op> make_boxcar(const OpInit&);
std::unique_ptr<Op> make_gate(const OpInit&);
std::unique_ptr<Op> make_repair(const OpInit&);
std::unique_ptr<Op> make_cov(const OpInit&);
std::unique_ptr<Op> make_fading_cov(const OpInit&);
std::unique_ptr<Op> make_congruence(const OpInit&);
std::unique_ptr<Op> make_tangent(const OpInit&);
std::unique_ptr<Op> make_mdm(const OpInit&);
std::unique_ptr<Op> make_rls(const OpInit&);
std::unique_ptr<Op> make_running(const OpInit&);

// A ring of the last samples, which the window op fills and per-window ops read.
class WindowSource : public Op {
public:
    virtual RingView view(const Frame& frame, index w) const noexcept = 0;
};

}  // namespace fastemo
