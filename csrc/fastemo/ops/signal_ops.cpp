// Ops on the continuous signal: re-referencing, spatial filters, IIR filters, the window's ring.
#include <cstring>

#include "op.hpp"
#include "sections.hpp"

namespace fastemo {

namespace {

Slot signal_slot(const OpInit& init, index cols) { return Slot::make(Slot::signal, 1, cols, init.clock.max_rows); }

class ReferenceOp final : public Op {
public:
    explicit ReferenceOp(const OpInit& init) : in_(init.input(Slot::signal)) {
        const auto w = init.file.f64_array(init.name("weights"), {in_.cols});
        weights_ = in_.spread(w.data(), 0);
        out = signal_slot(init, in_.cols);
        ns_per_sample = 0.2 * double(in_.stride);
    }
    void process(const Frame& f, index, index) noexcept override {
        kernels().reference(weights_.data(), in_.data.data(), out.data.data(), in_.stride, f.n);
    }

private:
    const Slot& in_;
    Buffer<double> weights_;
};

class MatrixOp final : public Op {
public:
    explicit MatrixOp(const OpInit& init) : in_(init.input(Slot::signal)) {
        const auto coef = init.file.f64_array(init.name("coef"), {ModelFile::any, in_.cols});
        const index n_out = index(coef.size()) / in_.cols;
        if (n_out == 0) init.fail("has no outputs");
        out = signal_slot(init, n_out);
        coef_ = Buffer<double>(in_.cols * out.stride);
        for (index o = 0; o < n_out; ++o)
            for (index j = 0; j < in_.cols; ++j) coef_[j * out.stride + o] = coef[o * in_.cols + j];
        ns_per_sample = 0.1 * double(in_.cols * out.stride);
    }
    void process(const Frame& f, index, index) noexcept override {
        kernels().matrix(coef_.data(), in_.cols, in_.data.data(), in_.stride, out.data.data(), out.stride, f.n);
    }

private:
    const Slot& in_;
    Buffer<double> coef_;  // [in][out]
};

class SosOp final : public Op {
public:
    explicit SosOp(const OpInit& init) : in_(init.input(Slot::signal)) {
        const auto coef = init.file.f64_array(init.name("coef"), {ModelFile::any, 6});
        const index n_sections = index(coef.size()) / 6;
        if (n_sections == 0) init.fail("has no sections");
        const auto zi = init.file.f64_array(init.name("zi"), {n_sections, 2});
        try {
            sections_ = make_sections(coef.data(), n_sections);
        } catch (const std::invalid_argument& e) {
            init.fail(e.what());
        }
        zi_.assign(zi.begin(), zi.end());
        state_ = Buffer<double>(2 * n_sections * in_.stride);
        out = signal_slot(init, in_.cols);
        ns_per_sample = 0.12 * double(in_.stride * n_sections);
    }
    index parts() const override { return in_.stride / kLanes; }
    void process(const Frame& f, index p0, index p1) noexcept override {
        const index c0 = p0 * kLanes, c1 = p1 * kLanes, n = index(sections_.size());
        if (f.start == 0) start_sections(zi_.data(), n, in_.row(0), state_.data(), in_.stride, c0, c1);
        kernels().sosfilt_rows(sections_.data(), n, state_.data(), in_.data.data(), out.data.data(), in_.stride, f.n,
                               c0, c1);
    }

private:
    const Slot& in_;
    std::vector<Section> sections_;
    std::vector<double> zi_;
    Buffer<double> state_;
};

// Every per-window op that needs the samples themselves reads this ring; it holds one window and one block.
class WindowOp final : public WindowSource {
public:
    explicit WindowOp(const OpInit& init)
        : in_(init.input(Slot::signal)), clock_(init.clock), size_(clock_.length + clock_.max_rows),
          ring_(size_ * in_.stride) {
        out = Slot::make(Slot::window, 1, in_.cols, 0);
        out.ring = this;
        ns_per_sample = 0.1 * double(in_.stride);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index i = 0; i < f.n; ++i)
            std::memcpy(ring_.data() + (f.start + i) % size_ * in_.stride, in_.row(i),
                        sizeof(double) * std::size_t(in_.stride));
    }
    RingView view(const Frame& f, index w) const noexcept override {
        return {ring_.data(), size_, in_.stride, (f.start + clock_.window_end(f, w) - clock_.length) % size_};
    }

private:
    const Slot& in_;
    const Clock clock_;
    const index size_;
    Buffer<double> ring_;
};

}  // namespace

std::unique_ptr<Op> make_reference(const OpInit& init) { return std::make_unique<ReferenceOp>(init); }
std::unique_ptr<Op> make_matrix(const OpInit& init) { return std::make_unique<MatrixOp>(init); }
std::unique_ptr<Op> make_sos(const OpInit& init) { return std::make_unique<SosOp>(init); }
std::unique_ptr<Op> make_window(const OpInit& init) { return std::make_unique<WindowOp>(init); }

}  // namespace fastemo
