// Connectivity of all pairs (`cross`) or of some (`cross_pairs`) in every band, from causal analytic signals: over the window, or with a memory that fades.
//
// Samples are taken in steps that end at multiples of the hop, at ends of windows and after 16 samples at most, counted
// since the last reset, so that bits do not depend on chunks. A sum that samples leave again would drift; one that is
// begun anew every few windows takes its place when it has seen a whole window.
#include <bit>
#include <cmath>
#include <optional>

#include "analytic_bank.hpp"
#include "pair_list.hpp"

namespace fastemo {

namespace {

constexpr index kRenewal = 4;  // windows
constexpr unsigned kPerSample = 1u << CrossArgs::coh | 1u << CrossArgs::cohy | 1u << CrossArgs::imcoh |
                                1u << CrossArgs::plv | 1u << CrossArgs::ciplv | 1u << CrossArgs::pli |
                                1u << CrossArgs::dpli | 1u << CrossArgs::wpli;

class CrossOp final : public Op {
public:
    CrossOp(const OpInit& init, bool chosen) : in_(init.input(Slot::signal)), clock_(init.clock), bank_(init, in_) {
        n_bands_ = bank_.n_bands();
        const std::int64_t measures = init.file.i64(init.name("measures"));
        if (measures <= 0 || (measures & ~std::int64_t(kPerSample)) != 0)
            init.fail("has measures " + std::to_string(measures) + ", expected some of " + std::to_string(kPerSample));
        measures_ = unsigned(measures);
        decay_ = init.file.f64(init.name("decay"));
        if (!(decay_ >= 0 && decay_ < 1)) init.fail("has decay " + std::to_string(decay_) + ", expected 0 to 1");
        if (in_.cols < 2) init.fail("reads 1 channel, expected at least 2");

        n_planes_ = std::popcount(measures_) + (measures_ >> CrossArgs::cohy & 1);
        const index rows = Slot::checked(n_planes_, n_bands_), pairs = Slot::checked(in_.cols, in_.cols - 1) / 2;
        if (chosen) list_.emplace(init, in_.cols, in_.stride, measures_, n_bands_);
        if (list_ && list_->in_order()) list_.reset();
        out = Slot::make(Slot::vector, rows, list_ ? list_->n_groups() : pairs, clock_.max_windows);
        const auto& k = *kernels().cross;
        sums_size_ = listed() ? list_->sums_size() : k.pair_sums_size(in_.cols, in_.stride, measures_);
        ring_size_ = (fades() ? 0 : clock_.length) + PairSumsArgs::kMost;
        ring_ = Buffer<double>(n_bands_ * ring_size_ * 3 * in_.stride);
        sums_ = Buffer<double>(n_bands_ * sums_size_);
        if (!fades()) fresh_ = Buffer<double>(n_bands_ * sums_size_);
        scratch_size_ = listed() ? list_->scratch_size() : k.pair_sums_scratch(in_.stride);
        scratch_ = Buffer<double>(n_bands_ * scratch_size_);
        const index window = std::max(clock_.length, clock_.hop);
        period_ = (kRenewal * window + clock_.hop - 1) / clock_.hop * clock_.hop;
        const double in_all = double(in_.stride * in_.stride) / 2;
        const double per_sample = (listed() ? 3 * double(list_->size()) : in_all) * double(n_bands_);
        bits = Bits::fusing;
        ns_per_sample = per_sample * (fades() ? 0.3 : 0.6);
        ns_per_window = per_sample * 2;
    }

    index parts() const override { return n_bands_; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        for (index band = p0; band < p1; ++band) {
            if (f.start == 0) start(band);
            Steps steps = steps_;
            index window = 0;
            for (index row = 0; row < f.n;) {
                const index rows = std::min(f.n - row, steps.size(clock_) - steps.filled);
                filter(band, in_.row(row), f.start + row, rows);
                row += rows;
                steps.filled += rows;
                if (steps.filled < steps.size(clock_)) break;
                const bool ends = window < f.n_windows && row == clock_.window_end(f, window);
                move(band, steps, ends ? window : -1);
                window += ends;
                steps.begin += steps.filled;
                steps.filled = 0;
            }
        }
    }

    void finish(const Frame& f) noexcept override {
        for (index row = 0; row < f.n;) {
            const index rows = std::min(f.n - row, steps_.size(clock_) - steps_.filled);
            row += rows;
            steps_.filled += rows;
            if (steps_.filled < steps_.size(clock_)) break;
            steps_.begin += steps_.filled;
            steps_.filled = 0;
        }
    }

    void reset() noexcept override { steps_ = {}; }

private:
    // The step that is open: where it began, and how many samples of it there are.
    struct Steps {
        index begin = 0, filled = 0;

        index size(const Clock& clock) const {
            const index to_hop = clock.hop - begin % clock.hop;
            const index after = begin - clock.length % clock.hop;
            const index to_end = clock.hop - (after < 0 ? after + clock.hop : after) % clock.hop;
            return std::min({to_hop, to_end, PairSumsArgs::kMost});
        }
    };

    bool fades() const { return decay_ > 0; }
    bool listed() const { return list_ && !list_->dense(); }
    double* row_of(index band, index sample) const {
        return ring_.data() + (band * ring_size_ + sample % ring_size_) * 3 * in_.stride;
    }

    void start(index band) noexcept {
        bank_.start(band);
        std::fill_n(sums_.data() + band * sums_size_, sums_size_, 0.0);
        if (!fades()) std::fill_n(fresh_.data() + band * sums_size_, sums_size_, 0.0);
    }

    void filter(index band, const double* in, index sample, index n) noexcept {
        while (n > 0) {
            const index rows = std::min(n, ring_size_ - sample % ring_size_);
            bank_.filter(band, in, row_of(band, sample), rows, 3);
            in += rows * in_.stride, sample += rows, n -= rows;
        }
    }

    // Takes a whole step into the sums, and what they come to into window `w` if there is one.
    void move(index band, const Steps& step, index w) noexcept {
        const double *added[PairSumsArgs::kMost], *dropped[PairSumsArgs::kMost];
        double fading[PairSumsArgs::kMost];
        const index n = step.filled, end = step.begin + n;
        for (index i = 0; i < n; ++i) added[i] = row_of(band, step.begin + i);
        PairSumsArgs a{};
        a.added = added, a.dropped = dropped, a.n_added = n;
        a.decay = 1;
        if (fades()) {
            for (index i = n; i-- > 0; a.decay *= decay_) fading[i] = (1 - decay_) * a.decay;
            a.fading = fading;
            a.total = 1 - std::pow(decay_, double(end));
        } else {
            if (step.begin >= clock_.length)
                for (; a.n_dropped < n; ++a.n_dropped)
                    dropped[a.n_dropped] = row_of(band, step.begin - clock_.length + a.n_dropped);
            a.total = double(clock_.length);
            const index since = step.begin % period_;
            double* fresh = fresh_.data() + band * sums_size_;
            if (since == 0) std::fill_n(fresh, sums_size_, 0.0);
            if (since < clock_.length) a.fresh = fresh;
            a.renew = since + n == clock_.length;
        }
        a.sums = sums_.data() + band * sums_size_;
        a.n_channels = in_.cols, a.stride = in_.stride;
        a.measures = measures_;
        a.scratch = scratch_.data() + band * scratch_size_;
        double* const to = w >= 0 ? out.row(w) + band * out.col_stride() : nullptr;
        const index to_stride = n_bands_ * out.col_stride();
        a.out = to, a.out_stride = to_stride;
        if (to && list_) a.out = list_->planes(band), a.out_stride = list_->size();
        listed() ? list_->move(a) : kernels().cross->pair_sums(a);
        if (to && list_) list_->finish(band, to, to_stride);
    }

    const Slot& in_;
    const Clock clock_;
    AnalyticBank bank_;
    std::optional<PairList> list_;
    index n_bands_, n_planes_, sums_size_, ring_size_, scratch_size_, period_;
    unsigned measures_;
    double decay_;
    Steps steps_;
    Buffer<double> ring_, sums_, fresh_, scratch_;  // [n_bands][...]
};

}  // namespace

std::unique_ptr<Op> make_cross(const OpInit& init) { return std::make_unique<CrossOp>(init, false); }

std::unique_ptr<Op> make_cross_pairs(const OpInit& init) { return std::make_unique<CrossOp>(init, true); }

}  // namespace fastemo
