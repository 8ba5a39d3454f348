// Where ops that make analytic signals put what these say: a plane of every band and channel for each measure.
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "../targets/cross_kernels.hpp"
#include "op.hpp"

namespace fastemo {

class Instantaneous {
public:
    static constexpr index kMost = 64;  // samples at a time

    Instantaneous(const OpInit& init, const Slot& in, index n_bands) : in_(in), n_bands_(n_bands) {
        const std::int64_t measures = init.file.i64(init.name("measures"));
        if (measures <= 0 || measures >> InstantArgs::n_whats)
            init.fail("has measures " + std::to_string(measures) + ", expected 1 to " +
                      std::to_string((1 << InstantArgs::n_whats) - 1));
        for (int what = 0; what < InstantArgs::n_whats; ++what)
            if (measures >> what & 1) whats_.push_back(what);
        gain_ = init.file.f64(init.name("gain"));
        floor_ = init.file.f64(init.name("floor"));
        if (!(floor_ >= 1e-300)) init.fail("has floor " + std::to_string(floor_) + ", expected at least 1e-300");
        per_radian_ = init.file.f64(init.name("per_radian"));
        before_ = Buffer<double>(n_bands * 2 * in.stride);
        rows_ = Buffer<double>(n_bands * kMost * in.stride);
    }

    Slot slot(const OpInit& init) const {
        const index width = Slot::checked(Slot::checked(index(whats_.size()), n_bands_), in_.cols);
        return Slot::make(Slot::signal, 1, width, init.clock.max_rows);
    }
    double ns_per_sample() const { return double(in_.stride * n_bands_) * 0.8 * double(whats_.size()); }

    void start(index band) noexcept { std::fill_n(before(band), 2 * in_.stride, 0.0); }

    // `z` [n][2][stride], at most kMost of them, are the samples of `out` from row `row` on.
    void write(index band, const double* z, index n, Slot& out, index row) noexcept {
        double* const rows = rows_.data() + band * kMost * in_.stride;
        for (index m = 0; m < index(whats_.size()); ++m) {
            kernels().cross->instantaneous(
                {z, before(band), rows, n, in_.stride, whats_[std::size_t(m)], gain_, floor_, per_radian_});
            for (index i = 0; i < n; ++i)
                std::memcpy(out.row(row + i) + (m * n_bands_ + band) * in_.cols, rows + i * in_.stride,
                            sizeof(double) * std::size_t(in_.cols));
        }
        std::copy_n(z + 2 * (n - 1) * in_.stride, 2 * in_.stride, before(band));
    }

private:
    double* before(index band) { return before_.data() + band * 2 * in_.stride; }

    const Slot& in_;
    index n_bands_;
    std::vector<int> whats_;
    double gain_, floor_, per_radian_;
    Buffer<double> before_, rows_;  // [n_bands][...]
};

}  // namespace fastemo
