#include "pool.hpp"

#include "../base/denormal.hpp"

#if defined(_WIN32)
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

namespace fastemo {

Pool::~Pool() {
    if (workers_.empty()) return;
    if (process_ != long(getpid())) {
        for (auto& w : workers_) w.detach();  // the parent's threads: nothing to join here
        return;
    }
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    begin_.notify_all();
    for (auto& w : workers_) w.join();
}

void Pool::launch() {
    for (auto& w : workers_) w.detach();
    workers_.clear();
    process_ = long(getpid());
    for (int t = 1; t < threads_; ++t) workers_.emplace_back([this, t] { loop(t); });
}

void Pool::start(index parts, Call call, void* work) {
    if (process_ != long(getpid())) launch();
    {
        std::lock_guard lock(mutex_);
        parts_ = parts, call_ = call, work_ = work;
        busy_ = threads_ - 1;
        ++round_;
    }
    begin_.notify_all();
}

void Pool::wait() {
    std::unique_lock lock(mutex_);
    end_.wait(lock, [this] { return busy_ == 0; });
}

void Pool::loop(int thread) {
    const DenormalScope flush;
    std::uint64_t done = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
        begin_.wait(lock, [&] { return stop_ || round_ != done; });
        if (stop_) return;
        done = round_;
        const auto [p0, p1] = range(thread, parts_);
        const Call call = call_;
        void* const work = work_;
        lock.unlock();
        if (p0 < p1) call(work, p0, p1);
        lock.lock();
        if (--busy_ == 0) end_.notify_one();
    }
}

}  // namespace fastemo
