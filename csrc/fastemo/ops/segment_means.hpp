// Means of segments that follow each other by `hop` rows, from sums of stretches that neighbours have in common.
#pragma once

#include "../targets/spectra_kernels.hpp"

namespace fastemo {

class SegmentMeans {
public:
    SegmentMeans(index n, index hop)
        : n_(n), count_(n % hop == 0 && n / hop <= kMostStretches ? n / hop : 1), stretch_(n / count_) {}

    // Doubles of scratch, kept from one segment to the next.
    index scratch_size() const { return (count_ + 1) * kLanes; }

    // Of segment number s; `fresh` where the one before it is not known. Whether it is changes no bit.
    const double* of(index s, bool fresh, const SpectraKernels& spectra, const double* rows, double* scratch) const {
        const auto sum = [&](index stretch) { return scratch + (s + stretch) % count_ * kLanes; };
        for (index i = fresh ? 0 : count_ - 1; i < count_; ++i)
            spectra.row_sum(rows + i * stretch_ * kLanes, stretch_, sum(i));
        double* const mean = scratch + count_ * kLanes;
        for (index l = 0; l < kLanes; ++l) {
            double total = sum(0)[l];
            for (index i = 1; i < count_; ++i) total += sum(i)[l];
            mean[l] = total / double(n_);
        }
        return mean;
    }

private:
    static constexpr index kMostStretches = 8;  // of more, adding up takes as long as beginning anew
    index n_, count_, stretch_;
};

}  // namespace fastemo
