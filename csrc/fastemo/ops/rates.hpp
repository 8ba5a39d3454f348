// The sampling rates of a program's signals: the input's is number 0, others come of a signal of one before.
#pragma once

#include <algorithm>
#include <vector>

#include "../base/types.hpp"

namespace fastemo {

// Sample m of a signal resampled by up/down is about place m down/up of the signal it comes of, and needs that and what is
// before it; so it is there with sample floor(m down/up). All counts are since the last reset.
class Rates {
public:
    static constexpr index kMostFactor = 1 << 20;
    static constexpr double kMostRaised = 4096;  // times the rate of the input

    int resampled(int rate, index up, index down) {
        for (int r = 1; r < count(); ++r)
            if (steps_[r].from == rate && steps_[r].up == up && steps_[r].down == down) return r;
        steps_.push_back({rate, up, down});
        return count() - 1;
    }
    int count() const { return int(steps_.size()); }

    // Samples that are there with the first n of the input.
    index samples(int rate, index n) const noexcept {
        if (rate == 0) return n;
        const Step& s = steps_[rate];
        const index there = samples(s.from, n);  // taken apart so that no product leaves 64 bits
        return there / s.down * s.up + (there % s.down * s.up + s.down - 1) / s.down;
    }
    // The most samples that n of the input, one after the other, can bring.
    index most(int rate, index n) const noexcept {
        if (rate == 0) return n;
        const Step& s = steps_[rate];
        return (most(s.from, n) * s.up + s.down - 1) / s.down;
    }
    // The input's sample that comes last of those that sample m needs.
    index newest(int rate, index m) const noexcept {
        const Step& s = steps_[rate];
        return rate == 0 ? m : newest(s.from, m / s.up * s.down + m % s.up * s.down / s.up);
    }
    // Samples of the input that the first m need.
    index needed(int rate, index m) const noexcept { return m > 0 ? newest(rate, m - 1) + 1 : 0; }
    // The first of the input's samples that speak for samples m and later, and not for those before m alone.
    index first(int rate, index m) const noexcept { return std::min(needed(rate, m), newest(rate, m)); }
    // No n samples in a row have more of the input's samples that speak for them.
    index span(int rate, index n) const noexcept {
        if (rate == 0) return n;
        const Step& s = steps_[rate];
        return span(s.from, std::min(n * s.down / s.up + 2, index(1) << 40));
    }
    bool raised(int rate) const noexcept {
        return rate != 0 && (steps_[rate].up > steps_[rate].down || raised(steps_[rate].from));
    }
    // How far the place of sample m is beyond that one, in samples of the input: below 1 for each step.
    double beyond(int rate, index m) const noexcept {
        if (rate == 0) return 0;
        const Step& s = steps_[rate];
        const index part = m % s.up * s.down;
        return beyond(s.from, m / s.up * s.down + part / s.up) + double(part % s.up) / double(s.up) * period(s.from);
    }
    // Samples of the input from one sample to the next.
    double period(int rate) const noexcept {
        if (rate == 0) return 1;
        const Step& s = steps_[rate];
        return period(s.from) * (double(s.down) / double(s.up));
    }

private:
    struct Step {
        int from;
        index up, down;
    };
    std::vector<Step> steps_{{0, 1, 1}};
};

}  // namespace fastemo
