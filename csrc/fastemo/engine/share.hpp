// Work on whole arrays, shared among the threads of one pool that all calls use.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "pool.hpp"

namespace fastemo {

// That pool, with so many threads, for as long as this lives; a pool of its own where another call has it.
class PoolLoan {
public:
    explicit PoolLoan(int threads);
    ~PoolLoan();
    PoolLoan(const PoolLoan&) = delete;
    PoolLoan& operator=(const PoolLoan&) = delete;

    Pool& pool() { return *pool_; }

private:
    std::unique_ptr<Pool> own_;
    Pool* pool_;
};

// Calls work(part, thread) for every part on up to `threads` threads, whoever is free taking the next one. `ns`
// estimates the whole of the work.
template <class F>
void share(index parts, int threads, double ns, const F& work) {
    if (threads > parts) threads = int(parts);
    if (threads <= 1) {
        for (index part = 0; part < parts; ++part) work(part, 0);
        return;
    }
    std::atomic<index> next{0};
    PoolLoan(threads).pool().run(threads, ns, [&](index t0, index t1) {
        for (index t = t0; t < t1; ++t)
            for (index part; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;) work(part, int(t));
    });
}

}  // namespace fastemo
