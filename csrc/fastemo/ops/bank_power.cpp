// Band power of a filter bank: mean square over the window, by block sums without subtraction.
//
// Squares are summed over blocks of gcd(hop, length) samples. A window of M blocks that ends with block r of its grid
// group is the suffix sum from block r + 1 of the group before plus the prefix sum up to block r of this one. Blocks
// take the places of suffix sums that are no longer needed, so one array of M sums per value is the whole memory.
#include <numeric>

#include "op.hpp"
#include "sections.hpp"

namespace fastemo {

namespace {

class BankPowerOp final : public Op {
public:
    explicit BankPowerOp(const OpInit& init) : in_(init.input(Slot::signal)), clock_(init.clock) {
        const auto coef = init.file.f64_array(init.name("coef"), {ModelFile::any, ModelFile::any, 6});
        const auto& shape = init.file.find(init.name("coef"))->shape;
        n_bands_ = shape[0], n_sections_ = shape[1];
        if (coef.empty()) init.fail("has no sections");
        const auto zi = init.file.f64_array(init.name("zi"), {n_bands_, n_sections_, 2});
        try {
            sections_ = make_sections(coef.data(), n_bands_ * n_sections_);
        } catch (const std::invalid_argument& e) {
            init.fail(e.what());
        }
        zi_.assign(zi.begin(), zi.end());
        out = Slot::make(Slot::vector, n_bands_, in_.cols, clock_.max_windows);
        block_ = std::gcd(clock_.length, clock_.hop);
        n_blocks_ = clock_.length / block_;
        state_ = Buffer<double>(2 * n_bands_ * n_sections_ * in_.stride);
        sums_ = Buffer<double>(out.stride);
        prefix_ = Buffer<double>(out.stride);
        blocks_ = Buffer<double>(n_blocks_ * out.stride);
        ns_per_sample = 0.12 * double(in_.stride * n_bands_ * n_sections_);
        ns_per_window = 0.2 * double(out.stride);
    }

    index parts() const override { return in_.stride / kLanes; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        const index c0 = p0 * kLanes, c1 = p1 * kLanes;
        if (f.start == 0) start(c0, c1);
        index filled = filled_, residue = residue_, window = 0;
        for (index row = 0; row < f.n;) {
            const index rows = std::min(f.n - row, block_ - filled);
            kernels().bank_power({sections_.data(), n_bands_, n_sections_, state_.data(), sums_.data(), in_.row(row),
                                  in_.stride, rows, c0, c1});
            row += rows;
            filled += rows;
            if (filled < block_) break;
            filled = 0;
            close_block(residue, c0, c1);
            if (window < f.n_windows && row == clock_.window_end(f, window)) emit(residue, out.row(window++), c0, c1);
            if (residue == n_blocks_ - 1) make_suffixes(c0, c1);
            residue = (residue + 1) % n_blocks_;
        }
    }

    void finish(const Frame& f) noexcept override {
        residue_ = (residue_ + (filled_ + f.n) / block_) % n_blocks_;
        filled_ = (filled_ + f.n) % block_;
    }

    void reset() noexcept override {
        residue_ = filled_ = 0;
        sums_.clear();
    }

private:
    // Calls f(offset, n) for the channels of every band; all of them lie in one stretch.
    template <class F>
    void each_band(index c0, index c1, F&& f) const {
        if (c0 == 0 && c1 == in_.stride) return f(0, out.stride);
        for (index b = 0; b < n_bands_; ++b) f(b * in_.stride + c0, c1 - c0);
    }
    double* block(index i) const { return blocks_.data() + i * out.stride; }

    void start(index c0, index c1) noexcept {
        for (index b = 0; b < n_bands_; ++b)
            start_sections(zi_.data() + 2 * b * n_sections_, n_sections_, in_.row(0),
                           state_.data() + 2 * b * n_sections_ * in_.stride, in_.stride, c0, c1);
    }

    void close_block(index residue, index c0, index c1) noexcept {
        each_band(c0, c1, [&](index at, index n) {
            double* sum = sums_.data() + at;
            if (residue == 0)
                std::copy_n(sum, n, prefix_.data() + at);
            else
                kernels().add(sum, prefix_.data() + at, n);
            std::copy_n(sum, n, block(residue) + at);
            std::fill_n(sum, n, 0.0);
        });
    }

    void emit(index residue, double* y, index c0, index c1) noexcept {
        const double scale = 1.0 / double(clock_.length);
        each_band(c0, c1, [&](index at, index n) {
            if (residue == n_blocks_ - 1)
                kernels().scale(prefix_.data() + at, scale, y + at, n);
            else
                kernels().add_scaled(prefix_.data() + at, block(residue + 1) + at, scale, y + at, n);
        });
    }

    void make_suffixes(index c0, index c1) noexcept {
        for (index i = n_blocks_ - 1; i-- > 0;)
            each_band(c0, c1, [&](index at, index n) { kernels().add(block(i + 1) + at, block(i) + at, n); });
    }

    const Slot& in_;
    const Clock clock_;
    index n_bands_, n_sections_, block_, n_blocks_;
    index filled_ = 0, residue_ = 0;  // samples in the open block, and its place in the group
    std::vector<Section> sections_;
    std::vector<double> zi_;
    Buffer<double> state_, sums_, prefix_, blocks_;
};

}  // namespace

std::unique_ptr<Op> make_bank_power(const OpInit& init) { return std::make_unique<BankPowerOp>(init); }

}  // namespace fastemo
