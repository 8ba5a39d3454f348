// Memory of the ops and the engine: allocated once, zeroed, aligned to a cache line.
#pragma once

#include <algorithm>
#include <memory>
#include <new>

#include "types.hpp"

namespace fastemo {

constexpr index round_up(index n, index multiple) { return (n + multiple - 1) / multiple * multiple; }
constexpr index padded(index n) { return round_up(n, kLanes); }

template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(index size) : data_(size ? allocate(size) : nullptr), size_(size) { clear(); }

    T* data() const { return data_.get(); }
    index size() const { return size_; }
    T& operator[](index i) const { return data_[i]; }
    void clear() const { std::fill_n(data_.get(), size_, T()); }

private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* p) const { ::operator delete(p, kAlignment); }
    };
    static T* allocate(index size) {
        return static_cast<T*>(::operator new(std::size_t(size) * sizeof(T), kAlignment));
    }

    std::unique_ptr<T[], Free> data_;
    index size_ = 0;
};

}  // namespace fastemo
