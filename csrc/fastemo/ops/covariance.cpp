#include "covariance.hpp"

#include <algorithm>
#include <cmath>

namespace fastemo {

namespace {

struct Moments {
    double trace = 0, squares = 0;  // of the whole matrix
};

Moments moments(const double* s, index c, index stride) {
    Moments m;
    double beside[kLanes] = {};  // a single sum would be one long wait
    for (index i = 0; i < c; ++i) {
        const double* row = s + i * stride;
        index j = i + 1;
        for (; j + kLanes <= c; j += kLanes)
            for (index l = 0; l < kLanes; ++l) beside[l] += row[j + l] * row[j + l];
        for (; j < c; ++j) beside[0] += row[j] * row[j];
        m.trace += row[i];
        m.squares += row[i] * row[i];
    }
    for (const double sum : beside) m.squares += 2 * sum;
    return m;
}

}  // namespace

void Covariance::estimate(const Samples& in, const RingView& ring, index n, double* scratch) const noexcept {
    double *const s = scratch, *const mean = s + stride_ * stride_, *const weight = mean + stride_;
    const ScatterArgs args{in, ring, c_, n, centre_, mean, s, weight + stride_};
    kernels().matrices->scatter(args);
    const double scale = 1 / double(estimator_ == cov ? n - 1 : n);
    for (index i = 0; i < c_; ++i)
        for (index j = i; j < c_; ++j) s[i * stride_ + j] *= scale;
    switch (estimator_) {
        case lwf: {
            double sums[2];
            // Lanes beyond the channels hold whatever the ops before left there.
            std::fill_n(std::fill_n(weight, c_, 1.0), stride_ - c_, 0.0);
            kernels().matrices->fourth_moments({args, weight, sums});
            return shrink(lwf_share(sums[0], s, n), s);
        }
        case sch: return towards_diagonal(args, weight);
        default: return finish(s, double(n), weight);
    }
}

void Covariance::finish(double* s, double n, double* weight) const noexcept {
    switch (estimator_) {
        case corr:
            for (index i = 0; i < c_; ++i) weight[i] = s[i * stride_ + i] > 0 ? 1 / std::sqrt(s[i * stride_ + i]) : 0;
            for (index i = 0; i < c_; ++i) {
                for (index j = i + 1; j < c_; ++j) s[i * stride_ + j] *= weight[i] * weight[j];
                s[i * stride_ + i] = s[i * stride_ + i] == s[i * stride_ + i] ? 1 : s[i * stride_ + i];
            }
            return;
        case oas: return shrink(oas_share(s, n), s);
        case shrunk: return shrink(shrinkage_, s);
        default: return;
    }
}

void Covariance::shrink(double share, double* s) const noexcept {
    double trace = 0;
    for (index i = 0; i < c_; ++i) trace += s[i * stride_ + i];
    for (index i = 0; i < c_; ++i) {
        for (index j = i; j < c_; ++j) s[i * stride_ + j] *= 1 - share;
        s[i * stride_ + i] += share * trace / double(c_);
    }
}

double Covariance::lwf_share(double of_rows, const double* s, index n) const noexcept {
    if (c_ == 1) return 0;
    const Moments m = moments(s, c_, stride_);
    const double c = double(c_), mu = m.trace / c, t = double(n);
    const double delta = (m.squares - 2 * mu * m.trace + c * mu * mu) / c;
    const double beta = std::min((of_rows / t - m.squares) / (c * t), delta);
    return beta == 0 ? 0 : beta / delta;
}

double Covariance::oas_share(const double* s, double n) const noexcept {
    if (c_ == 1) return 0;
    const Moments m = moments(s, c_, stride_);
    const double c = double(c_), alpha = m.squares / (c * c), mu = m.trace / c, mu2 = mu * mu;
    const double down = (n + 1) * (alpha - mu2 / c);
    return down == 0 ? 1 : std::min((alpha + mu2) / down, 1.0);
}

void Covariance::towards_diagonal(const ScatterArgs& args, double* weight) const noexcept {
    double* const s = args.scatter;
    const double t = double(args.n);
    std::fill_n(weight, stride_, 0.0);
    for (index i = 0; i < c_; ++i) weight[i] = s[i * stride_ + i] > 0 ? 1 / s[i * stride_ + i] : 0;
    double sums[2];
    kernels().matrices->fourth_moments({args, weight, sums});
    double squares = 0;  // of the correlations off the diagonal
    for (index i = 0; i < c_; ++i)
        for (index j = i + 1; j < c_; ++j)
            squares += 2 * s[i * stride_ + j] * s[i * stride_ + j] * weight[i] * weight[j];
    const double unbiased = t / (t - 1);
    const double variance = t / ((t - 1) * (t - 1) * (t - 1)) * (sums[0] - sums[1] - t * squares);
    const double correlation = unbiased * unbiased * squares;
    const double share = correlation > 0 ? std::clamp(variance / correlation, 0.0, 1.0) : 0.0;
    for (index i = 0; i < c_; ++i) {
        for (index j = i + 1; j < c_; ++j) s[i * stride_ + j] *= unbiased * (1 - share);
        s[i * stride_ + i] *= unbiased;
    }
}

}  // namespace fastemo
