// A lazy pool for work that splits into independent parts. Results never depend on how many threads take part.
// Workers spin for a moment between rounds, because a round often lasts less than waking a thread, and then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "../base/types.hpp"

namespace fastemo {

class Pool {
public:
    explicit Pool(int threads) : threads_(threads < 1 ? 1 : threads) {}
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int threads() const { return threads_; }

    // Calls work(p0, p1) for ranges that cover [0, parts), this thread taking the first; returns when all are done.
    // `ns` estimates the work: short work is done sooner than a second thread joins in.
    template <class F>
    void run(index parts, double ns, const F& work) {
        if (threads_ == 1 || parts == 1 || ns < kWorthSharingNs) {
            work(index(0), parts);
            return;
        }
        start(parts, [](const void* f, index p0, index p1) { (*static_cast<const F*>(f))(p0, p1); }, &work);
        work(range(0, parts).first, range(0, parts).second);
        wait();
    }

private:
    static constexpr double kWorthSharingNs = 10e3;
    using Call = void (*)(const void*, index, index);

    std::pair<index, index> range(int thread, index parts) const {
        return {parts * thread / threads_, parts * (thread + 1) / threads_};
    }
    void start(index parts, Call call, const void* work);
    void wait();
    void loop(int thread);
    void launch();

    const int threads_;
    std::vector<std::thread> workers_;
    long process_ = 0;  // a forked child has none of its parent's threads
    std::mutex mutex_;
    std::condition_variable begin_;
    std::atomic<std::uint64_t> round_{0};
    std::atomic<int> busy_{0}, asleep_{0};
    std::atomic<bool> stop_{false};
    index parts_ = 0;
    Call call_ = nullptr;
    const void* work_ = nullptr;
};

}  // namespace fastemo
