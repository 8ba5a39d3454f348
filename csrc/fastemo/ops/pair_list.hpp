// The pairs that `cross_pairs` takes, and the groups it gives their means of.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "../targets/pairs_kernels.hpp"
#include "op.hpp"

namespace fastemo {

class PairList {
public:
    PairList(const OpInit& init, index n_channels, index stride, unsigned measures, index n_bands)
        : stride_(stride), measures_(measures) {
        const auto pairs = init.file.i64_array(init.name("pairs"), {ModelFile::any, 2});
        n_pairs_ = index(pairs.size()) / 2;
        if (n_pairs_ < 1) init.fail("has no pairs");
        const auto groups = init.file.i64_array(init.name("groups"), {n_pairs_});
        const index padded = round_up(n_pairs_, kListed);
        for (index p = 0; p < padded; ++p) {
            const std::size_t from = 2 * std::size_t(std::min(p, n_pairs_ - 1));
            for (const std::int64_t c : {pairs[from], pairs[from + 1]})
                if (c < 0 || c >= n_channels)
                    init.fail("has channel " + std::to_string(c) + " in pairs, of " + std::to_string(n_channels));
            if (pairs[from] == pairs[from + 1]) init.fail("pairs a channel with itself");
            first_.push_back(index(pairs[from])), second_.push_back(index(pairs[from + 1]));
        }
        for (std::int64_t before = -1; const std::int64_t group : groups) {
            if (group != before && group != before + 1) init.fail("has groups that do not go up by one from 0");
            if (group != before) share_.push_back(0);
            share_.back() += 1, before = group;
            group_.push_back(index(group));
        }
        for (double& share : share_) share = 1 / share;

        const index all = n_channels * (n_channels - 1) / 2;
        dense_ = kGathering * double(padded) > double(lanes_of_all(n_channels));
        width_ = dense_ ? all : padded;
        in_order_ = dense_ && n_pairs_ == all && n_groups() == all;
        for (std::size_t p = 0; p < std::size_t(n_pairs_); ++p) {
            const index a = std::max(first_[p], second_[p]), b = std::min(first_[p], second_[p]);
            at_.push_back(dense_ ? a * (a - 1) / 2 + b : index(p));
            turned_.push_back(dense_ && b == first_[p]);
            in_order_ = in_order_ && at_[p] == index(p) && !turned_[p];
        }
        const index n_planes = std::popcount(measures) + (measures >> CrossArgs::cohy & 1);
        planes_ = Buffer<double>(Slot::checked(Slot::checked(n_planes, n_bands), width_));
        n_planes_ = n_planes;
    }

    bool dense() const { return dense_; }
    // All pairs as they come anyway: no list is needed.
    bool in_order() const { return in_order_; }
    index n_groups() const { return index(share_.size()); }
    index size() const { return width_; }
    index sums_size() const { return kernels().pairs->listed_sums_size(width_, stride_, measures_); }
    index scratch_size() const { return kernels().pairs->listed_sums_scratch(stride_); }
    double* planes(index band) { return planes_.data() + band * n_planes_ * width_; }

    void move(const PairSumsArgs& sums) const noexcept {
        kernels().pairs->listed_sums({sums, first_.data(), second_.data(), width_});
    }

    // Means over the groups of a band's planes, `to_stride` from one plane to the next.
    void finish(index band, double* to, index to_stride) noexcept {
        const double* from = planes(band);
        for (unsigned left = measures_; left; left &= left - 1) {
            const unsigned measure = left & (~left + 1);
            const bool two = measure == 1u << CrossArgs::cohy;
            for (int part = 0; part <= int(two); ++part, from += width_, to += to_stride) {
                const bool odd = measure == 1u << CrossArgs::imcoh || part == 1;
                const bool about_half = measure == 1u << CrossArgs::dpli;
                // Of all pairs the later channel is the first; turned round, some measures change.
                const auto value = [&](std::size_t p) {
                    const double v = from[at_[p]];
                    if (odd) return turned_[p] ? 0 - v : v;
                    return about_half && turned_[p] ? 1 - v : v;
                };
                if (n_groups() == n_pairs_) {
                    for (std::size_t p = 0; p < std::size_t(n_pairs_); ++p) to[p] = value(p);
                    continue;
                }
                std::fill_n(to, n_groups(), 0.0);
                for (std::size_t p = 0; p < std::size_t(n_pairs_); ++p) to[group_[p]] += value(p);
                for (index g = 0; g < n_groups(); ++g) to[g] *= share_[std::size_t(g)];
            }
        }
    }

private:
    // A pair in a list costs as much as so many lanes of all pairs, measured with natives of 512 bits.
    static constexpr double kGathering = 6;

    static index lanes_of_all(index n_channels) {
        constexpr index rows = 4;  // of a tile
        index lanes = 0;
        for (index r = 0; r < n_channels; r += rows)
            lanes += rows * fastemo::padded(std::min(r + rows, n_channels) - 1);
        return lanes;
    }

    index stride_, n_pairs_, width_, n_planes_;
    unsigned measures_;
    bool dense_, in_order_;
    std::vector<index> first_, second_, group_, at_;  // at_: where the values of a pair are in a plane
    std::vector<char> turned_;
    std::vector<double> share_;
    Buffer<double> planes_;  // [n_bands][n_planes][width]
};

}  // namespace fastemo
