// Channels that running checks find bad, replaced by what splines on the sphere make of the good ones while they are bad.
//
// P is the inverse of the splines' system over all electrodes, of which only the part between electrodes is needed: the
// weights of the good ones for the bad ones are -(P_bb)^-1 P_bg. So a new set of bad channels costs a system of as many
// unknowns as there are bad ones, at most `most`, solved in memory that is there already.
#include <algorithm>
#include <cmath>

#include "op.hpp"

namespace fastemo {

namespace {

class RepairOp final : public Op {
public:
    explicit RepairOp(const OpInit& init)
        : judged_(source(init, 0)), in_(source(init, 1)), c_(in_.cols), stride_(in_.stride) {
        if (judged_.cols != c_)
            init.fail("judges " + std::to_string(judged_.cols) + " channels, but repairs " + std::to_string(c_));
        if (judged_.rate != 0 || in_.rate != 0) init.fail("reads a signal of another sampling rate than the input's");
        const auto inverse = init.file.f64_array(init.name("inverse"), {c_, c_});
        inverse_.assign(inverse.begin(), inverse.end());
        for (index c = 0; c < c_; ++c) n_known_ += known(c);
        most_ = count(init, "most", c_);
        hop_ = count(init, "hop", index(1) << 27);
        n_blocks_ = count(init, "n_blocks", (index(1) << 27) / hop_);
        flat_ = double(init.file.i64(init.name("flat")));
        rail_ = limit(init, "rail"), step_ = limit(init, "step");
        noisy_share_ = limit(init, "noisy"), share_ = limit(init, "share");
        if (!(flat_ >= 2)) init.fail("has flat below 2 samples");

        const index max_rows = init.clock.max_rows, max_blocks = max_rows / hop_ + 2;
        if (init.file.find(init.name("ratio"))) {
            const auto ratio = init.file.f64_array(init.name("ratio"), {ModelFile::any});
            ratio_.assign(ratio.begin(), ratio.end());
            const Clock clock{n_blocks_ * hop_, hop_, max_rows, max_blocks};
            checks_ = make_bank_power(OpInit(init.file, init.prefix, {&judged_}, clock, init.rates));
            if (ratio_.empty() || checks_->out.rows != index(ratio_.size()) + 1)
                init.fail("has " + std::to_string(checks_->out.rows) + " bands for " + std::to_string(ratio_.size()) +
                          " ratios, expected one more than those");
        }
        w_stride_ = padded(most_);
        out = Slot::make(Slot::signal, 1, c_, max_rows);
        weights_ = Buffer<double>(Slot::checked(c_, w_stride_));
        repaired_ = Buffer<double>(Slot::checked(max_rows, w_stride_));
        root_ = Buffer<double>(Slot::checked(most_, most_));
        is_channel_ = Buffer<double>(stride_);
        std::fill_n(is_channel_.data(), c_, 1.0);
        previous_ = Buffer<double>(stride_), run_ = Buffer<double>(stride_);
        bad_ = Buffer<double>(stride_), noisy_ = Buffer<double>(stride_);
        ring_ = Buffer<std::int32_t>(Slot::checked(n_blocks_, 2 * stride_));
        sums_ = Buffer<std::int32_t>(2 * stride_);
        set_ = Buffer<index>(c_), found_ = Buffer<index>(c_);
        lost_ = Buffer<unsigned char>(max_blocks);
        lost_before_ = Buffer<index>(max_blocks);
        gates = true;
        ns_per_sample = 0.5 * double(stride_) + (checks_ ? checks_->ns_per_sample : 0);
        reset();
    }

    void process(const Frame& f, index, index) noexcept override {
        if (f.start == 0) std::copy_n(judged_.row(0), stride_, previous_.data());
        std::copy_n(in_.row(0), f.n * stride_, out.row(0));
        index window = 0, block = 0;
        if (checks_) measure(f);
        first_block_ = f.start / hop_;
        lost_[0] = is_lost_, lost_before_[0] = last_lost_;
        for (index row = 0; row < f.n;) {
            const index left = hop_ - (f.start + row) % hop_, n = std::min(f.n - row, left);
            kernels().quality({judged_.row(row), stride_, n, 0, stride_, nullptr, is_channel_.data(), previous_.data(),
                               run_.data(), bad_.data(), noisy_.data(), flat_, rail_, step_});
            if (n_bad_ > 0) repair(row, n);
            row += n;
            if (is_lost_) last_lost_ = f.start + row - 1;
            if (n < left) break;
            close_block();
            const bool measured = checks_ && f.start + row >= n_blocks_ * hop_;
            judge(measured ? checks_->out.row(window++) : nullptr);
            ++block;
            lost_[block] = is_lost_, lost_before_[block] = last_lost_;
        }
    }

    // A window in which so many channels were bad at once that none was replaced does not pass.
    bool passes(index, index begin, index end) const noexcept override {
        const index block = (end - 1) / hop_ - first_block_;
        return (lost_[block] ? end - 1 : lost_before_[block]) < begin;
    }

    void reset() noexcept override {
        previous_.clear(), run_.clear(), bad_.clear(), noisy_.clear(), ring_.clear(), sums_.clear();
        n_bad_ = place_ = seen_ = 0;
        is_lost_ = false;
        last_lost_ = -1;
        if (checks_) checks_->reset();
    }

private:
    static const Slot& source(const OpInit& init, std::size_t i) {
        if (init.inputs.size() != 2)
            init.fail("takes two inputs, the file gives " + std::to_string(init.inputs.size()));
        if (init.inputs[i]->kind != Slot::signal) init.fail("reads what is no signal");
        return *init.inputs[i];
    }
    static index count(const OpInit& init, const char* name, index most) {
        const std::int64_t value = init.file.i64(init.name(name));
        if (value < 1 || value > most)
            init.fail("has " + std::string(name) + " " + std::to_string(value) + ", expected 1 to " +
                      std::to_string(most));
        return index(value);
    }
    static double limit(const OpInit& init, const char* name) {
        const double value = init.file.f64(init.name(name));
        if (!(value >= 0)) init.fail("has a negative " + std::string(name));
        return value;
    }
    double inverse(index i, index j) const noexcept { return inverse_[std::size_t(i * c_ + j)]; }
    // A channel of which nobody knows where it lies has zeros.
    bool known(index c) const noexcept { return inverse(c, c) > 0; }

    void measure(const Frame& f) noexcept {
        Frame own{f.n, f.start, 0, 0, nullptr};
        const index length = n_blocks_ * hop_, next = std::max(length, (f.start / hop_ + 1) * hop_);
        if (next <= f.start + f.n) {
            own.first_end = next - f.start;
            own.n_windows = (f.n - own.first_end) / hop_ + 1;
        }
        checks_->process(own, 0, checks_->parts());
        checks_->finish(own);
    }

    void repair(index row, index n) noexcept {
        kernels().matrix(weights_.data(), c_, in_.row(row), stride_, repaired_.data(), w_stride_, n);
        for (index i = 0; i < n; ++i)
            for (index k = 0; k < n_bad_; ++k) out.row(row + i)[set_[k]] = repaired_[i * w_stride_ + k];
    }

    void close_block() noexcept {
        std::int32_t* ring = ring_.data() + place_ * 2 * stride_;
        for (index c = 0; c < c_; ++c) {
            slide(bad_[c], ring[c], sums_[c]);
            slide(noisy_[c], ring[stride_ + c], sums_[stride_ + c]);
        }
        place_ = (place_ + 1) % n_blocks_;
        seen_ = std::min(seen_ + 1, n_blocks_);
    }
    static void slide(double& count, std::int32_t& old, std::int32_t& sum) noexcept {
        sum += std::int32_t(count) - old;
        old = std::int32_t(count);
        count = 0;
    }

    // What holds from the next sample on. `power` has a row of each band, or is null where no window is full yet.
    void judge(const double* power) noexcept {
        const double length = double(seen_ * hop_);
        const index stride = checks_ ? checks_->out.col_stride() : 0;
        index n = 0;
        for (index c = 0; c < c_; ++c) {
            if (!known(c)) continue;
            bool bad = sums_[c] > share_ * length || sums_[stride_ + c] > noisy_share_ * length;
            for (std::size_t k = 0; power && k < ratio_.size(); ++k)
                bad = bad || power[index(k) * stride + c] > ratio_[k] * power[index(ratio_.size()) * stride + c];
            if (bad) found_[n++] = c;
        }
        is_lost_ = n > most_ || (n > 0 && n_known_ - n < 3);
        if (is_lost_) n = 0;
        if (n == n_bad_ && std::equal(found_.data(), found_.data() + n, set_.data())) return;
        std::copy_n(found_.data(), n, set_.data());
        n_bad_ = n;
        if (n > 0 && !weigh()) is_lost_ = true, n_bad_ = 0;
    }

    // The weights of the set; false where the matrix is none of splines.
    bool weigh() noexcept {
        const index n = n_bad_;
        double* const l = root_.data();
        for (index i = 0; i < n; ++i)
            for (index j = 0; j <= i; ++j) {
                double sum = inverse(set_[i], set_[j]);
                for (index k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
                if (i == j && !(sum > 0)) return false;
                l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j];
            }
        weights_.clear();
        for (index c = 0, next = 0; c < c_; ++c) {
            if (next < n && set_[next] == c) {
                ++next;
                continue;
            }
            if (!known(c)) continue;
            double* w = weights_.data() + c * w_stride_;
            for (index i = 0; i < n; ++i) {
                double sum = -inverse(set_[i], c);
                for (index k = 0; k < i; ++k) sum -= l[i * n + k] * w[k];
                w[i] = sum / l[i * n + i];
            }
            for (index i = n - 1; i >= 0; --i) {
                for (index k = i + 1; k < n; ++k) w[i] -= l[k * n + i] * w[k];
                w[i] /= l[i * n + i];
            }
        }
        return true;
    }

    const Slot &judged_, &in_;
    const index c_, stride_;
    std::vector<double> inverse_, ratio_;
    index n_known_ = 0, most_ = 0, hop_ = 0, n_blocks_ = 0, w_stride_ = 0;
    double flat_, rail_, step_, noisy_share_, share_;
    std::unique_ptr<Op> checks_;
    Buffer<double> weights_, repaired_, root_;  // weights: [channel][bad channel]
    Buffer<double> is_channel_, previous_, run_, bad_, noisy_;
    Buffer<std::int32_t> ring_, sums_;
    Buffer<index> set_, found_;
    index n_bad_ = 0, place_ = 0, seen_ = 0;
    bool is_lost_ = false;
    index last_lost_ = -1, first_block_ = 0;
    Buffer<unsigned char> lost_;  // of the blocks of hops that the newest samples belong to
    Buffer<index> lost_before_;   // the last such sample before each
};

}  // namespace

std::unique_ptr<Op> make_repair(const OpInit& init) { return std::make_unique<RepairOp>(init); }

}  // namespace fastemo
