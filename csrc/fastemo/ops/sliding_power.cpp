// Band powers of the window by running sums of DFT bins: the cost of a hop depends on the hop, not on the window.
//
// Samples are added in blocks that end where windows begin or end, whatever the chunks. Sums that samples leave by
// subtraction drift, so from time to time, at multiples of a number of hops, a second set of sums is begun, and takes the
// place of the first one when it has seen a whole window. Bits depend on the number of the sample only.
#include <cmath>
#include <map>
#include <numeric>

#include "../base/roots.hpp"
#include "../targets/spectra_kernels.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

constexpr index kBlock = 16;  // samples that a kernel takes at once
constexpr index kMostSamples = 1 << 20;
constexpr index kRenewal = 8;  // windows from one fresh start to the next

class SlidingPowerOp final : public Op {
public:
    explicit SlidingPowerOp(const OpInit& init)
        : in_(init.input(Slot::signal)), clock_(init.clock), length_(init.clock.length), hop_(init.clock.hop) {
        if (length_ > kMostSamples)
            init.fail("slides over a window of " + std::to_string(length_) + " samples, expected at most " +
                      std::to_string(kMostSamples));
        const auto bins = init.file.i64_array(init.name("bins"), {2});
        if (bins[0] < 1 || bins[0] >= bins[1] || bins[1] > length_ / 2 + 1)
            init.fail("has bins " + std::to_string(bins[0]) + " to " + std::to_string(bins[1]) +
                      ", expected a range within 1 to " + std::to_string(length_ / 2 + 1));
        const index n_bins = index(bins[1] - bins[0]);
        first_ = index(bins[0]) - 1, n_sums_ = n_bins + 2;
        const auto taper = init.file.f64_array(init.name("taper"), {2});
        const std::int64_t detrend = init.file.i64(init.name("detrend"));
        if (detrend != 0 && detrend != 1) init.fail("has detrend " + std::to_string(detrend) + ", expected 0 or 1");
        without_mean_ = detrend == 1 && first_ == 0;
        const auto scale = init.file.f64_array(init.name("scale"), {n_bins});
        const auto edges = init.file.i64_array(init.name("edges"), {ModelFile::any, 2});
        const index n_bands = index(edges.size()) / 2;
        if (n_bands == 0) init.fail("has no bands");
        const auto weight = init.file.f64_array(init.name("weight"), {n_bands});
        for (index b = 0; b < n_bands; ++b)
            if (edges[2 * b] < 0 || edges[2 * b] >= edges[2 * b + 1] || edges[2 * b + 1] > n_bins)
                init.fail("has band " + std::to_string(b) + " outside its " + std::to_string(n_bins) +
                          " bins or empty");
        scale_.assign(scale.begin(), scale.end());
        edges_.assign(edges.begin(), edges.end());
        weight_.assign(weight.begin(), weight.end());
        bands_ = {{edges_.data(), weight_.data(), n_bands}, scale_.data(), taper[0], 0.5 * taper[1]};

        if (n_sums_ > Slot::kMaxStride / in_.stride) throw std::bad_alloc();
        for (index i = 0; i < 2 * length_; ++i) {
            const Root r = root_of_unity(i, 2 * length_);
            roots_.push_back(r.re);
            roots_.push_back(-r.im);
        }
        out = Slot::make(Slot::vector, n_bands, in_.cols, clock_.max_windows);
        ring_rows_ = length_ + kBlock;
        ring_ = Buffer<double>(ring_rows_ * in_.stride);
        sums_ = Buffer<double>(2 * n_sums_ * in_.stride);
        fresh_ = Buffer<double>(2 * n_sums_ * in_.stride);
        renewal_ = (kRenewal * length_ + hop_ - 1) / hop_ * hop_;
        for (index offset = 0; offset < hop_; offset += block_at(offset)) factors_for(block_at(offset));
        rotations_ = Buffer<double>(parts() * 2 * n_sums_);
        spectra_ = kernels().spectra;
        const double per_bin = 0.06 * double(in_.stride);
        bits = Bits::fusing;
        ns_per_sample = 2.2 * per_bin * double(n_sums_) * (1 + 4 / double(std::min(hop_, kBlock)));
        ns_per_window = 6 * per_bin * double(n_bins);
    }

    index parts() const override { return in_.stride / kLanes; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        const index c0 = p0 * kLanes, c1 = p1 * kLanes;
        index n = n_, window = 0;  // samples before this row
        for (index row = 0; row < f.n; ++row) {
            double* const kept = ring_row(n);
            std::copy_n(in_.row(row) + c0, c1 - c0, kept + c0);
            ++n;
            const index start = block_start(n - 1), size = block_at(start % hop_);
            if (n - start < size) continue;
            close_block(start, size, p0, c0, c1);
            if (window < f.n_windows && row + 1 == clock_.window_end(f, window)) {
                const index at = 2 * ((n - length_) % length_) * 2;
                spectra_->sliding_bands(bands_, roots_[std::size_t(at)], roots_[std::size_t(at + 1)], sums_.data(),
                                        in_.stride, out.row(window++), out.col_stride(), c0, c1);
            }
        }
    }

    void finish(const Frame& f) noexcept override { n_ += f.n; }

    void reset() noexcept override {
        n_ = 0;
        ring_.clear();
        sums_.clear();
        fresh_.clear();
    }

private:
    double* ring_row(index n) { return ring_.data() + n % ring_rows_ * in_.stride; }

    // Blocks lie within a hop, between the places where windows begin (0) and end, of at most kBlock samples each.
    index block_at(index offset) const {
        const index end = length_ % hop_, stop = offset < end ? end : hop_;
        return std::min(kBlock, stop - offset);
    }
    index block_start(index n) const {
        const index offset = n % hop_, end = length_ % hop_, from = offset < end ? 0 : end;
        return n - (offset - from) % kBlock;
    }

    void factors_for(index size) {
        if (factors_.count(size)) return;
        std::vector<double>& table = factors_[size];
        for (index k = 0; k < n_sums_; ++k)
            for (index j = 0; j < size / 2; ++j) {
                const index turn = (first_ + k) * (2 * j + 1 + size % 2) % (2 * length_);
                table.push_back(roots_[std::size_t(2 * turn)]);
                table.push_back(-roots_[std::size_t(2 * turn + 1)]);
            }
        tables_[size] = table.data();
    }

    // Samples [start, start + size) have come.
    void close_block(index start, index size, index part, index c0, index c1) noexcept {
        const double *in[kBlock], *leaving[kBlock];
        for (index i = 0; i < size; ++i) {
            in[i] = ring_row(start + i);
            leaving[i] = start < length_ ? nullptr : ring_row(start + i - length_);
        }
        double* const rotations = rotations_.data() + part * 2 * n_sums_;
        const index turn = (2 * start + size - 1) % (2 * length_);
        for (index k = 0, at = first_ * turn % (2 * length_); k < n_sums_; ++k) {
            rotations[2 * k] = roots_[std::size_t(2 * at)];
            rotations[2 * k + 1] = roots_[std::size_t(2 * at + 1)];
            at += turn;
            if (at >= 2 * length_) at -= 2 * length_;
        }
        const index from = without_mean_ ? 1 : 0;
        SlidingBlock block{in, start < length_ ? nullptr : leaving, size, n_sums_, tables_[size]};
        spectra_->sliding_add(block, rotations, from, sums_.data(), in_.stride, c0, c1);
        const index since = start % renewal_;
        if (start < renewal_ || since >= length_) return;
        if (since == 0) clear(fresh_, c0, c1);
        block.out = nullptr;
        spectra_->sliding_add(block, rotations, from, fresh_.data(), in_.stride, c0, c1);
        if (since + size == length_)
            for (index r = 0; r < 2 * n_sums_; ++r)
                std::copy_n(fresh_.data() + r * in_.stride + c0, c1 - c0, sums_.data() + r * in_.stride + c0);
    }
    void clear(Buffer<double>& sums, index c0, index c1) noexcept {
        for (index r = 0; r < 2 * n_sums_; ++r) std::fill_n(sums.data() + r * in_.stride + c0, c1 - c0, 0.0);
    }

    const Slot& in_;
    const Clock clock_;
    const index length_, hop_;
    index first_, n_sums_;  // the first bin summed, and how many are
    index n_ = 0;           // samples since the last reset
    index ring_rows_, renewal_;
    bool without_mean_;
    std::vector<double> roots_;  // cosine and sine of pi i/length
    std::map<index, std::vector<double>> factors_;
    const double* tables_[kBlock + 1] = {};
    std::vector<double> scale_, weight_;
    std::vector<std::int64_t> edges_;
    SlidingBands bands_;
    Buffer<double> ring_, sums_, fresh_, rotations_;
    const SpectraKernels* spectra_;
};

}  // namespace

std::unique_ptr<Op> make_sliding_power(const OpInit& init) { return std::make_unique<SlidingPowerOp>(init); }

}  // namespace fastemo
