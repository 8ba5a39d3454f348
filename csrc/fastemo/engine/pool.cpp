#include "pool.hpp"

#include "../base/denormal.hpp"

#if defined(_WIN32)
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace fastemo {

namespace {

constexpr int kSpins = 4000;  // some tens of microseconds

void relax() {
#if defined(__SSE2__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    asm volatile("yield");
#endif
}

}  // namespace

Pool::~Pool() {
    if (workers_.empty()) return;
    if (process_ != long(getpid())) {
        for (auto& w : workers_) w.detach();  // the parent's threads: nothing to join here
        return;
    }
    {
        std::lock_guard lock(mutex_);
        stop_.store(true);
    }
    begin_.notify_all();
    for (auto& w : workers_) w.join();
}

void Pool::launch() {
    for (auto& w : workers_) w.detach();
    workers_.clear();
    round_.store(0), asleep_.store(0);
    process_ = long(getpid());
    for (int t = 1; t < threads_; ++t) workers_.emplace_back([this, t] { loop(t); });
}

void Pool::start(index parts, Call call, const void* work) {
    if (process_ != long(getpid())) launch();
    parts_ = parts, call_ = call, work_ = work;
    busy_.store(threads_ - 1, std::memory_order_relaxed);
    round_.fetch_add(1);
    if (asleep_.load() > 0) {
        std::lock_guard lock(mutex_);
        begin_.notify_all();
    }
}

void Pool::wait() {
    for (int spins = 0; busy_.load(std::memory_order_acquire) > 0; ++spins)
        if (spins > kSpins) std::this_thread::yield();
}

void Pool::loop(int thread) {
    const DenormalScope flush;
    std::uint64_t done = 0;
    for (;;) {
        const auto ready = [&] { return round_.load() != done || stop_.load(); };
        for (int spins = 0; spins < kSpins && !ready(); ++spins) relax();
        if (!ready()) {
            std::unique_lock lock(mutex_);
            asleep_.fetch_add(1);
            begin_.wait(lock, ready);
            asleep_.fetch_sub(1);
        }
        if (stop_.load()) return;
        ++done;
        const auto [p0, p1] = range(thread, parts_);
        if (p0 < p1) call_(work_, p0, p1);
        busy_.fetch_sub(1, std::memory_order_release);
    }
}

}  // namespace fastemo
