// Plans of the real FFT of any length: how it is factored, and the tables that the kernels read.
#pragma once

#include <memory>
#include <vector>

#include "../base/fft_plan.hpp"

namespace fastemo {

// The radices of a length, in the order they are used. Their product is the length.
struct FftFactors {
    int first;
    std::vector<int> passes;
    int last;
    double cost;  // estimated cycles per native of channels
};

// True where n has no prime factor above 13: what the radices can do.
bool fft_factorable(index n);
// The cheapest factors of a factorable n when `n_bins` bins are wanted; `last` is the radix of the last pass, 0 for any.
FftFactors fft_factors(index n, index n_bins, int last = 0);

template <class T>
class Fft {
public:
    // Bins [first, stop) of the real transform of n >= 1 points, 0 <= first < stop <= n/2 + 1.
    Fft(index n, index first, index stop);
    explicit Fft(index n) : Fft(n, 0, n / 2 + 1) {}
    Fft(index n, index first, index stop, const FftFactors& factors);

    const FftPlan<T>& plan() const { return plan_; }
    // Values of scratch that a kernel needs, whatever the target.
    index scratch_size() const;

private:
    void factor(const FftFactors& factors);
    void convolve();

    template <class U>
    U* keep(std::vector<U> values);

    FftPlan<T> plan_{};
    std::vector<std::shared_ptr<void>> kept_;
    std::unique_ptr<Fft> convolution_;
};

extern template class Fft<double>;
extern template class Fft<float>;

}  // namespace fastemo
