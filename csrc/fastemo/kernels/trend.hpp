// Means and straight lines, and signals without them.
//
// Sums are eight running sums, over every eighth sample each, added in one fixed tree. For a signal that is alone the
// eight are the lanes of a vector; the bits are the same.
#pragma once

#include "lanes.hpp"

namespace fastemo::FASTEMO_NS {

// sum x and sum (t - centre) x, t = 0..n-1, of all lanes
template <class L>
class LineSums {
public:
    LineSums() {
        for (double& s : sum_) s = 0;
    }

    // The same without moments.
    template <class T>
    void add_level(const T* rows, index n) {
        constexpr index R = L::count, W = vd::width;
        index j = 0;
        vd sum[kLanes * R / W];
        for (index k = 0; k < kLanes * R; k += W) sum[k / W] = vd::load(sum_ + k);
        for (; j + kLanes <= n; j += kLanes) {
            FASTEMO_UNROLL
            for (index k = 0; k < kLanes * R; k += W) sum[k / W] = sum[k / W] + widen(rows + j * R + k);
        }
        for (index k = 0; k < kLanes * R; k += W) sum[k / W].store(sum_ + k);
        for (; j < n; ++j)
            for (index l = 0; l < R; ++l) sum_[j % kLanes * R + l] += double(rows[j * R + l]);
    }

    // Rows of samples [i, i + n); i must be a multiple of kLanes.
    void add(const double* rows, index i, index n, double centre) {
        constexpr index R = L::count, W = vd::width;
        if constexpr (R == 1) {
            index j = 0;
            for (; j + kLanes <= n; j += kLanes)
                for (index k = 0; k < kLanes; k += W) {
                    double t[W];
                    FASTEMO_UNROLL
                    for (index l = 0; l < W; ++l) t[l] = double(i + j + k + l) - centre;
                    accumulate(k, vd::load(rows + j + k), vd::load(t));
                }
            for (; j < n; ++j) {
                sum_[j % kLanes] += rows[j];
                sum_[kLanes + j % kLanes] += (double(i + j) - centre) * rows[j];
            }
        } else {
            for (index j = 0; j < n; ++j) {
                const vd t = vd::all(double(i + j) - centre);
                for (index l = 0; l < R; l += W) accumulate(j % kLanes * R + l, vd::load(rows + j * R + l), t);
            }
        }
    }

    void total(double* sum, double* moment) const {
        constexpr index R = L::count;
        for (index l = 0; l < R; ++l) {
            double part[2][kLanes];
            for (index k = 0; k < kLanes; ++k) part[0][k] = sum_[k * R + l], part[1][k] = sum_[(kLanes + k) * R + l];
            sum[l] = tree_sum(part[0]);
            moment[l] = tree_sum(part[1]);
        }
    }

private:
    FASTEMO_INLINE void accumulate(index at, vd x, vd t) {
        (vd::load(sum_ + at) + x).store(sum_ + at);
        double* moment = sum_ + kLanes * L::count + at;
        (vd::load(moment) + t * x).store(moment);
    }

    alignas(64) double sum_[2 * kLanes * L::count];
};

// The line mean + slope (t - centre) of every lane by least squares over n samples.
template <class L>
struct Line {
    double centre, mean[L::count], slope[L::count];

    Line(const LineSums<L>& sums, index n, bool level) : centre(double(n - 1) / 2) {
        double moment[L::count];
        sums.total(mean, moment);
        const double square = double(n) * (double(n) * double(n) - 1) / 12;  // sum (t - centre)^2
        for (index l = 0; l < L::count; ++l) {
            mean[l] = mean[l] / double(n);
            slope[l] = level || n == 1 ? 0 : moment[l] / square;
        }
    }

    // Takes it off rows of samples [i, i + n).
    FASTEMO_INLINE void subtract(double* rows, index i, index n, bool level) const {
        if (level) {
            for (index j = 0; j < n; ++j)
                for (index l = 0; l < L::count; ++l) rows[j * L::count + l] -= mean[l];
            return;
        }
        for (index j = 0; j < n; ++j) {
            const double t = double(i + j) - centre;
            for (index l = 0; l < L::count; ++l) rows[j * L::count + l] -= mean[l] + slope[l] * t;
        }
    }
    bool finite() const {
        bool all = true;
        for (index l = 0; l < L::count; ++l) all &= (mean[l] - mean[l]) == 0 && (slope[l] - slope[l]) == 0;
        return all;
    }
};

inline void subtract_line(double* rows, index n) {
    LineSums<Wide> sums;
    sums.add(rows, 0, n, double(n - 1) / 2);
    const Line<Wide> line(sums, n, false);
    line.subtract(rows, 0, n, false);
}

// out = in without its mean (`level`) or line, over samples [first, stop). Under a line, values whose sums are not finite
// are refused: nothing is written, and the answer is false. Without `out` there is only the answer.
template <class L>
inline bool subtract_trend_of(const LanesIn& in, const LanesOut* out, index first, index stop, bool level) {
    constexpr index kRows = 256;
    alignas(64) double rows[kRows * L::count];
    const index n = stop - first;
    LineSums<L> sums;
    for (index i = 0; i < n; i += kRows) {
        const index count = n - i < kRows ? n - i : kRows;
        read_lanes<L>(in, first + i, count, rows);
        if (level)
            sums.add_level(rows, count);
        else
            sums.add(rows, i, count, double(n - 1) / 2);
    }
    const Line<L> line(sums, n, level);
    const bool accepted = level || line.finite();
    if (!accepted || !out) return accepted;
    for (index i = 0; i < n; i += kRows) {
        const index count = n - i < kRows ? n - i : kRows;
        read_lanes<L>(in, first + i, count, rows);
        line.subtract(rows, i, count, level);
        write_lanes<L>(rows, count, *out, first + i);
    }
    return true;
}

// Means of signals whose samples lie one after the other need no lanes.
template <class T>
inline void subtract_means(const LanesIn& in, const LanesOut& out, index first, index n) {
    for (int l = 0; l < in.width; ++l) {
        const T* x = sample<T>(in, l, first);
        T* y = sample<T>(out, l, first);
        LineSums<Single> sums;
        sums.add_level(x, n);
        const double mean = Line<Single>(sums, n, true).mean[0];
        for (index i = 0; i < n; ++i) y[i] = T(double(x[i]) - mean);
    }
}

template <class T>
inline bool in_a_row(const LanesIn& in, const LanesOut& out) {
    constexpr Dtype type = sizeof(T) == 8 ? Dtype::f64 : Dtype::f32;
    return in.dtype == type && out.dtype == type && in.stride == index(sizeof(T)) && out.stride == index(sizeof(T));
}

inline bool subtract_trend(const LanesIn& in, const LanesOut* out, index first, index stop, bool level) {
    if (level && out && in_a_row<double>(in, *out)) return subtract_means<double>(in, *out, first, stop - first), true;
    if (level && out && in_a_row<float>(in, *out)) return subtract_means<float>(in, *out, first, stop - first), true;
    return in.width == 1 ? subtract_trend_of<Single>(in, out, first, stop, level)
                         : subtract_trend_of<Wide>(in, out, first, stop, level);
}

}  // namespace fastemo::FASTEMO_NS
