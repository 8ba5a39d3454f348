// Covariances of windows, and what is done with them as points of a curved space. A vector of covariances has a row per
// band (or whatever else was side by side), the upper triangle of a matrix by rows.
#include <algorithm>
#include <cmath>
#include <typeinfo>

#include "adaptable.hpp"
#include "covariance.hpp"
#include "op.hpp"

namespace fastemo {

namespace {

index triangle(index n) { return n * (n + 1) / 2; }

Covariance covariance_of(const OpInit& init, index n_channels) {
    const std::int64_t kind = init.file.i64(init.name("estimator"));
    const double shrinkage = init.file.f64(init.name("shrinkage"));
    if (kind < 0 || kind >= Covariance::kEstimators)
        init.fail("has estimator " + std::to_string(kind) + ", which is none");
    if (!(shrinkage >= 0 && shrinkage <= 1)) init.fail("has a shrinkage outside 0 to 1");
    const index least = kind == Covariance::sch ? 3 : kind == Covariance::cov ? 2 : 1;
    if (init.clock.length < least) init.fail("needs windows of at least " + std::to_string(least) + " samples");
    return Covariance(Covariance::Estimator(kind), shrinkage, true, n_channels);
}

void copy_triangle(const double* s, index stride, index n, double* to) {
    for (index i = 0; i < n; ++i) to = std::copy_n(s + i * stride + i, n - i, to);
}

class CovOp final : public Op {
public:
    explicit CovOp(const OpInit& init)
        : in_(init.input(Slot::window)), length_(init.clock.length), work_(covariance_of(init, in_.cols)) {
        if (in_.cols > Slot::kMaxStride / (in_.cols + 1)) init.fail("has too many channels");
        out = Slot::make(Slot::vector, 1, triangle(in_.cols), init.clock.max_windows);
        scratch_ = Buffer<double>(work_.scratch());
        per_window = true;
        bits = Bits::fusing;
        ns_per_window = 0.02 * double(in_.stride) * double(in_.stride) * double(length_);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            work_.estimate({}, in_.ring->view(f, w), length_, scratch_.data());
            copy_triangle(scratch_.data(), work_.stride(), in_.cols, out.row(w));
        }
    }

private:
    const Slot& in_;
    const index length_;
    const Covariance work_;
    Buffer<double> scratch_;
};

// The covariance of all samples since the reset, a sample counting forgetting^age: it goes sample by sample.
class FadingCovOp final : public Op {
public:
    explicit FadingCovOp(const OpInit& init)
        : in_(init.input(Slot::signal)), clock_(init.clock), work_(covariance_of(init, in_.cols)),
          forgetting_(init.file.f64(init.name("forgetting"))) {
        if (!(forgetting_ > 0 && forgetting_ <= 1)) init.fail("has forgetting outside (0, 1]");
        if (!work_.of_products()) init.fail("has an estimator that needs a window");
        if (in_.cols > Slot::kMaxStride / (in_.cols + 1)) init.fail("has too many channels");
        out = Slot::make(Slot::vector, 1, triangle(in_.cols), init.clock.max_windows);
        const index stride = work_.stride();
        mean_ = Buffer<double>(stride), delta_ = Buffer<double>(stride);
        scatter_ = Buffer<double>(stride * stride), scratch_ = Buffer<double>(stride * stride);
        ns_per_sample = 0.1 * double(stride) * double(stride);
        ns_per_window = double(stride) * double(stride);
    }

    void process(const Frame& f, index, index) noexcept override {
        if (f.start == 0) {
            weight_ = squares_ = 0;
            mean_.clear(), scatter_.clear();
        }
        for (index row = 0, w = 0; row < f.n; ++row) {
            step(in_.row(row));
            if (w < f.n_windows && row + 1 == clock_.window_end(f, w)) emit(out.row(w++));
        }
    }

private:
    void step(const double* x) noexcept {
        double size = 0;
        for (index c = 0; c < in_.cols; ++c) size += (x[c] - mean_[c]) * (x[c] - mean_[c]);
        if (!std::isfinite(size)) return;
        const double before = forgetting_ * weight_;
        weight_ = before + 1;
        squares_ = forgetting_ * forgetting_ * squares_ + 1;
        kernels().matrices->fading_scatter(x, 1 / weight_, before / weight_, forgetting_, in_.cols, work_.stride(),
                                           mean_.data(), scatter_.data(), delta_.data());
    }

    void emit(double* to) noexcept {
        const index stride = work_.stride();
        const double total = work_.unbiased() ? weight_ - squares_ / weight_ : weight_;
        const double scale = total > 0 ? 1 / total : 0;
        for (index i = 0; i < in_.cols; ++i)
            for (index j = i; j < in_.cols; ++j) scratch_[i * stride + j] = scatter_[i * stride + j] * scale;
        if (weight_ > 0) work_.finish(scratch_.data(), weight_ * weight_ / squares_, delta_.data());
        copy_triangle(scratch_.data(), stride, in_.cols, to);
    }

    const Slot& in_;
    const Clock clock_;
    const Covariance work_;
    const double forgetting_;
    double weight_ = 0, squares_ = 0;  // sums of the weights and of their squares
    Buffer<double> mean_, delta_, scatter_, scratch_;
};

// Base of the ops that read covariances: the matrices of one row of up to eight windows at a time, and the whitenings.
class MatricesOp : public Op, public Adaptable {
public:
    explicit MatricesOp(const OpInit& init) : in_(init.input(Slot::vector)), n_(size_of(init)) {
        per_window = true;
        bits = Bits::fusing;
    }
    bool fits(const Op& op) const noexcept override {
        if (typeid(op) != typeid(*this)) return false;
        const auto& other = static_cast<const MatricesOp&>(op);
        return other.n_ == n_ && other.per_row_ == per_row_ && other.whitenings_.size() == whitenings_.size();
    }
    void exchange(Op& op) noexcept override { std::swap(whitenings_, static_cast<MatricesOp&>(op).whitenings_); }

protected:
    // Of `count` sets of a matrix per row, W' with padded rows: [row][set].
    void read_whitenings(std::span<const double> given, index count) {
        const index stride = padded(n_), size = n_ * stride;
        whitenings_ = Buffer<double>(in_.rows * count * size);
        for (index r = 0; r < in_.rows; ++r)
            for (index k = 0; k < count; ++k) {
                const double* from = given.data() + (k * in_.rows + r) * n_ * n_;
                double* to = whitenings_.data() + (r * count + k) * size;
                for (index i = 0; i < n_; ++i)
                    for (index j = 0; j < n_; ++j) to[j * stride + i] = from[i * n_ + j];
            }
        per_row_ = count * size;
    }
    const double* whitening(index r) const { return whitenings_.data() + r * per_row_; }

    void unfold(index r, index w, double* to) const {
        const double* from = in_.row(w) + r * in_.col_stride();
        for (index i = 0; i < n_; ++i)
            for (index j = i; j < n_; ++j) to[i * n_ + j] = to[j * n_ + i] = *from++;
    }

    const Slot& in_;
    const index n_;

private:
    index size_of(const OpInit& init) const {
        index n = index(std::sqrt(2.0 * double(in_.cols)));
        while (triangle(n) > in_.cols) --n;
        if (triangle(n) != in_.cols)
            init.fail("reads rows of " + std::to_string(in_.cols) + " values, which are no triangles of matrices");
        return n;
    }

    Buffer<double> whitenings_;
    index per_row_ = 0;
};

class CongruenceOp final : public MatricesOp {
public:
    explicit CongruenceOp(const OpInit& init) : MatricesOp(init) {
        read_whitenings(init.file.f64_array(init.name("matrix"), {in_.rows, n_, n_}), 1);
        out = Slot::make(Slot::vector, in_.rows, in_.cols, init.clock.max_windows);
        scratch_ = Buffer<double>(2 * n_ * n_ + kernels().matrices->congruence_scratch(n_));
        ns_per_window = 0.2 * double(in_.rows) * double(n_) * double(n_) * double(n_);
    }
    void process(const Frame& f, index, index) noexcept override {
        double *const c = scratch_.data(), *const moved = c + n_ * n_;
        for (index w = 0; w < f.n_windows; ++w)
            for (index r = 0; r < in_.rows; ++r) {
                unfold(r, w, c);
                kernels().matrices->congruence(c, whitening(r), n_, moved, moved + n_ * n_);
                double* to = out.row(w) + r * out.col_stride();
                for (index i = 0; i < n_; ++i) to = std::copy_n(moved + i * n_ + i, n_ - i, to);
            }
    }

private:
    Buffer<double> scratch_;
};

// Runs a job on the matrices of a row, eight windows at a time.
class SpectralOp : public MatricesOp {
public:
    explicit SpectralOp(const OpInit& init) : MatricesOp(init), width_(std::min(kLanes, init.clock.max_windows)) {
        job_.n = n_;
        job_.floor = init.file.f64(init.name("floor"));
        if (!(job_.floor >= 1e-300)) init.fail("has a floor below 1e-300, where the logarithm has no finite value");
    }

protected:
    void reserve(index size) {
        size_ = size;
        const MatrixKernels& k = *kernels().matrices;
        const index scratch = std::max(k.spectral_scratch(job_, width_), k.spectral_scratch(job_, 1));
        memory_ = Buffer<double>(width_ * (n_ * n_ + size) + scratch);
        ns_per_window = 0.5 * double(in_.rows * job_.n_whitenings) * double(n_) * double(n_) * double(n_) + 1000;
    }
    template <class F>
    void run(index r, index n_windows, const F& take) noexcept {
        double *const matrices = memory_.data(), *const results = matrices + width_ * n_ * n_,
                      *const scratch = results + width_ * size_;
        MatrixJob job = job_;
        job.whitening = whitening(r);
        unsigned char faults[kLanes];
        for (index w = 0; w < n_windows; w += width_) {
            const index width = std::min(width_, n_windows - w);
            for (index i = 0; i < width; ++i) unfold(r, w + i, matrices + i * n_ * n_);
            kernels().matrices->spectral(job, matrices, width, results, faults, scratch);
            for (index i = 0; i < width; ++i) take(w + i, results + i * size_);
        }
    }

    MatrixJob job_{MatrixJob::tangent, Spectral::log, 0, 0, 0, nullptr, 1};

private:
    const index width_;
    index size_ = 0;
    Buffer<double> memory_;
};

class TangentOp final : public SpectralOp {
public:
    explicit TangentOp(const OpInit& init) : SpectralOp(init) {
        read_whitenings(init.file.f64_array(init.name("whitening"), {in_.rows, n_, n_}), 1);
        out = Slot::make(Slot::vector, in_.rows, in_.cols, init.clock.max_windows);
        reserve(in_.cols);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index r = 0; r < in_.rows; ++r)
            run(r, f.n_windows, [&](index w, const double* vector) {
                std::copy_n(vector, in_.cols, out.row(w) + r * out.col_stride());
            });
    }
};

class MdmOp final : public SpectralOp {
public:
    explicit MdmOp(const OpInit& init) : SpectralOp(init) {
        const auto given = init.file.f64_array(init.name("whitening"), {ModelFile::any, in_.rows, n_, n_});
        job_.what = MatrixJob::distances;
        job_.n_whitenings = index(given.size()) / (in_.rows * n_ * n_);
        if (job_.n_whitenings == 0) init.fail("has no classes");
        read_whitenings(given, job_.n_whitenings);
        out = Slot::make(Slot::vector, 1, job_.n_whitenings, init.clock.max_windows);
        reserve(job_.n_whitenings);
    }
    void process(const Frame& f, index, index) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) std::fill_n(out.row(w), out.cols, 0.0);
        for (index r = 0; r < in_.rows; ++r)
            run(r, f.n_windows, [&](index w, const double* squared) {
                for (index k = 0; k < out.cols; ++k) out.row(w)[k] -= squared[k];
            });
    }
};

}  // namespace

std::unique_ptr<Op> make_cov(const OpInit& init) { return std::make_unique<CovOp>(init); }
std::unique_ptr<Op> make_fading_cov(const OpInit& init) { return std::make_unique<FadingCovOp>(init); }
std::unique_ptr<Op> make_congruence(const OpInit& init) { return std::make_unique<CongruenceOp>(init); }
std::unique_ptr<Op> make_tangent(const OpInit& init) { return std::make_unique<TangentOp>(init); }
std::unique_ptr<Op> make_mdm(const OpInit& init) { return std::make_unique<MdmOp>(init); }

}  // namespace fastemo
