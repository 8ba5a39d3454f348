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

void Pool::dismiss() noexcept {
    if (!crew_) return;
    if (crew_->process != long(getpid())) {
        // The parent's: there is no thread to join here, and one may have been holding the mutex. It is left alone.
        (void)crew_.release();
        return;
    }
    {
        std::lock_guard lock(crew_->mutex);
        crew_->stop.store(true);
    }
    crew_->begin.notify_all();
    for (auto& worker : crew_->workers) worker.join();
    crew_.reset();
}

void Pool::launch() {
    dismiss();
    crew_ = std::make_unique<Crew>();
    crew_->process = long(getpid());
    crew_->workers.reserve(std::size_t(threads_ - 1));
    for (int t = 1; t < threads_; ++t) crew_->workers.emplace_back([crew = crew_.get(), t] { crew->loop(t); });
}

void Pool::start(Job& job) noexcept {
    if (!crew_ || crew_->process != long(getpid())) {
        try {
            launch();
        } catch (const std::exception&) {
            // The system gives no more threads: those that there are will do.
            if (!crew_) return;
        }
    }
    job.threads = int(crew_->workers.size()) + 1;
    crew_->job = job;
    crew_->busy.store(job.threads - 1, std::memory_order_relaxed);
    crew_->round.fetch_add(1);
    if (crew_->asleep.load() > 0) {
        std::lock_guard lock(crew_->mutex);
        crew_->begin.notify_all();
    }
}

void Pool::wait() noexcept {
    if (!crew_) return;
    for (int spins = 0; crew_->busy.load(std::memory_order_acquire) > 0;) {
        if (spins < kSpins)
            ++spins;
        else
            std::this_thread::yield();
    }
}

void Pool::Crew::loop(int thread) {
    const DenormalScope flush;
    std::uint64_t done = 0;
    for (;;) {
        const auto ready = [&] { return round.load() != done || stop.load(); };
        for (int spins = 0; spins < kSpins && !ready(); ++spins) relax();
        if (!ready()) {
            std::unique_lock lock(mutex);
            asleep.fetch_add(1);
            begin.wait(lock, ready);
            asleep.fetch_sub(1);
        }
        if (stop.load()) return;
        ++done;
        job.run(thread);
        busy.fetch_sub(1, std::memory_order_release);
    }
}

}  // namespace fastemo
