// A lazy pool for work that splits into independent parts. Results never depend on how many threads take part.
// Workers spin for a moment between rounds, because a round often lasts less than waking a thread, and then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "../base/types.hpp"

namespace fastemo {

class Pool {
public:
    explicit Pool(int threads) : threads_(threads < 1 ? 1 : threads) {}
    ~Pool() { dismiss(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int threads() const { return threads_; }

    // Calls work(p0, p1) for ranges that cover [0, parts), this thread taking the first; returns when all are done.
    // `ns` estimates the work: short work is done sooner than a second thread joins in.
    template <class F>
    void run(index parts, double ns, const F& work) noexcept {
        if (threads_ == 1 || parts == 1 || ns < kWorthSharingNs) {
            work(index(0), parts);
            return;
        }
        Job job{parts, [](const void* f, index p0, index p1) { (*static_cast<const F*>(f))(p0, p1); }, &work, 1};
        start(job);
        job.run(0);
        wait();
    }

private:
    static constexpr double kWorthSharingNs = 10e3;

    struct Job {
        index parts;
        void (*call)(const void*, index, index);
        const void* work;
        int threads;

        void run(int thread) const {
            const index p0 = parts * thread / threads, p1 = parts * (thread + 1) / threads;
            if (p0 < p1) call(work, p0, p1);
        }
    };

    // The threads and what they share, in memory of its own: a forked child has the memory but none of the threads.
    struct Crew {
        long process = 0;
        std::vector<std::thread> workers;
        std::mutex mutex;
        std::condition_variable begin;
        std::atomic<std::uint64_t> round{0};
        std::atomic<int> busy{0}, asleep{0};
        std::atomic<bool> stop{false};
        Job job{};

        void loop(int thread);
    };

    void start(Job& job) noexcept;
    void wait() noexcept;
    void launch();
    void dismiss() noexcept;

    const int threads_;
    std::unique_ptr<Crew> crew_;
};

}  // namespace fastemo
