// Estimators of the covariance of a window: the same for whole arrays and in the engine.
#pragma once

#include "../base/buffer.hpp"
#include "../targets/kernels.hpp"
#include "../targets/matrix_kernels.hpp"

namespace fastemo {

class Covariance {
public:
    // cov has n - 1 in the denominator, the others n. `shrunk` goes by a given share towards the mean variance, lwf
    // (Ledoit and Wolf 2004) and oas (Chen 2010) by their own, sch (Schaefer and Strimmer 2005) towards the diagonal.
    enum Estimator : std::int64_t { cov, scm, corr, lwf, oas, sch, shrunk };
    static constexpr std::int64_t kEstimators = 7;

    Covariance(Estimator estimator, double shrinkage, bool centre, index n_channels)
        : estimator_(estimator), shrinkage_(shrinkage), centre_(centre), c_(n_channels), stride_(padded(n_channels)) {}

    index scratch() const { return stride_ * stride_ + 2 * stride_ + kernels().matrices->scatter_scratch(c_); }
    index stride() const { return stride_; }

    // Of n samples of `in`, or of the ring where its base is not null. The upper triangle at the beginning of scratch,
    // whose rows are stride() values long.
    void estimate(const Samples& in, const RingView& ring, index n, double* scratch) const noexcept;

    // Whether `finish` knows the estimator: not where fourth moments are needed.
    bool of_products() const { return estimator_ != lwf && estimator_ != sch; }
    // The estimate of a matrix of mean products, of about n samples; `weight` has room for a row.
    void finish(double* s, double n, double* weight) const noexcept;
    bool unbiased() const { return estimator_ == cov; }

private:
    void shrink(double share, double* s) const noexcept;
    double lwf_share(double of_rows, const double* s, index n) const noexcept;
    double oas_share(const double* s, double n) const noexcept;
    void towards_diagonal(const ScatterArgs& args, double* weight) const noexcept;

    const Estimator estimator_;
    const double shrinkage_;
    const bool centre_;
    const index c_, stride_;
};

}  // namespace fastemo
