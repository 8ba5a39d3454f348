// The tensors of a bank of causal analytic filters, and the state of each band.
#pragma once

#include <vector>

#include "../targets/cross_kernels.hpp"
#include "op.hpp"

namespace fastemo {

class AnalyticBank {
public:
    AnalyticBank(const OpInit& init, const Slot& in) : in_(in) {
        const auto poles = init.file.f64_array(init.name("poles"), {ModelFile::any, ModelFile::any, 2});
        const auto& shape = init.file.find(init.name("poles"))->shape;
        n_bands_ = shape[0], n_poles_ = shape[1];
        if (poles.empty()) init.fail("has no poles");
        const auto weights = init.file.f64_array(init.name("weights"), {n_bands_, n_poles_, 2});
        const auto direct = init.file.f64_array(init.name("direct"), {n_bands_, 2});
        poles_.assign(poles.begin(), poles.end());
        weights_.assign(weights.begin(), weights.end());
        direct_.assign(direct.begin(), direct.end());
        for (std::size_t k = 0; k < poles_.size(); k += 2)
            if (!(poles_[k] * poles_[k] + poles_[k + 1] * poles_[k + 1] < 1))
                init.fail("has a pole outside the unit circle");
        state_ = Buffer<double>(Slot::checked(n_bands_, 2 * n_poles_) * in.stride);
        offset_ = Buffer<double>(n_bands_ * in.stride);
    }

    index n_bands() const { return n_bands_; }
    index n_poles() const { return n_poles_; }

    // The level of the first sample is taken off all.
    void start(index band) noexcept {
        const index size = 2 * n_poles_ * in_.stride;
        std::fill_n(state_.data() + band * size, size, 0.0);
        std::copy_n(in_.row(0), in_.stride, offset_.data() + band * in_.stride);
    }

    // out [n][parts][stride]
    void filter(index band, const double* in, double* out, index n, index parts) noexcept {
        const index of = 2 * band * n_poles_;
        kernels().cross->analytic({poles_.data() + of,
                                   weights_.data() + of,
                                   {direct_[2 * std::size_t(band)], direct_[2 * std::size_t(band) + 1]},
                                   n_poles_,
                                   state_.data() + of * in_.stride,
                                   in,
                                   offset_.data() + band * in_.stride,
                                   n,
                                   in_.stride,
                                   parts == 3 ? AnalyticArgs::with_inverse : AnalyticArgs::signal,
                                   out,
                                   parts * in_.stride,
                                   in_.stride,
                                   kLanes});
    }

private:
    const Slot& in_;
    index n_bands_, n_poles_;
    std::vector<double> poles_, weights_, direct_;  // pairs of real and imaginary part
    Buffer<double> state_, offset_;                 // [n_bands][...]
};

}  // namespace fastemo
