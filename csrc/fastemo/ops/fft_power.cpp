// Power spectrum of each window, channels as lanes, read from the ring in place.
#include <cmath>

#include "fft_plan.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

class FftPowerOp final : public Op {
public:
    explicit FftPowerOp(const OpInit& init)
        : in_(init.input(Slot::window)), detrend_(init.file.i64(init.name("detrend"))), fft_(make_fft(init)) {
        const index n = init.clock.length, n_bins = fft_.plan().stop - fft_.plan().first;
        const auto taper = init.file.f64_array(init.name("taper"), {n});
        taper_.assign(taper.begin(), taper.end());
        const auto scale = init.file.f64_array(init.name("scale"), {n_bins});
        scale_.assign(scale.begin(), scale.end());
        if (detrend_ != 0 && detrend_ != 1) init.fail("has detrend " + std::to_string(detrend_) + ", expected 0 or 1");
        out = Slot::make(Slot::vector, n_bins, in_.cols, init.clock.max_windows);
        scratch_size_ = round_up(fft_.scratch_size(), kLanes);
        scratch_ = Buffer<double>(parts() * scratch_size_);
        per_window = true;
        bits = Bits::fusing;
        ns_per_window = 0.15 * double(n) * std::log2(double(n) + 1) * double(out.col_stride()) / kLanes;
    }
    index parts() const override { return padded(in_.cols) / kLanes; }
    void process(const Frame& f, index p0, index p1) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            const FftInput in{{}, in_.ring->view(f, w), in_.cols};
            kernels().fft_power(fft_.plan(), in, taper_.data(), detrend_ == 1, scale_.data(), out.row(w),
                                out.col_stride(), scratch_.data() + p0 * scratch_size_, p0 * kLanes, p1 * kLanes);
        }
    }

private:
    static Fft<double> make_fft(const OpInit& init) {
        const auto bins = init.file.i64_array(init.name("bins"), {2});
        const index n = init.clock.length;
        if (bins[0] < 0 || bins[0] >= bins[1] || bins[1] > n / 2 + 1)
            init.fail("has bins " + std::to_string(bins[0]) + " to " + std::to_string(bins[1]) +
                      ", expected a range within 0 to " + std::to_string(n / 2 + 1));
        return Fft<double>(n, index(bins[0]), index(bins[1]));
    }

    const Slot& in_;
    const std::int64_t detrend_;
    const Fft<double> fft_;
    std::vector<double> taper_, scale_;
    index scratch_size_;
    Buffer<double> scratch_;  // of each part
};

}  // namespace

std::unique_ptr<Op> make_fft_power(const OpInit& init) { return std::make_unique<FftPowerOp>(init); }

}  // namespace fastemo
