// Reductions of a window by name: what parameters each takes, how many numbers it gives and what memory it needs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "../targets/reductions_kernels.hpp"

namespace fastemo {

// Reductions in order, run on one group of kLanes signals after another.
class ReductionList {
public:
    explicit ReductionList(index n_samples) : n_samples_(n_samples) {}

    // Throws std::invalid_argument, with what is wrong, for a name or parameters that make no reduction.
    void add(const std::string& name, std::span<const double> params);

    index n_samples() const { return n_samples_; }
    index n_values() const { return n_values_; }
    index memory() const { return memory_; }  // doubles that `run` needs per thread
    double ns() const { return ns_; }         // estimated, per group

    // x [n_samples][kLanes], whose signals with NaN or infinity are set to 0 and give NaN; out [n_values][out_stride].
    // Lanes from n_signals on are padding: they give 0, so that it stays finite.
    void run(double* x, index n_signals, double* memory, double* out, index out_stride) const noexcept;

private:
    struct Entry {
        Reduction kernel;
        std::vector<double> params;
        index n_values;
    };

    index n_samples_, n_values_ = 0, memory_ = 0, most_values_ = 0, scratch_ = 0;
    double ns_ = 0;
    std::vector<Entry> entries_;
};

}  // namespace fastemo
