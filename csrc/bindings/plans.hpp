// FFT plans that calls share.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "../fastemo/ops/fft_plan.hpp"

namespace fastemo {

// Plans of the last lengths that were transformed: they cost more to make than a transform.
template <class T>
std::shared_ptr<const Fft<T>> plan_for(index n) {
    static std::mutex mutex;
    static std::vector<std::shared_ptr<const Fft<T>>> recent;
    {
        const std::lock_guard lock(mutex);
        for (std::size_t i = 0; i < recent.size(); ++i)
            if (recent[i]->plan().n == n) {
                std::rotate(recent.begin(), recent.begin() + std::ptrdiff_t(i), recent.begin() + std::ptrdiff_t(i) + 1);
                return recent.front();
            }
    }
    const auto made = std::make_shared<const Fft<T>>(n);
    const std::lock_guard lock(mutex);
    recent.insert(recent.begin(), made);
    if (recent.size() > 16) recent.pop_back();
    return made;
}

}  // namespace fastemo
