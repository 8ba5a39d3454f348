// FFT plans that calls share.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "../fastemo/ops/fft_plan.hpp"

namespace fastemo {

// Plans of the last transforms, for bins [first, stop) of so many points: they cost more to make than a transform.
template <class T>
std::shared_ptr<const Fft<T>> plan_for(index n, index first, index stop) {
    static std::mutex mutex;
    static std::vector<std::shared_ptr<const Fft<T>>> recent;
    {
        const std::lock_guard lock(mutex);
        for (std::size_t i = 0; i < recent.size(); ++i) {
            const FftPlan<T>& plan = recent[i]->plan();
            if (plan.n == n && plan.first == first && plan.stop == stop) {
                std::rotate(recent.begin(), recent.begin() + std::ptrdiff_t(i), recent.begin() + std::ptrdiff_t(i) + 1);
                return recent.front();
            }
        }
    }
    const auto made = std::make_shared<const Fft<T>>(n, first, stop);
    const std::lock_guard lock(mutex);
    recent.insert(recent.begin(), made);
    if (recent.size() > 16) recent.pop_back();
    return made;
}

template <class T>
std::shared_ptr<const Fft<T>> plan_for(index n) {
    return plan_for<T>(n, 0, n / 2 + 1);
}

}  // namespace fastemo
