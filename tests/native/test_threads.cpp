// Engines with threads: the same bits, side by side, and in a child after fork. Meant for ThreadSanitizer too.
#include <thread>

#include "test.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#define HAS_FORK 1
#endif

namespace test {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr index kSamples = 3000, kChannels = 35;  // ten to fifty times as slow
#else
constexpr index kSamples = 9000, kChannels = 70;
#endif
constexpr index kChunk = 3000;  // chunks of thousands are work worth sharing

struct Case {
    Case()
        : file(every_op(kChannels, {.length = 100, .hop = 20}).file()),
          x(random_values(std::size_t(kChannels * kSamples), 5, 10)) {
        for (index i = kSamples / 2; i < kSamples / 2 + 10; ++i) x[std::size_t(i * kChannels + 3)] = std::nan("");
        Engine engine(file);
        expected = run(engine, x, kSamples);
        check(!expected.empty(), "there are predictions");
    }
    ModelFile file;
    std::vector<double> x;
    std::string expected;
};

void test_same_bits(const Case& c) {
    for (const int threads : {2, 3, 5}) {
        Engine engine(c.file, threads);
        for (const index chunk : {kSamples, index(1700), index(10)}) {
            check(run(engine, c.x, chunk) == c.expected,
                  std::to_string(threads) + " threads, chunks of " + std::to_string(chunk));
            engine.reset();
        }
    }
    Engine unused(c.file, 4);  // its threads never start
}

void test_side_by_side(const Case& c) {
    std::vector<std::string> got(3);
    std::vector<std::thread> threads;
    for (std::string& out : got)
        threads.emplace_back([&] {
            Engine engine(c.file, 2);
            out = run(engine, c.x, kChunk);
        });
    for (auto& t : threads) t.join();
    for (const std::string& out : got) check(out == c.expected, "engines side by side");
}

// Workers that had time to fall asleep wake up again, and an engine moves from thread to thread.
void test_pauses(const Case& c) {
    Engine engine(c.file, 3);
    for (int round = 0; round < 3; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        std::string got;
        std::thread([&] { got = run(engine, c.x, kChunk); }).join();
        check(got == c.expected, "after a pause");
        engine.reset();
    }
}

#if defined(HAS_FORK) && !defined(__SANITIZE_THREAD__)
void test_fork(const Case& c) {
    for (const bool asleep : {false, true}) {
        auto engine = std::make_unique<Engine>(c.file, 3);
        run(*engine, c.x, kSamples);
        engine->reset();
        if (asleep) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        auto untouched = std::make_unique<Engine>(c.file, 3);
        run(*untouched, c.x, kSamples);
        std::fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            untouched.reset();
            bool same = run(*engine, c.x, kChunk) == c.expected;
            engine->reset();
            same &= run(*engine, c.x, kSamples) == c.expected;
            engine.reset();
            _exit(same && n_failed == 0 ? 0 : 1);
        }
        int status = -1;
        check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "an engine goes on in a child");
        check(run(*engine, c.x, kChunk) == c.expected, "and in the parent");
    }
}
#else
void test_fork(const Case&) {}
#endif

}  // namespace
}  // namespace test

int main() {
    const test::Case c;
    test::test_same_bits(c);
    test::test_side_by_side(c);
    test::test_pauses(c);
    test::test_fork(c);
    return test::report();
}
