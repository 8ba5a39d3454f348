// Power spectrum of each window under several tapers, as the mean over segments of it; channels as lanes.
#include <cmath>

#include "../targets/spectra_kernels.hpp"
#include "fft_plan.hpp"
#include "op.hpp"
#include "segment_means.hpp"

namespace fastemo {

namespace {

class TaperPowerOp final : public Op {
public:
    explicit TaperPowerOp(const OpInit& init)
        : in_(init.input(Slot::window)), length_(init.clock.length), hop_(init.file.i64(init.name("hop"))) {
        const auto tapers = init.file.f64_array(init.name("tapers"), {ModelFile::any, ModelFile::any});
        if (tapers.empty()) init.fail("has no tapers");
        const auto& shape = init.file.find(init.name("tapers"))->shape;
        const index n_tapers = shape[0], n = shape[1];
        if (n > length_)
            init.fail("has tapers of " + std::to_string(n) + " samples, the window has " + std::to_string(length_));
        if (hop_ < 1) init.fail("has hop " + std::to_string(hop_) + ", expected at least 1");
        n_segments_ = (length_ - n) / hop_ + 1;
        const auto bins = init.file.i64_array(init.name("bins"), {2});
        if (bins[0] < 0 || bins[0] >= bins[1] || bins[1] > n / 2 + 1)
            init.fail("has bins " + std::to_string(bins[0]) + " to " + std::to_string(bins[1]) +
                      ", expected a range within 0 to " + std::to_string(n / 2 + 1));
        const index n_bins = index(bins[1] - bins[0]);
        const std::int64_t detrend = init.file.i64(init.name("detrend"));
        if (detrend != 0 && detrend != 1) init.fail("has detrend " + std::to_string(detrend) + ", expected 0 or 1");
        const auto weights = init.file.f64_array(init.name("weights"), {n_tapers});
        const auto scale = init.file.f64_array(init.name("scale"), {n_bins});
        tapers_.assign(tapers.begin(), tapers.end());
        for (index i = 0; i < index(tapers_.size()); ++i) {
            if (!(weights[i / n] >= 0)) init.fail("has a weight that is negative");
            tapers_[i] *= std::sqrt(weights[i / n]);
        }
        scale_.assign(scale.begin(), scale.end());
        fft_ = Fft<double>(n, index(bins[0]), index(bins[1]));
        plan_ = {&fft_.plan(), tapers_.data(), n_tapers, n_bins};
        detrend_ = detrend == 1;
        out = Slot::make(Slot::vector, n_bins, in_.cols, init.clock.max_windows);
        spectra_ = kernels().spectra;
        scratch_size_ = round_up(
            (length_ + n_bins) * kLanes + spectra_->taper_scratch(fft_.plan()) + SegmentMeans(n, hop_).scratch_size(),
            kLanes);
        scratch_ = Buffer<double>(parts() * scratch_size_);
        per_window = true;
        bits = Bits::fusing;
        ns_per_window =
            0.15 * double(n * n_tapers * n_segments_) * std::log2(double(n) + 1) * double(out.col_stride()) / kLanes;
    }
    index parts() const override { return padded(in_.cols) / kLanes; }
    void process(const Frame& f, index p0, index p1) noexcept override {
        const double factor = 1.0 / double(n_segments_);
        const SegmentMeans means(fft_.plan().n, hop_);
        for (index w = 0; w < f.n_windows; ++w) {
            const RingView ring = in_.ring->view(f, w);
            for (index p = p0; p < p1; ++p) {
                double *const rows = scratch_.data() + p * scratch_size_, *const power = rows + length_ * kLanes;
                double* const of_means = power + plan_.n_bins * kLanes;
                double* const passes = of_means + means.scratch_size();
                for (index i = 0, at = ring.first % ring.size; i < length_; ++i, at = at + 1 == ring.size ? 0 : at + 1)
                    std::copy_n(ring.base + at * ring.stride + p * kLanes, kLanes, rows + i * kLanes);
                for (index s = 0; s < n_segments_; ++s) {
                    const double* const segment = rows + s * hop_ * kLanes;
                    const double* const mean = detrend_ ? means.of(s, s == 0, *spectra_, segment, of_means) : nullptr;
                    spectra_->taper_power(plan_, 0, plan_.n_tapers, segment, mean, s > 0, power, passes);
                }
                spectra_->scale_rows(scale_.data(), factor, plan_.n_bins, power);
                for (index k = 0; k < plan_.n_bins; ++k)
                    std::copy_n(power + k * kLanes, kLanes, out.row(w) + k * out.col_stride() + p * kLanes);
            }
        }
    }

private:
    const Slot& in_;
    const index length_, hop_;
    index n_segments_;
    bool detrend_ = false;
    std::vector<double> tapers_, scale_;
    Fft<double> fft_{1};
    TaperPlan plan_;
    const SpectraKernels* spectra_;
    index scratch_size_;
    Buffer<double> scratch_;  // of each part
};

}  // namespace

std::unique_ptr<Op> make_taper_power(const OpInit& init) { return std::make_unique<TaperPowerOp>(init); }

}  // namespace fastemo
