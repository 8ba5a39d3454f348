// Functions of the user, compiled outside: called for each channel of a window, or once for all of it.
//
// The file only names them; pointers come from whoever makes the engine, never from a file.
#include <algorithm>
#include <string>

#include "op.hpp"

namespace fastemo {

namespace {

class CallOp final : public Op {
public:
    explicit CallOp(const OpInit& init)
        : in_(init.input(Slot::window)), n_(init.clock.length), function_(function(init)), width_(function_.width),
          over_window_(function_.over_window), sfreq_(init.file.f64(init.name("sfreq"))),
          groups_(over_window_ ? 1 : in_.col_stride() / kLanes), channels_(over_window_ ? in_.col_stride() : kLanes),
          size_(channels_ * n_ + round_up(width_, kLanes)), memory_(groups_ * size_) {
        out = Slot::make(Slot::vector, width_, over_window_ ? 1 : in_.cols, init.clock.max_windows);
        per_window = true;
        bits = Bits::here;
        ns_per_window = 2 * double(n_) * double(in_.cols);
    }
    index parts() const override { return groups_; }
    void process(const Frame& f, index p0, index p1) noexcept override {
        for (index w = 0; w < f.n_windows; ++w)
            for (index g = p0; g < p1; ++g) run(in_.ring->view(f, w), g, out.row(w));
    }

private:
    // What the file says of a function must be what the function is.
    static void require(const OpInit& init, const char* name, index expected) {
        const std::int64_t value = init.file.i64(init.name(name));
        if (value != expected)
            init.fail("has " + std::string(name) + " " + std::to_string(value) + ", but its function " +
                      std::to_string(expected));
    }
    static CallFunction function(const OpInit& init) {
        const Tensor* t = init.file.find(init.name("function"));
        if (!t || t->type != Tensor::Type::u8 || t->shape.size() != 1) init.fail("has no function as a row of U8");
        const std::string name(reinterpret_cast<const char*>(t->data), std::size_t(t->size()));
        if (init.functions)
            if (const auto found = init.functions->find(name); found != init.functions->end()) {
                require(init, "width", found->second.width);
                require(init, "over", found->second.over_window);
                return found->second;
            }
        init.fail("calls the Python function " + shown(name) +
                  ", which is not there: only a Python program that defines it can run this model");
    }

    // Channels of group g, one after the other, and what the function says of them.
    void run(const RingView& from, index g, double* row) noexcept {
        double* const x = memory_.data() + g * size_;
        double* const y = x + channels_ * n_;
        const index first = g * channels_, count = std::min(channels_, in_.cols - first);
        const auto store = [&](index row_at, index i, index n) {
            const SamplesOut to{x + i, Dtype::f64, n_ * index(sizeof(double)), sizeof(double)};
            kernels().store_rows(from.base + row_at * from.stride + first, from.stride, count, n, to, 0, channels_);
        };
        const index before_wrap = std::min(n_, from.size - from.first);
        store(from.first, 0, before_wrap);
        store(0, before_wrap, n_ - before_wrap);
        if (over_window_) {
            function_.run(x, in_.cols, n_, sfreq_, y);
            for (index k = 0; k < width_; ++k) row[k * out.col_stride()] = y[k];
            return;
        }
        for (index c = 0; c < count; ++c) {
            function_.run(x + c * n_, 1, n_, sfreq_, y);
            for (index k = 0; k < width_; ++k) row[k * out.col_stride() + first + c] = y[k];
        }
    }

    const Slot& in_;
    const index n_;
    const CallFunction function_;
    const index width_;
    const bool over_window_;
    const double sfreq_;
    const index groups_, channels_, size_;
    Buffer<double> memory_;  // of each group: its channels' samples, and room for the results
};

}  // namespace

std::unique_ptr<Op> make_call(const OpInit& init) { return std::make_unique<CallOp>(init); }

}  // namespace fastemo
