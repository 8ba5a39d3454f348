// The newest rows of a signal, group after group: what filters with a long memory read.
#pragma once

#include <algorithm>

#include "../base/buffer.hpp"

namespace fastemo {

// Rows of kLanes doubles, each kept twice, `size` rows apart, so that any `size` in a row lie side by side.
class GroupRows {
public:
    GroupRows() = default;
    GroupRows(index groups, index size) : size_(size), rows_(groups * 2 * size * kLanes) {}

    // Row number `first` and at most size - 1 after it.
    const double* from(index group, index first) const { return at(group, first % size_); }
    // Calls write(i, n, to) until n rows from number `first` on are written, i counting from 0.
    template <class F>
    void append(index group, index first, index n, const F& write) {
        for (index i = 0; i < n;) {
            const index place = (first + i) % size_, count = std::min(n - i, size_ - place);
            double* to = at(group, place);
            write(i, count, to);
            std::copy_n(to, count * kLanes, to + size_ * kLanes);
            i += count;
        }
    }
    void clear(index group) { std::fill_n(at(group, 0), 2 * size_ * kLanes, 0.0); }

private:
    double* at(index group, index place) const { return rows_.data() + (group * 2 * size_ + place) * kLanes; }

    index size_ = 0;
    Buffer<double> rows_;
};

}  // namespace fastemo
