// A lazy pool for work that splits into independent parts. Results never depend on how many threads take part.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
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
    template <class F>
    void run(index parts, F&& work) {
        if (threads_ == 1 || parts == 1) {
            work(index(0), parts);
            return;
        }
        start(parts, [](void* f, index p0, index p1) { (*static_cast<F*>(f))(p0, p1); }, &work);
        work(range(0, parts).first, range(0, parts).second);
        wait();
    }

private:
    using Call = void (*)(void*, index, index);

    std::pair<index, index> range(int thread, index parts) const {
        return {parts * thread / threads_, parts * (thread + 1) / threads_};
    }
    void start(index parts, Call call, void* work);
    void wait();
    void loop(int thread);
    void launch();

    const int threads_;
    std::vector<std::thread> workers_;
    long process_ = 0;  // a forked child has none of its parent's threads
    std::mutex mutex_;
    std::condition_variable begin_, end_;
    std::uint64_t round_ = 0;
    int busy_ = 0;
    bool stop_ = false;
    index parts_ = 0;
    Call call_ = nullptr;
    void* work_ = nullptr;
};

}  // namespace fastemo
