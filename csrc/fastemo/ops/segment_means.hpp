// Means of segments that follow each other by `hop` rows, from sums of stretches that neighbours have in common.
#pragma once

#include "../targets/spectra_kernels.hpp"

namespace fastemo {

class SegmentMeans {
public:
    SegmentMeans(index n, index hop)
        : n_(n), hop_(hop), count_(n % hop == 0 && n / hop <= kMostStretches ? n / hop : 1), stretch_(n / count_) {}

    // Doubles of scratch, kept from one segment to the next.
    index scratch_size() const { return (count_ + 1) * kLanes; }

    // Of segment number s; `fresh` where the one before it is not known. Whether it is changes no bit.
    const double* of(index s, bool fresh, const SpectraKernels& spectra, const double* rows, double* scratch) const {
        for (index i = fresh ? 0 : count_ - 1; i < count_; ++i)
            spectra.row_sum(rows + i * stretch_ * kLanes, stretch_, sum(s + i, scratch));
        return total(s, scratch);
    }

    // Whether read() reads no sample twice.
    bool can_read(index n_segments) const { return count_ > 1 || hop_ >= n_ || n_segments == 1; }

    // The same while the segment, from sample `start` on, is read into its rows; but for what it shares with the one
    // before, where that is known.
    const double* read(index s, bool fresh, const SpectraKernels& spectra, const StretchIn& in, index start,
                       double* rows, double* scratch) const {
        for (index i = fresh ? 0 : count_ - 1; i < count_; ++i)
            spectra.read_and_sum(in, start + i * stretch_, stretch_, rows + i * stretch_ * kLanes, sum(s + i, scratch));
        return total(s, scratch);
    }

private:
    static constexpr index kMostStretches = 8;  // of more, adding up takes as long as beginning anew

    double* sum(index stretch, double* scratch) const { return scratch + stretch % count_ * kLanes; }
    const double* total(index s, double* scratch) const {
        double* const mean = scratch + count_ * kLanes;
        for (index l = 0; l < kLanes; ++l) {
            double all = sum(s, scratch)[l];
            for (index i = 1; i < count_; ++i) all += sum(s + i, scratch)[l];
            mean[l] = all / double(n_);
        }
        return mean;
    }

    index n_, hop_, count_, stretch_;
};

}  // namespace fastemo
