#include "input.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

namespace fastemo {

bool StampLine::step(double stamp, double tolerance, index& missing) noexcept {
    missing = 0;
    if (!std::isfinite(stamp) || (started && stamp <= previous)) return false;
    previous = stamp;
    if (!started) {
        started = true;
        expected = stamp;
        return true;
    }
    const double departure = stamp - (expected + dt);
    if (std::fabs(departure) <= tolerance) {
        expected += dt + departure / 64;
        dt += departure / 64 / 4096;
        return true;
    }
    if (departure > 0) {
        const double samples = std::nearbyint(departure / dt);  // wild stamps can make dt zero or negative
        missing = samples > 0 ? index(std::min(samples, 1e15)) : 0;
    }
    expected = stamp;
    return true;
}

Withheld::Withheld(index stride, index n_channels, index capacity)
    : stride_(stride), n_channels_(n_channels), capacity_(capacity), values_(capacity * stride), stamps_(capacity),
      missing_(capacity * stride), numbers_(capacity), last_(stride), seen_(stride), waiting_(stride) {}

void Withheld::accept(const double* x, double stamp, std::int64_t number, const double* last,
                      const unsigned char* seen) noexcept {
    if (size_ == 0) {
        std::copy_n(last, n_channels_, last_.data());
        std::copy_n(seen, n_channels_, seen_.data());
    }
    const index at = size_++;
    stamps_[place(at)] = stamp;
    numbers_[place(at)] = number;
    double* row = values(at);
    unsigned char* gone = missing(at);
    std::memset(row, 0, sizeof(double) * std::size_t(stride_));
    for (index c = 0; c < n_channels_; ++c) {
        gone[c] = !std::isfinite(x[c]);
        if (gone[c]) {
            if (seen_[c]) ++waiting_[c];  // before its first value a channel is 0 and not waited for
            continue;
        }
        row[c] = x[c];
        const index r = index(waiting_[c]);
        for (index j = 1; j <= r; ++j)
            values(at - r + j - 1)[c] = last_[c] + (x[c] - last_[c]) * (double(j) / double(r + 1));
        waiting_[c] = 0;
        last_[c] = x[c];
        seen_[c] = 1;
    }
}

bool Withheld::ready() const noexcept {
    if (size_ == 0) return false;
    if (size_ == capacity_) return true;
    std::int64_t longest = 0;
    for (index c = 0; c < n_channels_; ++c) longest = std::max(longest, waiting_[c]);
    return longest < size_;
}

Withheld::Row Withheld::pop() noexcept {
    double* row = values(0);
    for (index c = 0; c < n_channels_; ++c)
        if (waiting_[c] == size_) {
            row[c] = last_[c];
            --waiting_[c];
        }
    const index at = place(0);
    first_ = place(1);
    --size_;
    return {row, missing_.data() + at * stride_, stamps_[at], numbers_[at]};
}

Input::Input(const Header& header, const Slot& rows, index max_rows)
    : header_(header), rows_(rows), max_rows_(max_rows), n_channels_(rows.cols),
      withheld_(rows.stride, n_channels_, header.gap_policy == GapPolicy::interpolate ? header.max_gap + 1 : 1),
      row_(rows.stride), last_(rows.stride), marks_(max_rows * rows.stride), stamps_(max_rows),
      missing_now_(rows.stride), seen_(rows.stride), run_(rows.stride), tail_(rows.stride), numbers_(max_rows) {
    reset();
}

void Input::reset() noexcept {
    restart();
    counters_ = {};
    line_ = {};
    line_.dt = 1 / header_.sfreq;
    stamped_ = -1;
    next_number_ = 0;
    n_ = at_ = careful_ = missing_ = 0;
    stepped_ = flushing_ = false;
}

void Input::restart() noexcept {
    while (withheld_.size() > 0) withheld_.pop();
    last_.clear();
    seen_.clear();
    run_.clear();
    tail_.clear();
    fresh_ = true;
    resetting_ = false;
    marked_ = 0;
    all_missing_ = 0;
}

Input::Check Input::check(index n, const double* stamps) const noexcept {
    Check result{PushError::none, 0, n + withheld_.size()};
    if (n == 0) return result;
    if (stamped_ >= 0 && stamped_ != (stamps != nullptr)) return {PushError::stamps_changed, 0, 0};
    if (!stamps) return result;
    StampLine line = line_;
    for (index i = 0; i < n; ++i) {
        index missing;
        if (!line.step(stamps[i], header_.gap_tolerance, missing)) {
            if (header_.drop_backward) continue;
            return {std::isfinite(stamps[i]) ? PushError::stamps_backward : PushError::stamps_not_finite, i, 0};
        }
        if (header_.gap_policy != GapPolicy::reset && missing <= header_.max_gap) result.rows += missing;
    }
    return result;
}

void Input::begin(const Samples& chunk, index n, const double* stamps) noexcept {
    chunk_ = chunk;
    given_ = stamps;
    n_ = n;
    at_ = careful_ = 0;
    stepped_ = false;
    flushing_ = false;
    if (n > 0) stamped_ = stamps != nullptr;
}

void Input::begin_flush() noexcept {
    begin({}, 0, nullptr);
    flushing_ = true;
}

double Input::stamp_of(index i) const noexcept { return given_ ? given_[i] : double(next_number_) / header_.sfreq; }

Input::Block Input::next(Pool& pool) noexcept {
    Block block;
    while (block.n < max_rows_) {
        if (withheld_.size() > 0 && (resetting_ || flushing_ || withheld_.ready())) {
            const Withheld::Row row = withheld_.pop();
            release(row.values, row.missing, row.stamp, row.number, block);
        } else if (resetting_) {
            if (block.n > 0) return block;
            ++counters_.resets;
            restart();
            block.reset_before = true;
        } else if (missing_ > 0) {
            const double j = double(missing_total_ - --missing_);
            const double stamp = gap_from_ + (given_[at_] - gap_from_) * (j / double(missing_total_ + 1));
            std::fill_n(row_.data(), n_channels_, std::nan(""));
            ++counters_.filled;
            accept(stamp, false, block);
        } else if (at_ == n_) {
            block.last = true;
            return block;
        } else if (given_ && !stepped_) {
            const double before = line_.previous;
            index missing;
            if (!line_.step(given_[at_], header_.gap_tolerance, missing)) {
                ++counters_.dropped;
                ++at_;
                continue;
            }
            stepped_ = true;
            if (missing == 0) continue;
            ++counters_.gaps;
            if (header_.gap_policy == GapPolicy::reset || missing > header_.max_gap)
                resetting_ = !fresh_;
            else
                missing_ = missing_total_ = missing, gap_from_ = before;
        } else if (!accept_clean(pool, block)) {
            Samples one = chunk_;
            one.data = static_cast<const char*>(chunk_.data) + at_ * chunk_.sample_stride;
            kernels().load_rows(one, n_channels_, 1, header_.scale, row_.data(), rows_.stride, 0, rows_.stride);
            const double stamp = stamp_of(at_);
            ++counters_.samples;
            ++at_;
            if (careful_ > 0) --careful_;
            stepped_ = false;
            accept(stamp, true, block);
        }
    }
    block.last = at_ == n_ && missing_ == 0 && !resetting_ && !(flushing_ ? withheld_.size() > 0 : withheld_.ready());
    return block;
}

// The path of sound samples: as many as the block has room for, up to the next gap. False where any value is missing.
bool Input::accept_clean(Pool& pool, Block& block) noexcept {
    if (careful_ > 0 || marked_ > 0 || withheld_.size() > 0) return false;
    const index n = std::min(n_ - at_, max_rows_ - block.n);
    Samples from = chunk_;
    from.data = static_cast<const char*>(chunk_.data) + at_ * chunk_.sample_stride;
    double* rows = rows_.row(block.n);
    std::atomic<bool> finite{true};
    pool.run(rows_.stride / kLanes, 0.3 * double(n * rows_.stride), [&](index p0, index p1) {
        if (!kernels().load_rows(from, n_channels_, n, header_.scale, rows, rows_.stride, p0 * kLanes, p1 * kLanes))
            finite.store(false, std::memory_order_relaxed);
    });
    if (!finite) {
        careful_ = n;
        return false;
    }
    index taken = 0;
    do {
        stamps_[block.n + taken] = stamp_of(at_ + taken);
        numbers_[block.n + taken] = next_number_++;
        ++taken;
        index missing = 0;
        stepped_ = false;
        if (taken < n && given_) {
            StampLine line = line_;
            if (!line.step(given_[at_ + taken], header_.gap_tolerance, missing) || missing > 0) break;
            line_ = line;
        }
    } while (taken < n);
    if (block.substituted) std::fill_n(marks_.data() + block.n * rows_.stride, taken * rows_.stride, 0.0);
    std::copy_n(rows_.row(block.n + taken - 1), rows_.stride, last_.data());
    if (fresh_) std::fill_n(seen_.data(), rows_.stride, static_cast<unsigned char>(1));
    fresh_ = false;
    all_missing_ = 0;
    counters_.samples += taken;
    at_ += taken;
    block.n += taken;
    return true;
}

// One row that may have missing values, in row_.
void Input::accept(double stamp, bool measured, Block& block) noexcept {
    const std::int64_t number = next_number_++;
    index missing = 0;
    for (index c = 0; c < n_channels_; ++c) missing += missing_now_[c] = !std::isfinite(row_[c]);
    if (measured) counters_.nans += missing;
    if (missing == n_channels_) {
        if (fresh_) return;
        const index limit = header_.gap_policy == GapPolicy::reset ? 1 : header_.max_gap;
        if (++all_missing_ >= limit) {
            resetting_ = true;
            return;
        }
    } else {
        all_missing_ = 0;
    }
    fresh_ = false;
    if (header_.gap_policy == GapPolicy::interpolate)
        withheld_.accept(row_.data(), stamp, number, last_.data(), seen_.data());
    else
        release(row_.data(), missing_now_.data(), stamp, number, block);
}

void Input::release(const double* values, const unsigned char* missing, double stamp, std::int64_t number,
                    Block& block) noexcept {
    const index i = block.n++;
    stamps_[i] = stamp;
    numbers_[i] = number;
    double* row = rows_.row(i);
    double* marks = marks_.data() + i * rows_.stride;
    std::fill_n(row, rows_.stride, 0.0);
    if (!block.substituted) std::fill_n(marks_.data(), i * rows_.stride, 0.0);
    std::fill_n(marks, rows_.stride, 0.0);
    block.substituted = true;
    marked_ = 0;
    for (index c = 0; c < n_channels_; ++c) {
        if (missing[c]) {
            if (std::isfinite(values[c])) last_[c] = values[c];  // interpolated, or held by the queue
            ++run_[c];
        } else {
            last_[c] = values[c];
            if (run_[c] > header_.max_gap || (run_[c] > 0 && !seen_[c])) tail_[c] = header_.warmup;
            run_[c] = 0;
            seen_[c] = 1;
        }
        row[c] = last_[c];
        marks[c] = missing[c] || tail_[c] > 0;
        if (!missing[c] && tail_[c] > 0) --tail_[c];
        marked_ += run_[c] > 0 || tail_[c] > 0;
    }
}

}  // namespace fastemo
