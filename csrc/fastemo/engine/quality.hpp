// Channel quality over the window: counts of bad and noisy samples, slid in blocks of gcd(hop, length) samples of the
// rate that windows are cut at: of the samples of the input that these need and the block before does not.
// Counts are whole numbers, so adding the new block and dropping the old one is exact. Where the rate is raised windows
// share samples of the input: then every sample's marks are kept, and added up for each window.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include "program.hpp"

namespace fastemo {

class Quality {
public:
    explicit Quality(const Program& p)
        : header_(p.header), clock_(p.clock), rates_(p.rates), rate_(p.window_rate), rows_(p.input),
          checks_(p.checks.get()), limits_(p.check_limits), block_(std::gcd(clock_.length, clock_.hop)),
          n_blocks_(clock_.length / block_), is_channel_(rows_.stride), previous_(rows_.stride), run_(rows_.stride),
          bad_(rows_.stride), noisy_(rows_.stride), ring_(n_blocks_ * 2 * rows_.stride), filled_ring_(n_blocks_),
          any_ring_(n_blocks_), sums_(2 * rows_.stride), scores_(p.max_windows() * rows_.cols),
          filled_(p.max_windows()), overall_(p.max_windows()) {
        if (rates_.raised(rate_)) {
            kept_ = rates_.span(rate_, clock_.length);
            marks_ = Buffer<unsigned char>(Slot::checked(kept_, 2 * rows_.stride));
            filled_marks_ = Buffer<std::int64_t>(kept_);
        }
        std::fill_n(is_channel_.data(), rows_.cols, 1.0);
        reset();
    }

    // Scores of every window that ends in the block of the input; `marks` (or null) says which values were filled in.
    void process(const Frame& f, const Frame& windows, const double* marks) noexcept {
        if (f.start == 0) std::copy_n(rows_.row(0), rows_.stride, previous_.data());
        if (kept_ > 0) return process_each(f, windows, marks);
        index window = 0;
        for (index row = 0; row < f.n;) {
            const index left = rates_.needed(rate_, block_end_) - (f.start + row), n = std::min(f.n - row, left);
            mark(row, n, marks);
            row += n;
            if (n < left) break;
            close_block();
            if (window < windows.n_windows && block_end_ == windows.start + clock_.window_end(windows, window))
                score(window++, rates_.needed(rate_, block_end_) - rates_.needed(rate_, block_end_ - clock_.length));
            block_end_ += block_;
        }
        if (!checks_) return;
        checks_->process(f, 0, checks_->parts());
        checks_->finish(f);
        for (index w = 0; w < f.n_windows; ++w) check(w);
    }

    void reset() noexcept {
        std::fill_n(previous_.data(), rows_.stride, 0.0);
        run_.clear(), bad_.clear(), noisy_.clear(), ring_.clear(), filled_ring_.clear(), any_ring_.clear(),
            sums_.clear();
        n_any_ = 0;
        block_end_ = block_;
        place_ = 0;
        block_filled_ = window_filled_ = 0;
        if (checks_) checks_->reset();
    }

    const double* scores(index w) const { return scores_.data() + w * rows_.cols; }
    double overall(index w) const { return overall_[w]; }
    bool measured(index w) const { return filled_[w] == 0; }  // no value of the window was filled in

private:
    // Counts n rows.
    void mark(index row, index n, const double* marks) noexcept {
        const double* m = marks ? marks + row * rows_.stride : nullptr;
        kernels().quality({rows_.row(row), rows_.stride, n, 0, rows_.stride, m, is_channel_.data(), previous_.data(),
                           run_.data(), bad_.data(), noisy_.data(), double(header_.flat), header_.rail, header_.step});
        if (m) block_filled_ += std::count_if(m, m + n * rows_.stride, [](double x) { return x != 0; });
    }

    // Row by row; several windows may end with one.
    void process_each(const Frame& f, const Frame& windows, const double* marks) noexcept {
        index window = 0;
        for (index row = 0; row < f.n; ++row) {
            const index number = f.start + row, place = number % kept_;
            mark(row, 1, marks);
            unsigned char* kept = marks_.data() + place * 2 * rows_.stride;
            for (index c = 0; c < rows_.stride; ++c) {
                kept[c] = bad_[c] != 0;
                kept[rows_.stride + c] = noisy_[c] != 0;
                bad_[c] = noisy_[c] = 0;
            }
            filled_marks_[place] = block_filled_;
            block_filled_ = 0;
            for (; window < windows.n_windows; ++window) {
                const index end = windows.start + clock_.window_end(windows, window);
                if (rates_.newest(rate_, end - 1) > number) break;
                add_up(rates_.first(rate_, end - clock_.length), number + 1);
                score(window, number + 1 - rates_.first(rate_, end - clock_.length));
            }
        }
    }

    // The marks of samples [begin, end).
    void add_up(index begin, index end) noexcept {
        sums_.clear();
        window_filled_ = n_any_ = 0;
        for (index i = begin; i < end; ++i) {
            const unsigned char* kept = marks_.data() + i % kept_ * 2 * rows_.stride;
            for (index c = 0; c < 2 * rows_.stride; ++c) sums_[c] += kept[c];
            window_filled_ += filled_marks_[i % kept_];
        }
        for (index c = 0; c < 2 * rows_.stride; ++c) n_any_ += sums_[c] > 0;
    }

    // Sound blocks, the rule, cost next to nothing: there is nothing to add, and mostly nothing to drop.
    void close_block() noexcept {
        double counts = 0;
        for (index c = 0; c < rows_.cols; ++c) counts += bad_[c] + noisy_[c];
        const bool any = counts > 0;
        if (any || any_ring_[place_]) {
            std::int32_t* ring = ring_.data() + place_ * 2 * rows_.stride;
            slide(bad_.data(), ring, sums_.data());
            slide(noisy_.data(), ring + rows_.stride, sums_.data() + rows_.stride);
            n_any_ += int(any) - int(any_ring_[place_]);
            any_ring_[place_] = any;
        }
        window_filled_ += block_filled_ - filled_ring_[place_];
        filled_ring_[place_] = block_filled_;
        block_filled_ = 0;
        place_ = (place_ + 1) % n_blocks_;
    }
    void slide(double* counts, std::int32_t* ring, std::int32_t* sums) const noexcept {
        for (index c = 0; c < rows_.cols; ++c) {
            const auto count = std::int32_t(counts[c]);
            sums[c] += count - ring[c];
            ring[c] = count;
            counts[c] = 0;
        }
    }
    // Of n_samples of the input.
    void score(index w, index n_samples) noexcept {
        double* out = scores_.data() + w * rows_.cols;
        const double length = double(n_samples);
        const std::int32_t* bad = sums_.data();
        const std::int32_t* noisy = sums_.data() + rows_.stride;
        if (n_any_ == 0) {
            std::fill_n(out, rows_.cols, 1.0);
            overall_[w] = 1;
        } else {
            double sum = 0;
            for (index c = 0; c < rows_.cols; ++c) {
                out[c] = noisy[c] / length > header_.noisy ? 0.0 : 1 - bad[c] / length;
                sum += out[c];
            }
            overall_[w] = sum / double(rows_.cols);
        }
        filled_[w] = window_filled_;
    }

    // A channel with too much in a band, against the last one, scores 0.
    void check(index w) noexcept {
        double* out = scores_.data() + w * rows_.cols;
        const double* power = checks_->out.row(w);
        const index stride = checks_->out.col_stride();
        const double* reference = power + index(limits_.size()) * stride;
        double sum = 0;
        for (index c = 0; c < rows_.cols; ++c) {
            for (std::size_t k = 0; k < limits_.size(); ++k)
                if (power[index(k) * stride + c] > limits_[k] * reference[c]) out[c] = 0;
            sum += out[c];
        }
        overall_[w] = sum / double(rows_.cols);
    }

    const Header& header_;
    const Clock clock_;
    const Rates& rates_;
    const int rate_;
    const Slot& rows_;
    Op* const checks_;
    const std::vector<double>& limits_;
    const index block_, n_blocks_;
    index kept_ = 0;               // samples whose marks are kept, where the rate is raised
    Buffer<unsigned char> marks_;  // [kept][2][stride]
    Buffer<std::int64_t> filled_marks_;
    index block_end_ = 0, place_ = 0;  // of the open block
    std::int64_t block_filled_ = 0, window_filled_ = 0;
    index n_any_ = 0;  // blocks of the window with any counts
    Buffer<double> is_channel_, previous_, run_, bad_, noisy_;
    Buffer<std::int32_t> ring_;
    Buffer<std::int64_t> filled_ring_;
    Buffer<unsigned char> any_ring_;
    Buffer<std::int32_t> sums_;
    Buffer<double> scores_;
    Buffer<std::int64_t> filled_;
    Buffer<double> overall_;
};

}  // namespace fastemo
