// Ops from vector to vector, once per window: scaling, decoders' linear maps and their link functions.
#include <algorithm>
#include <cmath>

#include "adaptable.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

Slot vector_slot(const OpInit& init, index rows, index cols) {
    return Slot::make(Slot::vector, rows, cols, init.clock.max_windows);
}

// Base of the ops that map one row to one row.
class RowOp : public Op {
public:
    explicit RowOp(const OpInit& init) : in_(init.input(Slot::vector)) {
        per_window = true;
        ns_per_window = 0.3 * double(in_.stride);
    }
    void process(const Frame& f, index, index) noexcept final {
        for (index w = 0; w < f.n_windows; ++w) map(in_.row(w), out.row(w));
    }

protected:
    virtual void map(const double* x, double* y) noexcept = 0;
    const Slot& in_;
};

class LogOp final : public RowOp, public Adaptable {
public:
    explicit LogOp(const OpInit& init)
        : RowOp(init), gain_(init.file.f64(init.name("gain"))), offset_(init.file.f64(init.name("offset"))),
          floor_(init.file.f64(init.name("floor"))) {
        if (!(floor_ >= 1e-300)) init.fail("has a floor below 1e-300, where the logarithm has no finite value");
        out = vector_slot(init, in_.rows, in_.cols);
        ns_per_window = 2 * double(in_.stride);
    }
    void map(const double* x, double* y) noexcept override { kernels().log(x, gain_, offset_, floor_, y, in_.stride); }
    bool fits(const Op& other) const noexcept override { return dynamic_cast<const LogOp*>(&other); }
    void exchange(Op& op) noexcept override {
        auto& other = static_cast<LogOp&>(op);
        std::swap(gain_, other.gain_), std::swap(offset_, other.offset_), std::swap(floor_, other.floor_);
    }

private:
    double gain_, offset_, floor_;
};

class AffineOp final : public RowOp, public Adaptable {
public:
    explicit AffineOp(const OpInit& init) : RowOp(init) {
        shift_ = in_.spread(init.file.f64_array(init.name("shift"), {in_.size()}).data(), 0);
        scale_ = in_.spread(init.file.f64_array(init.name("scale"), {in_.size()}).data(), 0);
        out = vector_slot(init, in_.rows, in_.cols);
    }
    void map(const double* x, double* y) noexcept override {
        kernels().affine(x, shift_.data(), scale_.data(), y, in_.stride);
    }

    bool fits(const Op& op) const noexcept override {
        const auto* other = dynamic_cast<const AffineOp*>(&op);
        return other && other->shift_.size() == shift_.size();
    }
    void exchange(Op& op) noexcept override {
        auto& other = static_cast<AffineOp&>(op);
        std::swap(shift_, other.shift_), std::swap(scale_, other.scale_);
    }

private:
    Buffer<double> shift_, scale_;
};

class RelativeOp final : public RowOp {
public:
    explicit RelativeOp(const OpInit& init) : RowOp(init), total_(padded(in_.size())) {
        n_rows_ = init.file.i64(init.name("n_rows"));
        if (n_rows_ != in_.rows)
            init.fail("has n_rows " + std::to_string(n_rows_) + ", its input has " + std::to_string(in_.rows) +
                      " rows");
        out = vector_slot(init, in_.rows, in_.cols);
    }
    void map(const double* x, double* y) noexcept override {
        const index n = in_.col_stride();
        std::copy_n(x, n, total_.data());
        for (index r = 1; r < n_rows_; ++r) kernels().add(x + r * n, total_.data(), n);
        for (index r = 0; r < n_rows_; ++r) kernels().divide(x + r * n, total_.data(), y + r * n, n);
    }

private:
    index n_rows_;
    Buffer<double> total_;
};

class BandSumOp final : public RowOp {
public:
    explicit BandSumOp(const OpInit& init) : RowOp(init) {
        const auto edges = init.file.i64_array(init.name("edges"), {ModelFile::any, 2});
        const index n = index(edges.size()) / 2;
        if (n == 0) init.fail("has no bands");
        const auto weight = init.file.f64_array(init.name("weight"), {n});
        for (index b = 0; b < n; ++b)
            if (edges[2 * b] < 0 || edges[2 * b] >= edges[2 * b + 1] || edges[2 * b + 1] > in_.rows)
                init.fail("has band " + std::to_string(b) + " outside its " + std::to_string(in_.rows) +
                          " bins or empty");
        edges_.assign(edges.begin(), edges.end());
        weight_.assign(weight.begin(), weight.end());
        out = vector_slot(init, n, in_.cols);
    }
    void map(const double* x, double* y) noexcept override {
        const index n = in_.col_stride();
        for (index b = 0; b < out.rows; ++b, y += n) {
            index k = edges_[2 * b];
            std::copy_n(x + k * n, n, y);
            while (++k < edges_[2 * b + 1]) kernels().add(x + k * n, y, n);
            kernels().scale(y, weight_[b], y, n);
        }
    }

private:
    std::vector<std::int64_t> edges_;
    std::vector<double> weight_;
};

class ConcatOp final : public Op {
public:
    explicit ConcatOp(const OpInit& init) : inputs_(init.inputs) {
        if (inputs_.empty()) init.fail("has no inputs");
        index rows = 0, size = 0;
        bool stacks = true;  // equal widths keep the [rows][cols] layout
        for (const Slot* s : inputs_) {
            if (s->kind != Slot::vector) init.fail("reads vectors, but one input is none");
            stacks &= s->cols == inputs_[0]->cols;
            rows += s->rows, size += s->size();
        }
        out = stacks ? vector_slot(init, rows, inputs_[0]->cols) : vector_slot(init, 1, size);
        stacks_ = stacks;
        per_window = true;
        ns_per_window = 0.2 * double(out.stride);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            double* y = out.row(w);
            for (const Slot* s : inputs_) {
                if (stacks_)
                    y = std::copy_n(s->row(w), s->stride, y);
                else
                    for (index r = 0; r < s->rows; ++r) y = std::copy_n(s->row(w) + r * s->col_stride(), s->cols, y);
            }
        }
    }

private:
    const std::vector<const Slot*> inputs_;
    bool stacks_;
};

// The first input by the second, 0 where that is 0.
class RatioOp final : public Op {
public:
    explicit RatioOp(const OpInit& init) {
        if (init.inputs.size() != 2)
            init.fail("takes two inputs, the file gives " + std::to_string(init.inputs.size()));
        for (const Slot* s : init.inputs)
            if (s->kind != Slot::vector) init.fail("reads vectors, but one input is none");
        x_ = init.inputs[0], by_ = init.inputs[1];
        if (x_->rows != by_->rows || x_->cols != by_->cols) init.fail("has inputs of different shapes");
        out = vector_slot(init, x_->rows, x_->cols);
        per_window = true;
        ns_per_window = 0.5 * double(out.stride);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) kernels().divide(x_->row(w), by_->row(w), out.row(w), out.stride);
    }

private:
    const Slot *x_, *by_;
};

class LinearOp final : public RowOp, public Adaptable {
public:
    explicit LinearOp(const OpInit& init) : RowOp(init) {
        const auto coef = init.file.f64_array(init.name("coef"), {ModelFile::any, in_.size()});
        const index n_out = index(coef.size()) / in_.size();
        if (n_out == 0) init.fail("has no outputs");
        const auto bias = init.file.f64_array(init.name("bias"), {n_out});
        bias_.assign(bias.begin(), bias.end());
        coef_ = Buffer<double>(n_out * in_.stride);
        for (index k = 0; k < n_out; ++k) {
            const Buffer<double> row = in_.spread(coef.data() + k * in_.size(), 0);
            std::copy_n(row.data(), in_.stride, coef_.data() + k * in_.stride);
        }
        out = vector_slot(init, 1, n_out);
        ns_per_window = 0.2 * double(in_.stride * n_out);
    }
    void map(const double* x, double* y) noexcept override {
        kernels().linear(coef_.data(), bias_.data(), x, in_.stride, out.cols, y);
    }

    bool fits(const Op& op) const noexcept override {
        const auto* other = dynamic_cast<const LinearOp*>(&op);
        return other && other->coef_.size() == coef_.size() && other->bias_.size() == bias_.size();
    }
    void exchange(Op& op) noexcept override {
        auto& other = static_cast<LinearOp&>(op);
        std::swap(coef_, other.coef_), bias_.swap(other.bias_);
    }

private:
    Buffer<double> coef_;
    std::vector<double> bias_;
};

// Over the whole vector, whatever its rows; padding is computed on and left out of maximum and sum.
class SoftmaxOp final : public RowOp {
public:
    explicit SoftmaxOp(const OpInit& init) : RowOp(init) {
        out = vector_slot(init, in_.rows, in_.cols);
        ns_per_window = 3 * double(in_.stride);
    }
    void map(const double* x, double* y) noexcept override {
        const index n = in_.cols;
        double top = x[0], sum = 0;
        for (index r = 0; r < in_.rows; ++r) top = std::max(top, *std::max_element(row(x, r), row(x, r) + n));
        for (index i = 0; i < in_.stride; ++i) y[i] = x[i] - top;
        kernels().exp(y, y, in_.stride);
        for (index r = 0; r < in_.rows; ++r)
            for (index k = 0; k < n; ++k) sum += row(y, r)[k];
        for (index i = 0; i < in_.stride; ++i) y[i] /= sum;
    }

private:
    const double* row(const double* x, index r) const { return x + r * in_.col_stride(); }
};

class SigmoidOp final : public RowOp {
public:
    explicit SigmoidOp(const OpInit& init) : RowOp(init) {
        out = vector_slot(init, in_.rows, in_.cols);
        ns_per_window = 3 * double(in_.stride);
    }
    void map(const double* x, double* y) noexcept override { kernels().sigmoid(x, y, in_.stride); }
};

// Smoothers pass windows through until the first usable one, and keep their state over unusable ones. What is not finite
// is never usable: it would stay in the state.
bool can_smooth(const Frame& f, index w, const Slot& in) {
    const double* x = in.row(w);
    return f.usable[w] && std::all_of(x, x + in.stride, [](double v) { return std::isfinite(v); });
}

class EmaOp final : public Op {
public:
    explicit EmaOp(const OpInit& init) : in_(init.input(Slot::vector)), alpha_(init.file.f64(init.name("alpha"))) {
        if (!(alpha_ > 0 && alpha_ <= 1)) init.fail("has alpha outside (0, 1]");
        out = vector_slot(init, in_.rows, in_.cols);
        state_ = Buffer<double>(in_.stride);
        per_window = true;
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            const bool usable = can_smooth(f, w, in_);
            if (usable) {
                if (started_)
                    kernels().lerp(alpha_, in_.row(w), state_.data(), in_.stride);
                else
                    std::copy_n(in_.row(w), in_.stride, state_.data());
                started_ = true;
            }
            std::copy_n(usable ? state_.data() : in_.row(w), in_.stride, out.row(w));
        }
    }
    void reset() noexcept override { started_ = false; }

private:
    const Slot& in_;
    const double alpha_;
    bool started_ = false;
    Buffer<double> state_;
};

class BoxcarOp final : public Op {
public:
    explicit BoxcarOp(const OpInit& init) : in_(init.input(Slot::vector)), n_(init.file.i64(init.name("n"))) {
        if (n_ < 1 || n_ > 1000000) init.fail("has n " + std::to_string(n_) + ", expected 1 to 1000000 windows");
        out = vector_slot(init, in_.rows, in_.cols);
        ring_ = Buffer<double>(n_ * in_.stride);
        per_window = true;
        ns_per_window = 0.2 * double(in_.stride * n_);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            double* y = out.row(w);
            if (!can_smooth(f, w, in_)) {
                std::copy_n(in_.row(w), in_.stride, y);
                continue;
            }
            std::copy_n(in_.row(w), in_.stride, ring_.data() + seen_ % n_ * in_.stride);
            ++seen_;
            const index count = std::min(seen_, n_);
            std::fill_n(y, in_.stride, 0.0);
            for (index i = seen_ - count; i < seen_; ++i)
                kernels().add(ring_.data() + i % n_ * in_.stride, y, in_.stride);
            kernels().scale(y, 1.0 / double(count), y, in_.stride);
        }
    }
    void reset() noexcept override { seen_ = 0; }

private:
    const Slot& in_;
    const index n_;
    index seen_ = 0;
    Buffer<double> ring_;
};

// Lets windows pass whose values are all at most the limit; NaN is not. The values go on as they are.
class GateOp final : public Op, public Adaptable {
public:
    explicit GateOp(const OpInit& init)
        : in_(init.input(Slot::vector)), limit_(init.file.f64(init.name("limit"))), passed_(init.clock.max_windows) {
        out = vector_slot(init, in_.rows, in_.cols);
        per_window = true;
        ns_per_window = double(in_.stride);
        gates = true;
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            std::copy_n(in_.row(w), in_.stride, out.row(w));
            bool all = true;
            for (index r = 0; r < in_.rows; ++r) {
                const double* x = in_.row(w) + r * in_.col_stride();
                all = all && std::all_of(x, x + in_.cols, [this](double v) { return v <= limit_; });
            }
            passed_[w] = all;
        }
    }
    bool passes(index w, index, index) const noexcept override { return passed_[w]; }
    bool fits(const Op& other) const noexcept override { return dynamic_cast<const GateOp*>(&other); }
    void exchange(Op& other) noexcept override { std::swap(limit_, static_cast<GateOp&>(other).limit_); }

private:
    const Slot& in_;
    double limit_;
    Buffer<unsigned char> passed_;
};

}  // namespace

std::unique_ptr<Op> make_bandsum(const OpInit& init) { return std::make_unique<BandSumOp>(init); }
std::unique_ptr<Op> make_relative(const OpInit& init) { return std::make_unique<RelativeOp>(init); }
std::unique_ptr<Op> make_log(const OpInit& init) { return std::make_unique<LogOp>(init); }
std::unique_ptr<Op> make_affine(const OpInit& init) { return std::make_unique<AffineOp>(init); }
std::unique_ptr<Op> make_concat(const OpInit& init) { return std::make_unique<ConcatOp>(init); }
std::unique_ptr<Op> make_ratio(const OpInit& init) { return std::make_unique<RatioOp>(init); }
std::unique_ptr<Op> make_linear(const OpInit& init) { return std::make_unique<LinearOp>(init); }
std::unique_ptr<Op> make_softmax(const OpInit& init) { return std::make_unique<SoftmaxOp>(init); }
std::unique_ptr<Op> make_sigmoid(const OpInit& init) { return std::make_unique<SigmoidOp>(init); }
std::unique_ptr<Op> make_ema(const OpInit& init) { return std::make_unique<EmaOp>(init); }
std::unique_ptr<Op> make_gate(const OpInit& init) { return std::make_unique<GateOp>(init); }
std::unique_ptr<Op> make_boxcar(const OpInit& init) { return std::make_unique<BoxcarOp>(init); }

}  // namespace fastemo
