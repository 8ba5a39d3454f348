// Memory of the ops and the engine: allocated once, zeroed, aligned to a cache line.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <new>

#include "types.hpp"

namespace fastemo {

constexpr index round_up(index n, index multiple) { return (n + multiple - 1) / multiple * multiple; }
constexpr index padded(index n) { return round_up(n, kLanes); }

// While one is alive, the buffers made on this thread may take so many bytes in all: a file that asks for more than that
// ends in an error, not in an exhausted machine.
class MemoryLimit {
public:
    explicit MemoryLimit(std::int64_t bytes) : outer_(left_) { left_ = std::min(bytes, left_); }
    ~MemoryLimit() { left_ = outer_; }
    MemoryLimit(const MemoryLimit&) = delete;
    MemoryLimit& operator=(const MemoryLimit&) = delete;

    static void take(index n, std::size_t item_size) {
        if (n < 0 || n > left_ / std::int64_t(item_size)) throw std::bad_alloc();
        left_ -= n * std::int64_t(item_size);
    }

private:
    static inline thread_local std::int64_t left_ = std::numeric_limits<std::int64_t>::max();
    const std::int64_t outer_;
};

template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(index size) : Buffer(size, Uncleared()) { clear(); }

    // Not zeroed: those who use parts of it do that, each his own.
    struct Uncleared {};
    Buffer(index size, Uncleared) : data_(size ? allocate(size) : nullptr), size_(size) {}

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
        MemoryLimit::take(size, sizeof(T));
        return static_cast<T*>(::operator new(std::size_t(size) * sizeof(T), kAlignment));
    }

    std::unique_ptr<T[], Free> data_;
    index size_ = 0;
};

}  // namespace fastemo
