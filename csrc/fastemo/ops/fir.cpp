// Filters that are sums of products: FIR, and changes of rate.
//
// Rows are kept without the level of the first one, for which the answer is known: it is put on again behind the filter.
#include <algorithm>
#include <span>
#include <vector>

#include "../targets/stream_kernels.hpp"
#include "fft_plan.hpp"
#include "group_rows.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

constexpr index kMostTaps = index(1) << 24;

std::span<const double> taps_of(const OpInit& init) {
    const auto taps = init.file.f64_array(init.name("taps"), {ModelFile::any});
    if (taps.empty() || index(taps.size()) > kMostTaps)
        init.fail("has " + std::to_string(taps.size()) + " taps, expected 1 to " + std::to_string(kMostTaps));
    return taps;
}

std::int64_t whole_number(const OpInit& init, const char* param, std::int64_t low, std::int64_t high) {
    const std::int64_t value = init.file.i64(init.name(param));
    if (value < low || value > high)
        init.fail("has " + std::string(param) + " " + std::to_string(value) + ", expected " + std::to_string(low) +
                  " to " + std::to_string(high));
    return value;
}

// The first row of every channel, and what the filter makes of it.
class Level {
public:
    Level() = default;
    Level(const OpInit& init, index stride, double gain)
        : first_(whole_number(init, "first", 0, 1) == 1), gain_(gain), in_(stride), out_(stride) {}

    void start(const double* row, index group) {
        for (index c = group * kLanes; c < (group + 1) * kLanes; ++c) {
            in_[c] = first_ ? row[c] : 0.0;
            out_[c] = in_[c] * gain_;
        }
    }
    const double* in(index group) const { return in_.data() + group * kLanes; }
    const double* out(index group) const { return out_.data() + group * kLanes; }

private:
    bool first_ = false;
    double gain_ = 0;
    Buffer<double> in_, out_;
};

double sum_of(std::span<const double> values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
}

class FirOp final : public Op {
public:
    explicit FirOp(const OpInit& init) : in_(init.input(Slot::signal)) {
        const auto taps = taps_of(init);
        const index n_taps = index(taps.size()), groups = in_.stride / kLanes;
        block_ = whole_number(init, "block", 0, 1 << 16);
        if (block_ != 0 && (block_ < 16 || (block_ & (block_ - 1)) != 0 || block_ >= n_taps))
            init.fail("has block " + std::to_string(block_) +
                      ", expected 0 or a power of two from 16 on that is smaller than the number of taps, " +
                      std::to_string(n_taps));
        level_ = Level(init, in_.stride, sum_of(taps));
        n_head_ = block_ ? block_ : n_taps;
        taps_.assign(taps.begin(), taps.begin() + n_head_);
        first_[1] = n_head_;
        std::reverse(taps_.begin(), taps_.end());
        memory_ = std::max(n_head_ - 1, 2 * block_);
        rows_ = GroupRows(groups, memory_ + init.clock.max_rows);
        out = Slot::make(Slot::signal, 1, in_.cols, init.clock.max_rows);
        ns_per_sample = double(in_.stride) * (1 + 0.06 * double(n_head_));
        if (block_) make_tail(taps.subspan(std::size_t(block_)), groups);
    }
    index parts() const override { return in_.stride / kLanes; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        const StreamKernels& k = *kernels().stream;
        for (index g = p0; g < p1; ++g) {
            if (f.start == 0) start(g);
            rows_.append(g, memory_ + f.start, f.n, [&](index i, index n, double* to) {
                k.take_off_level(in_.row(i) + g * kLanes, in_.stride, level_.in(g), to, n);
            });
            for (index i = 0; i < f.n;) {
                const index at = f.start + i, left = block_ ? block_ - at % block_ : f.n, n = std::min(f.n - i, left);
                double* y = out.row(i) + g * kLanes;
                k.polyphase(head(), 0, n, rows_.from(g, memory_ + at - (n_head_ - 1)), -(n_head_ - 1), y, out.stride);
                k.put_on_level(block_ ? tail(g) + at % block_ * kLanes : nullptr, level_.out(g), y, out.stride, n);
                i += n;
                if (n == left && block_) next_tail(g, at + n);
            }
        }
    }

private:
    void make_tail(std::span<const double> taps, index groups) {
        bits = Bits::fusing;
        fft_ = std::make_unique<Fft<double>>(2 * block_);
        n_parts_ = (index(taps.size()) + block_ - 1) / block_;
        const index n_bins = block_ + 1;
        spectra_ = Buffer<double>(n_bins * n_parts_ * 2);
        past_ = Buffer<double>(groups * n_bins * n_parts_ * 2 * kLanes);
        tails_ = Buffer<double>(groups * block_ * kLanes);
        tail_ = {&fft_->plan(), spectra_.data(), n_parts_};
        scratch_size_ = round_up(kernels().stream->fir_tail_scratch(tail_), kLanes);
        scratch_ = Buffer<double>(groups * scratch_size_);
        const Buffer<double> part(2 * block_), bins(2 * n_bins), work(fft_->scratch_size());
        for (index p = 0; p < n_parts_; ++p) {
            part.clear();
            for (index i = 0; i < block_ && p * block_ + i < index(taps.size()); ++i)
                part[i] = taps[std::size_t(p * block_ + i)] / double(2 * block_);
            kernels().rfft_f64(fft_->plan(), {part.data(), Dtype::f64, 0, 8}, 1, {bins.data(), Dtype::f64, 0, 16},
                               work.data(), 0, kLanes);
            for (index b = 0; b < n_bins; ++b)
                std::copy_n(bins.data() + 2 * b, 2, spectra_.data() + (b * n_parts_ + p) * 2);
        }
        ns_per_sample += double(in_.stride) * (4 + 0.15 * double(n_parts_));
    }

    Polyphase head() const { return {taps_.data(), first_, 1, 1, 0}; }
    double* tail(index g) const { return tails_.data() + g * block_ * kLanes; }
    double* past(index g) const { return past_.data() + g * (block_ + 1) * n_parts_ * 2 * kLanes; }

    void start(index g) noexcept {
        level_.start(in_.row(0), g);
        rows_.clear(g);
        if (!block_) return;
        std::fill_n(past(g), (block_ + 1) * n_parts_ * 2 * kLanes, 0.0);
        std::fill_n(tail(g), block_ * kLanes, 0.0);
    }
    // The block that ends before row `end` is complete: its share in what follows.
    void next_tail(index g, index end) noexcept {
        kernels().stream->fir_tail(tail_, rows_.from(g, memory_ + end - 2 * block_), past(g),
                                   (end / block_ - 1) % n_parts_, tail(g), scratch_.data() + g * scratch_size_);
    }

    const Slot& in_;
    Level level_;
    std::vector<double> taps_;  // the newest `n_head_`, the last one first
    index n_head_, block_, memory_;
    GroupRows rows_;  // row i is number memory_ + i: before the first there are memory_ rows of zeros
    index first_[2] = {0, 0};

    std::unique_ptr<Fft<double>> fft_;
    FirTail tail_{};
    index n_parts_ = 0, scratch_size_ = 0;
    Buffer<double> spectra_, past_, tails_, scratch_;
};

class ResampleOp final : public Op {
public:
    explicit ResampleOp(const OpInit& init) : in_(init.input(Slot::signal)) {
        const auto taps = taps_of(init);
        up_ = whole_number(init, "up", 1, Rates::kMostFactor);
        down_ = whole_number(init, "down", 1, Rates::kMostFactor);
        if (init.rates.count() >= kMostRates)
            init.fail("is one change of the sampling rate too many: expected at most " +
                      std::to_string(kMostRates - 1));
        level_ = Level(init, in_.stride, sum_of(taps) / double(up_));
        const index n_taps = index(taps.size());
        first_.assign(std::size_t(up_) + 1, 0);
        for (index p = 0; p < up_; ++p) {
            for (index k = p + (n_taps - 1 - p) / up_ * up_; p < n_taps && k >= p; k -= up_)
                taps_.push_back(taps[std::size_t(k)]);
            first_[std::size_t(p) + 1] = index(taps_.size());
        }
        memory_ = (n_taps + up_ - 1) / up_ - 1;
        rows_ = GroupRows(in_.stride / kLanes, memory_ + init.clock.max_rows);
        if (double(up_) / double(down_) > Rates::kMostRaised * init.rates.period(in_.rate))
            init.fail("raises the sampling rate to more than " + std::to_string(int(Rates::kMostRaised)) +
                      " times that of the input");
        out = Slot::make(Slot::signal, 1, in_.cols, (init.clock.max_rows * up_ + down_ - 1) / down_);
        out.rate = init.rates.resampled(in_.rate, up_, down_);
        ns_per_sample =
            double(in_.stride) * (1 + double(up_) / double(down_) * (1 + 0.06 * double(n_taps) / double(up_)));
    }
    index parts() const override { return in_.stride / kLanes; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        const StreamKernels& k = *kernels().stream;
        const Polyphase filter{taps_.data(), first_.data(), up_, down_, 0};
        const auto results = [&](index n) { return (n * up_ + down_ - 1) / down_; };
        const index m = results(f.start), count = results(f.start + f.n) - m, oldest = m * down_ / up_ - memory_;
        for (index g = p0; g < p1; ++g) {
            if (f.start == 0) level_.start(in_.row(0), g), rows_.clear(g);
            rows_.append(g, memory_ + f.start, f.n, [&](index i, index n, double* to) {
                k.take_off_level(in_.row(i) + g * kLanes, in_.stride, level_.in(g), to, n);
            });
            if (count == 0) continue;
            double* y = out.data.data() + g * kLanes;
            k.polyphase(filter, m, count, rows_.from(g, memory_ + oldest), oldest, y, out.stride);
            k.put_on_level(nullptr, level_.out(g), y, out.stride, count);
        }
    }

private:
    static constexpr int kMostRates = 17;

    const Slot& in_;
    Level level_;
    index up_, down_, memory_;
    std::vector<double> taps_;  // by phase, the last one first
    std::vector<index> first_;
    GroupRows rows_;  // row i is number memory_ + i, as in FirOp
};

}  // namespace

std::unique_ptr<Op> make_resample(const OpInit& init) { return std::make_unique<ResampleOp>(init); }
std::unique_ptr<Op> make_fir(const OpInit& init) { return std::make_unique<FirOp>(init); }

}  // namespace fastemo
