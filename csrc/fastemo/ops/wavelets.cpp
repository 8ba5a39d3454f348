// Amplitude in a band by complex wavelets, all as late as the longest of the bands: the root of their weighted powers.
//
// A wavelet's taps begin `delay` less half its length samples back. What of them lies within a block of samples is added
// up directly, the rest block by block by the FFT (fir_stream.hpp); most wavelets have nothing within a block.
#include <algorithm>
#include <span>
#include <vector>

#include "../targets/stream_kernels.hpp"
#include "fft_plan.hpp"
#include "group_rows.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

constexpr index kMostTaps = index(1) << 22;
constexpr index kMostRows = 64;  // at a time where all is direct

struct Wavelet {
    double weight, gain[2];       // gain: sums of the taps
    index lead, n_head;           // taps before the first; of them the ones within a block
    std::vector<double> head[2];  // the last one first
    FirParts parts[2]{};
    index tail = -1;  // number of its tails, where it has a head too
};

class WaveletsOp final : public Op {
public:
    explicit WaveletsOp(const OpInit& init) : in_(init.input(Slot::signal)), groups_(in_.stride / kLanes) {
        const auto lengths = init.file.i64_array(init.name("lengths"), {ModelFile::any});
        if (lengths.empty()) init.fail("has no wavelets");
        std::int64_t total = 0;
        for (const std::int64_t length : lengths) {
            if (length < 1 || length % 2 == 0 || length > kMostTaps)
                init.fail("has a wavelet of length " + std::to_string(length) + ", expected an odd number up to " +
                          std::to_string(kMostTaps));
            total += length;
        }
        const index n = index(lengths.size());
        const auto taps = init.file.f64_array(init.name("taps"), {total, 2});
        const auto weights = init.file.f64_array(init.name("weights"), {n});
        const std::int64_t delay = init.file.i64(init.name("delay"));
        const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
        if (delay < longest / 2 || delay > kMostTaps)
            init.fail("has delay " + std::to_string(delay) + ", expected " + std::to_string(longest / 2) + " to " +
                      std::to_string(kMostTaps));
        block_ = init.file.i64(init.name("block"));
        if (block_ != 0 && (block_ < 16 || (block_ & (block_ - 1)) != 0 || block_ > 1 << 16))
            init.fail("has block " + std::to_string(block_) + ", expected 0 or a power of two from 16 to 65536");
        if (block_) fft_ = std::make_unique<Fft<double>>(2 * block_);
        wavelets_.resize(std::size_t(n));
        index at = 0, n_tails = 0, reach = 0;
        for (index k = 0; k < n; ++k) {
            const index length = lengths[std::size_t(k)], lead = delay - length / 2, end = lead + length;
            make(wavelets_[std::size_t(k)], taps.data() + 2 * at, length, lead, weights[std::size_t(k)]);
            Wavelet& w = wavelets_[std::size_t(k)];
            if (!(w.weight >= 0)) init.fail("has a negative weight");
            if (w.n_head > 0) {
                reach = std::max(reach, lead + w.n_head - 1);
                if (w.parts[0].count > 0) w.tail = n_tails++;
            }
            n_past_ = std::max(n_past_, block_ ? (end - 1) / block_ : 0);
            at += length;
        }
        for (Wavelet& w : wavelets_) w.parts[0].n_past = w.parts[1].n_past = n_past_;
        rows_most_ = block_ ? block_ : kMostRows;
        memory_ = std::max(reach, 2 * block_);
        rows_ = GroupRows(groups_, memory_ + init.clock.max_rows);
        level_ = Buffer<double>(in_.stride);
        out = Slot::make(Slot::signal, 1, in_.cols, init.clock.max_rows);
        past_size_ = n_past_ > 0 ? Slot::checked(Slot::checked(block_ + 1, n_past_), 2 * kLanes) : 0;
        past_ = Buffer<double>(Slot::checked(groups_, past_size_));
        sums_ = Buffer<double>(groups_ * rows_most_ * kLanes);
        tail_size_ = Slot::checked(n_tails, 2 * block_ * kLanes);
        tails_ = Buffer<double>(Slot::checked(groups_, tail_size_));
        fft_size_ =
            block_ ? round_up(kernels().stream->fir_parts_scratch({&fft_->plan(), nullptr, 0, 0, 1}), kLanes) : 0;
        scratch_size_ = 3 * rows_most_ * kLanes + fft_size_;
        scratch_ = Buffer<double>(groups_ * scratch_size_);
        double cost = 2;
        for (const Wavelet& w : wavelets_) cost += 1 + 0.12 * double(w.n_head) + (w.parts[0].count ? 3 : 0);
        bits = Bits::fusing;
        ns_per_sample = double(in_.stride) * cost;
    }

    index parts() const override { return groups_; }

    void process(const Frame& f, index p0, index p1) noexcept override {
        const StreamKernels& k = *kernels().stream;
        for (index g = p0; g < p1; ++g) {
            double* const level = level_.data() + g * kLanes;
            if (f.start == 0) start(g);
            rows_.append(g, memory_ + f.start, f.n, [&](index i, index n, double* to) {
                k.take_off_level(in_.row(i) + g * kLanes, in_.stride, level, to, n);
            });
            for (index i = 0; i < f.n;) {
                const index at = f.start + i, place = block_ ? at % block_ : 0,
                            n = std::min(f.n - i, rows_most_ - place);
                double* const sums = scratch(g);
                std::copy_n(this->sums(g) + place * kLanes, n * kLanes, sums);
                for (const Wavelet& w : wavelets_)
                    if (w.n_head > 0) add_head(w, g, at, place, n, sums);
                k.root_rows(sums, out.row(i) + g * kLanes, out.stride, n);
                i += n;
                if (block_ && place + n == block_) next_block(g, at + n);
            }
        }
    }

private:
    void make(Wavelet& w, const double* taps, index length, index lead, double weight) {
        w.weight = weight, w.lead = lead;
        w.n_head = block_ ? std::clamp<index>(block_ - lead, 0, length) : length;
        for (int part = 0; part < 2; ++part) {
            w.gain[part] = 0;
            for (index i = 0; i < length; ++i) w.gain[part] += taps[2 * i + part];
            for (index i = w.n_head; i-- > 0;) w.head[part].push_back(taps[2 * i + part]);
            if (w.n_head == length) continue;
            FirParts& p = w.parts[part];
            const index begin = std::max(lead, block_), end = lead + length;
            p = {&fft_->plan(), nullptr, begin / block_ - 1, (end - 1) / block_ - begin / block_ + 1, 0};
            spectra_.push_back(Buffer<double>(2 * p.count * (block_ + 1)));
            double* const spectra = spectra_.back().data();
            p.spectra = spectra;
            const Buffer<double> padded_taps(2 * block_), bins(2 * (block_ + 1)), work(fft_->scratch_size());
            for (index j = 0; j < p.count; ++j) {
                padded_taps.clear();
                for (index i = 0; i < block_; ++i) {
                    const index tap = (p.first + 1 + j) * block_ + i - lead;
                    if (tap >= w.n_head && tap < length) padded_taps[i] = taps[2 * tap + part] / double(2 * block_);
                }
                kernels().rfft_f64(fft_->plan(), {padded_taps.data(), Dtype::f64, 0, 8}, 1,
                                   {bins.data(), Dtype::f64, 0, 16}, work.data(), 0, kLanes);
                for (index b = 0; b <= block_; ++b)
                    std::copy_n(bins.data() + 2 * b, 2, spectra + (b * p.count + j) * 2);
            }
        }
    }

    double* scratch(index g) const { return scratch_.data() + g * scratch_size_; }
    double* part(index g, int p) const { return scratch(g) + (1 + p) * rows_most_ * kLanes; }
    double* sums(index g) const { return sums_.data() + g * rows_most_ * kLanes; }
    double* past(index g) const { return past_.data() + g * past_size_; }
    double* tail(index g, const Wavelet& w, int p) const {
        return tails_.data() + g * tail_size_ + (2 * w.tail + p) * block_ * kLanes;
    }

    void start(index g) noexcept {
        std::copy_n(in_.row(0) + g * kLanes, kLanes, level_.data() + g * kLanes);
        rows_.clear(g);
        std::fill_n(past(g), past_size_, 0.0);
        std::fill_n(tails_.data() + g * tail_size_, tail_size_, 0.0);
        // As if the first sample had always been there, the wavelets without a head have only its share.
        std::fill_n(sums(g), rows_most_ * kLanes, 0.0);
        std::fill_n(part(g, 0), 2 * rows_most_ * kLanes, 0.0);
        for (const Wavelet& w : wavelets_)
            if (w.n_head == 0) add(w, g, nullptr, nullptr, block_, sums(g));
    }

    // Of z in part(g, 0) and part(g, 1), and of what is more.
    void add(const Wavelet& w, index g, const double* more_re, const double* more_im, index n, double* sums) noexcept {
        double levels[2][kLanes];
        for (int p = 0; p < 2; ++p)
            for (index c = 0; c < kLanes; ++c) levels[p][c] = w.gain[p] * level_[g * kLanes + c];
        kernels().stream->add_power(
            {{part(g, 0), part(g, 1)}, {more_re, more_im}, {levels[0], levels[1]}, w.weight, sums, n});
    }

    void add_head(const Wavelet& w, index g, index at, index place, index n, double* sums) noexcept {
        const index first[2] = {0, w.n_head};
        for (int p = 0; p < 2; ++p)
            kernels().stream->polyphase({w.head[p].data(), first, 1, 1, 0}, 0, n,
                                        rows_.from(g, memory_ + at - w.lead - (w.n_head - 1)), -(w.n_head - 1),
                                        part(g, p), kLanes);
        const bool more = w.tail >= 0;
        add(w, g, more ? tail(g, w, 0) + place * kLanes : nullptr, more ? tail(g, w, 1) + place * kLanes : nullptr, n,
            sums);
    }

    // The block that ends before row `end` is complete: its share in the next one.
    void next_block(index g, index end) noexcept {
        std::fill_n(sums(g), block_ * kLanes, 0.0);
        if (n_past_ == 0) return;
        const StreamKernels& k = *kernels().stream;
        double* const work = scratch(g) + 3 * rows_most_ * kLanes;
        const index newest = (end / block_ - 1) % n_past_;
        k.fir_past({&fft_->plan(), nullptr, 0, 0, n_past_}, rows_.from(g, memory_ + end - 2 * block_), past(g), newest,
                   work);
        for (const Wavelet& w : wavelets_) {
            if (w.parts[0].count == 0) continue;
            for (int p = 0; p < 2; ++p)
                k.fir_part_sums(w.parts[p], past(g), newest, w.n_head > 0 ? tail(g, w, p) : part(g, p), work);
            if (w.n_head == 0) add(w, g, nullptr, nullptr, block_, sums(g));
        }
    }

    const Slot& in_;
    const index groups_;
    index block_ = 0, n_past_ = 0, rows_most_ = 0, memory_ = 0;
    index past_size_ = 0, tail_size_ = 0, fft_size_ = 0, scratch_size_ = 0;
    std::unique_ptr<Fft<double>> fft_;
    std::vector<Wavelet> wavelets_;
    std::vector<Buffer<double>> spectra_;
    GroupRows rows_;  // without the level; row i is number memory_ + i
    // [groups][...]: sums of the wavelets without a head over the block, tails of those with one
    Buffer<double> level_, past_, sums_, tails_, scratch_;
};

}  // namespace

std::unique_ptr<Op> make_wavelets(const OpInit& init) { return std::make_unique<WaveletsOp>(init); }

}  // namespace fastemo
