// Phase-amplitude coupling of each channel's window: analytic signals of bands without delay, by one FFT of the window
// continued at its ends; channels are the lanes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "../targets/spectra_kernels.hpp"
#include "fft_plan.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

constexpr double kPi = 3.14159265358979323846;

class CouplingOp final : public Op {
public:
    explicit CouplingOp(const OpInit& init) : in_(init.input(Slot::window)), length_(init.clock.length) {
        const auto whole = [&](const char* name, std::int64_t low, std::int64_t high) {
            const std::int64_t value = init.file.i64(init.name(name));
            if (value < low || value > high)
                init.fail("has " + std::string(name) + " " + std::to_string(value) + ", expected " +
                          std::to_string(low) + " to " + std::to_string(high));
            return index(value);
        };
        if (length_ < 2) init.fail("has a window of 1 sample, expected at least 2");
        reach_ = whole("reach", 0, length_ - 1);
        n_fft_ = whole("n_fft", length_ + 2 * reach_, std::int64_t(1) << 24);
        method_ = int(whole("method", 0, 2));
        n_bins_ = whole("n_bins", 2, 1 << 16);
        const index half = n_fft_ / 2 + 1;
        const auto gains = init.file.f64_array(init.name("gains"), {ModelFile::any, half});
        n_bands_ = index(gains.size()) / half;
        n_phase_ = whole("n_phase", 1, 1 << 16);
        if (n_phase_ >= n_bands_)
            init.fail("has n_phase " + std::to_string(n_phase_) + " of " + std::to_string(n_bands_) +
                      " bands, expected fewer");
        even_.assign(gains.begin(), gains.end());
        odd_ = even_;
        for (index b = 0; b < n_bands_; ++b) {
            odd_[std::size_t(b * half)] = 0;
            if (n_fft_ % 2 == 0) odd_[std::size_t((b + 1) * half - 1)] = 0;
        }
        fft_ = Fft<double>(n_fft_);
        if (fft_.plan().convolution)
            init.fail("has n_fft " + std::to_string(n_fft_) + ", expected one without prime factors above 13");
        plan_ = {&fft_.plan(), reach_ + length_};
        spectra_ = kernels().spectra;
        const index n_pairs = n_phase_ * (n_bands_ - n_phase_);
        out = Slot::make(Slot::vector, n_pairs, in_.cols, init.clock.max_windows);
        const index rows = n_fft_ + 2 * half + 2 * plan_.n_samples + length_ * (n_bands_ + n_phase_) + n_bins_;
        scratch_size_ = round_up(Slot::checked(rows, kLanes) + spectra_->wavelet_scratch(fft_.plan()), kLanes);
        scratch_ = Buffer<double>(Slot::checked(parts(), scratch_size_));
        per_window = true;
        bits = Bits::fusing;
        ns_per_window = double(padded(in_.cols)) * double(n_bands_) * (double(n_fft_) * 2 + 25 * double(length_));
    }

    index parts() const override { return padded(in_.cols) / kLanes; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        for (index w = 0; w < f.n_windows; ++w)
            for (index p = p0; p < p1; ++p) window(in_.ring->view(f, w), p, out.row(w) + p * kLanes);
    }

private:
    // Of phases: cosine and sine, or the number of the bin; of amplitudes the amplitude. [n][kLanes]
    struct Parts {
        double *rows, *spectrum, *pairs, *phases, *amplitudes, *sums, *passes;
    };
    Parts parts_of(index p) const {
        Parts s{};
        s.rows = scratch_.data() + p * scratch_size_;
        s.spectrum = s.rows + n_fft_ * kLanes;
        s.pairs = s.spectrum + 2 * (n_fft_ / 2 + 1) * kLanes;
        s.phases = s.pairs + 2 * plan_.n_samples * kLanes;
        s.amplitudes = s.phases + 2 * length_ * n_phase_ * kLanes;
        s.sums = s.amplitudes + length_ * (n_bands_ - n_phase_) * kLanes;
        s.passes = s.sums + n_bins_ * kLanes;
        return s;
    }

    void window(const RingView& ring, index p, double* out_rows) const noexcept {
        const Parts s = parts_of(p);
        continued(ring, p, s.rows);
        spectra_->wavelet_spectrum(plan_, s.rows, s.spectrum, s.passes);
        const index half = n_fft_ / 2 + 1;
        for (index b = 0; b < n_bands_; ++b) {
            spectra_->wavelet_transform(plan_, even_.data() + b * half, odd_.data() + b * half, s.spectrum, s.pairs,
                                        s.passes);
            const double* z = s.pairs + 2 * reach_ * kLanes;
            if (b < n_phase_)
                phases(z, s.phases + 2 * length_ * b * kLanes);
            else
                amplitudes(z, s.amplitudes + length_ * (b - n_phase_) * kLanes);
        }
        const index n_fast = n_bands_ - n_phase_;
        for (index slow = 0; slow < n_phase_; ++slow)
            for (index fast = 0; fast < n_fast; ++fast) {
                const double* phase = s.phases + 2 * length_ * slow * kLanes;
                const double* amplitude = s.amplitudes + length_ * fast * kLanes;
                double* to = out_rows + (slow * n_fast + fast) * out.col_stride();
                for (index c = 0; c < kLanes; ++c)
                    to[c] = p * kLanes + c >= in_.cols ? 0.0
                            : method_ == 0             ? modulation_index(phase + c, amplitude + c, s.sums)
                                                       : vector_length(phase + c, amplitude + c);
            }
    }

    // The window less its first sample, reflected in its end points, and zeros.
    void continued(const RingView& ring, index p, double* rows) const noexcept {
        double* const middle = rows + reach_ * kLanes;
        for (index i = 0, at = ring.first % ring.size; i < length_; ++i, at = at + 1 == ring.size ? 0 : at + 1)
            std::copy_n(ring.base + at * ring.stride + p * kLanes, kLanes, middle + i * kLanes);
        for (index i = length_; i-- > 0;)
            for (index c = 0; c < kLanes; ++c) middle[i * kLanes + c] -= middle[c];
        const double* last = middle + (length_ - 1) * kLanes;
        for (index i = 1; i <= reach_; ++i)
            for (index c = 0; c < kLanes; ++c) {
                middle[-i * kLanes + c] = 2 * middle[c] - middle[i * kLanes + c];
                middle[(length_ - 1 + i) * kLanes + c] = 2 * last[c] - last[-i * kLanes + c];
            }
        const index used = length_ + 2 * reach_;
        std::fill_n(rows + used * kLanes, (n_fft_ - used) * kLanes, 0.0);
    }

    void phases(const double* z, double* to) const noexcept {
        for (index i = 0; i < length_; ++i)
            for (index c = 0; c < kLanes; ++c) {
                const double re = z[2 * i * kLanes + c], im = z[(2 * i + 1) * kLanes + c];
                if (method_ == 0) {
                    const double turns = std::atan2(im, re) / (2 * kPi) + 0.5;
                    const auto bin = index((turns - std::floor(turns)) * double(n_bins_));
                    to[i * kLanes + c] = double(std::min(bin, n_bins_ - 1));
                } else {
                    const double size = std::hypot(re, im);
                    to[2 * i * kLanes + c] = size > 0 ? re / size : 1.0;
                    to[(2 * i + 1) * kLanes + c] = size > 0 ? im / size : 0.0;
                }
            }
    }

    void amplitudes(const double* z, double* to) const noexcept {
        for (index i = 0; i < length_; ++i)
            for (index c = 0; c < kLanes; ++c)
                to[i * kLanes + c] = std::hypot(z[2 * i * kLanes + c], z[(2 * i + 1) * kLanes + c]);
    }

    // Tort's index: `sums` has room for n_bins sums and as many counts in its kLanes columns.
    double modulation_index(const double* bins, const double* amplitude, double* sums) const noexcept {
        double* const counts = sums + n_bins_;
        std::fill_n(sums, 2 * n_bins_, 0.0);
        for (index i = 0; i < length_; ++i) {
            const double bin = bins[i * kLanes];
            if (!(bin >= 0)) return std::numeric_limits<double>::quiet_NaN();
            sums[index(bin)] += amplitude[i * kLanes];
            counts[index(bin)] += 1;
        }
        double total = 0, entropy = 0;
        for (index k = 0; k < n_bins_; ++k) total += sums[k] /= std::max(counts[k], 1.0);
        for (index k = 0; k < n_bins_; ++k) {
            const double share = sums[k] / total;
            if (share > 0) entropy -= share * std::log(share);
        }
        if (!(total > 0)) return std::numeric_limits<double>::quiet_NaN();
        return std::max(1 - entropy / std::log(double(n_bins_)), 0.0);
    }

    double vector_length(const double* phase, const double* amplitude) const noexcept {
        double re = 0, im = 0, square = 0;
        for (index i = 0; i < length_; ++i) {
            const double a = amplitude[i * kLanes];
            re += a * phase[2 * i * kLanes];
            im += a * phase[(2 * i + 1) * kLanes];
            square += a * a;
        }
        const double n = double(length_), size = std::hypot(re, im) / n;
        if (method_ == 1) return size;
        return square > 0 ? size / std::sqrt(square / n) : std::numeric_limits<double>::quiet_NaN();
    }

    const Slot& in_;
    const index length_;
    index reach_, n_fft_, n_bins_, n_bands_, n_phase_, scratch_size_;
    int method_;
    std::vector<double> even_, odd_;  // [n_bands][n_fft/2 + 1], those of phase first
    Fft<double> fft_{1};
    WaveletPlan plan_{};
    const SpectraKernels* spectra_;
    Buffer<double> scratch_;  // of each part
};

}  // namespace

std::unique_ptr<Op> make_coupling(const OpInit& init) { return std::make_unique<CouplingOp>(init); }

}  // namespace fastemo
