// Ops that learn from the stream itself: recursive regression on other channels, running mean and deviation.
//
// Both go sample by sample, so that bits do not depend on blocks, and remember nothing but sums: their state has the
// size of the signal, whatever the length of the stream.
#include <cmath>

#include "op.hpp"

namespace fastemo {

namespace {

double forgetting_of(const OpInit& init) {
    const double value = init.file.f64(init.name("forgetting"));
    if (!(value > 0 && value <= 1)) init.fail("has forgetting outside (0, 1]");
    return value;
}

// Recursive least squares in Potter's square-root form. P, the inverse of the weighted covariance of the regressors f, is
// kept as S S': it stays positive definite whatever is rounded, so that regressors which are nearly the same do no harm.
// The gain is P f / (forgetting + f' P f); what is put out is the residual under the coefficients of this sample.
class RlsOp final : public Op {
public:
    explicit RlsOp(const OpInit& init) : in_(init.input(Slot::signal)), forgetting_(forgetting_of(init)) {
        const auto keep = init.file.i64_array(init.name("keep"), {ModelFile::any});
        const auto regressors = init.file.i64_array(init.name("regressors"), {ModelFile::any});
        const double ridge = init.file.f64(init.name("ridge"));
        if (!(ridge >= 1e-100 && ridge <= 1e100)) init.fail("has ridge outside 1e-100..1e100");
        if (keep.empty() || regressors.empty()) init.fail("keeps no channel or has no regressor");
        for (const auto c : keep)
            if (c < 0 || c >= in_.cols) init.fail("keeps channel " + std::to_string(c) + ", which is not there");
        for (const auto c : regressors)
            if (c < kTrend || c >= in_.cols)
                init.fail("regresses on channel " + std::to_string(c) + ", which is not there");
        keep_.assign(keep.begin(), keep.end());
        regressors_.assign(regressors.begin(), regressors.end());
        limit_ = 1 / ridge;
        p_ = index(regressors.size());
        out = Slot::make(Slot::signal, 1, index(keep.size()), init.clock.max_rows);
        // A matrix of more regressors than this would not end in this life.
        if (p_ > Slot::kMaxStride / p_) throw std::bad_alloc();
        root_ = Buffer<double>(p_ * p_);
        f_ = Buffer<double>(p_), a_ = Buffer<double>(p_), v_ = Buffer<double>(p_);
        coef_ = Buffer<double>(p_ * out.stride);
        ns_per_sample = 0.6 * double(p_ * out.stride) + 2.0 * double(p_ * p_);
    }

    void process(const Frame& frame, index, index) noexcept override {
        if (frame.start == 0) start();
        for (index i = 0; i < frame.n; ++i) step(in_.row(i), double(frame.start + i), out.row(i));
    }

private:
    static constexpr std::int64_t kConstant = -1, kTrend = -2;

    void start() noexcept {
        coef_.clear();
        root_.clear();
        for (index i = 0; i < p_; ++i) root_[i * p_ + i] = std::sqrt(limit_);
    }

    void step(const double* x, double time, double* y) noexcept {
        for (index i = 0; i < p_; ++i) {
            const auto c = regressors_[std::size_t(i)];
            f_[i] = c == kConstant ? 1.0 : c == kTrend ? time * (1.0 / 128) : x[c];
        }
        double power = 0;  // f' P f
        for (index j = 0; j < p_; ++j) {
            double sum = 0;
            for (index i = 0; i < p_; ++i) sum += root_[i * p_ + j] * f_[i];
            a_[j] = sum;
            power += sum * sum;
        }
        const double total = forgetting_ + power;
        for (index c = 0; c < out.cols; ++c) y[c] = x[keep_[std::size_t(c)]];
        for (index i = 0; i < p_; ++i) {
            const double* coef = coef_.data() + i * out.stride;
            for (index c = 0; c < out.cols; ++c) y[c] -= f_[i] * coef[c];
        }
        if (!std::isfinite(total)) return;
        for (index i = 0; i < p_; ++i) {
            double sum = 0;
            for (index j = 0; j < p_; ++j) sum += root_[i * p_ + j] * a_[j];
            v_[i] = sum;
            double* coef = coef_.data() + i * out.stride;
            const double gain = sum / total;
            for (index c = 0; c < out.cols; ++c) coef[c] += gain * y[c];
        }
        // y - f' (coef + k y) = y (1 - f' k)
        const double rest = forgetting_ / total;
        for (index c = 0; c < out.cols; ++c) y[c] *= rest;
        update_root(1 / (total * (1 + std::sqrt(rest))));
    }

    void update_root(double gamma) noexcept {
        const double grow = 1 / std::sqrt(forgetting_);
        for (index i = 0; i < p_; ++i) {
            double* row = root_.data() + i * p_;
            double variance = 0;
            for (index j = 0; j < p_; ++j) {
                row[j] = (row[j] - gamma * v_[i] * a_[j]) * grow;
                variance += row[j] * row[j];
            }
            // What nothing excites would be forgotten without end: its variance stays at the one it began with.
            if (!(variance > limit_)) continue;
            const double shrink = std::sqrt(limit_ / variance);
            for (index j = 0; j < p_; ++j) row[j] *= shrink;
        }
    }

    const Slot& in_;
    const double forgetting_;
    double limit_;
    index p_;
    std::vector<std::int64_t> keep_, regressors_;
    Buffer<double> root_, f_, a_, v_, coef_;  // root [p][p], coef [p][stride]
};

// Running mean and deviation: spikes beyond `clip` deviations are cut off, and with `scaled` the rest is z-scored.
class RunningOp final : public Op {
public:
    explicit RunningOp(const OpInit& init)
        : in_(init.input(Slot::signal)), forgetting_(forgetting_of(init)), clip_(init.file.f64(init.name("clip"))),
          start_(init.file.i64(init.name("start"))), scaled_(init.file.i64(init.name("scaled")) != 0) {
        if (!(clip_ >= 0)) init.fail("has clip below 0");
        if (start_ < 1) init.fail("has start below 1");
        const auto scaled = init.file.i64(init.name("scaled"));
        if (scaled != 0 && scaled != 1) init.fail("has scaled other than 0 and 1");
        out = Slot::make(Slot::signal, 1, in_.cols, init.clock.max_rows);
        mean_ = Buffer<double>(in_.stride), squares_ = Buffer<double>(in_.stride);
        ns_per_sample = 2.0 * double(in_.stride);
    }

    void process(const Frame& frame, index, index) noexcept override {
        if (frame.start == 0) {
            weight_ = 0;
            mean_.clear(), squares_.clear();
        }
        for (index i = 0; i < frame.n; ++i) step(in_.row(i), frame.start + i, out.row(i));
    }

private:
    void step(const double* x, index time, double* y) noexcept {
        const double before = forgetting_ * weight_;
        const bool clips = clip_ > 0 && time >= start_;
        for (index c = 0; c < in_.stride; ++c) {
            const double limit = clips ? clip_ * std::sqrt(squares_[c] / weight_) : 0;
            const double d = x[c] - mean_[c];
            y[c] = limit > 0 && std::abs(d) > limit ? mean_[c] + (d < 0 ? -limit : limit) : x[c];
        }
        weight_ = before + 1;
        const double share = before / weight_;
        for (index c = 0; c < in_.stride; ++c) {
            const double d = y[c] - mean_[c];
            mean_[c] += d / weight_;
            squares_[c] = forgetting_ * squares_[c] + share * d * d;
        }
        if (!scaled_) return;
        for (index c = 0; c < in_.stride; ++c) {
            const double sd = std::sqrt(squares_[c] / weight_);
            y[c] = sd > 1e-10 * std::abs(mean_[c]) ? (y[c] - mean_[c]) / sd : 0.0;
        }
    }

    const Slot& in_;
    const double forgetting_, clip_;
    const std::int64_t start_;
    const bool scaled_;
    double weight_ = 0;
    Buffer<double> mean_, squares_;
};

}  // namespace

std::unique_ptr<Op> make_rls(const OpInit& init) { return std::make_unique<RlsOp>(init); }
std::unique_ptr<Op> make_running(const OpInit& init) { return std::make_unique<RunningOp>(init); }

}  // namespace fastemo
