// Nothing is allocated after open, whatever arrives: calls of malloc are counted (of operator new where
// there is no way to see those).
#include "../../csrc/fastemo/fastemo.h"

#include <cstdlib>
#include <new>

#include "test.hpp"

namespace {
bool counting = false;
long n_allocations = 0;
}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
namespace {
const int hooks = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { n_allocations += counting; }, [](const volatile void*) {});
}  // namespace
#elif defined(__GLIBC__)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) {
    n_allocations += counting;
    return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
    n_allocations += counting;
    return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
    n_allocations += counting;
    return __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
    n_allocations += counting;
    return __libc_memalign(alignment, n);
}
}
#else
void* operator new(std::size_t n) {
    n_allocations += counting;
    if (void* p = std::malloc(n ? n : 1)) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace test {
namespace {

constexpr index kChannels = 9, kSamples = 700;

struct Stream {
    std::vector<double> x = random_values(std::size_t(kChannels * kSamples), 5, 10), stamps;
    std::vector<float> x32;

    Stream() {
        double t = 0;
        for (index i = 0; i < kSamples; ++i) {
            t += i % 97 == 50 ? 0.04 : i % 211 == 150 ? 3.0 : i % 83 == 7 ? -0.02 : 0.01;
            stamps.push_back(t);
            if (i % 61 < 3) x[std::size_t(i * kChannels + i % kChannels)] = std::nan("");
            if (i % 131 < 2 || i % 300 > 292) std::fill_n(x.begin() + i * kChannels, kChannels, std::nan(""));
        }
        x32.assign(x.begin(), x.end());
    }
};

void push_all(fastemo_engine* engine, const Stream& stream, bool stamped, index n, std::vector<double>& records,
              std::int64_t room) {
    for (index i = 0; i < kSamples; i += n) {
        const index take = std::min(n, kSamples - i);
        const bool wide = i % 2;
        auto chunk = sized<fastemo_chunk>();
        chunk.data =
            wide ? static_cast<const void*>(stream.x.data() + i * kChannels) : stream.x32.data() + i * kChannels;
        chunk.is_float32 = !wide;
        chunk.n_samples = take;
        chunk.channel_stride = wide ? 8 : 4;
        chunk.sample_stride = kChannels * chunk.channel_stride;
        chunk.stamps = stamped ? stream.stamps.data() + i : nullptr;
        if (fastemo_push(engine, &chunk, records.data(), room) < 0) std::abort();
        chunk.n_samples = -1;
        if (fastemo_push(engine, &chunk, records.data(), room) != FASTEMO_ERROR_ARGUMENT) std::abort();
    }
}

// Everything a caller does with an open engine.
void use(fastemo_engine* engine, const Stream& stream, bool stamped, std::vector<double>& records, std::int64_t room) {
    for (const index n : {index(1), index(7), kSamples}) {
        push_all(engine, stream, stamped, n, records, room);
        if (fastemo_flush(engine, records.data(), room) < 0) std::abort();
        fastemo_reset(engine);
    }
    auto layout = sized<fastemo_layout>();
    fastemo_prediction_layout(engine, &layout);
    auto counters = sized<fastemo_counters>();
    fastemo_get_counters(engine, &counters);
    auto latency = sized<fastemo_latency>();
    for (int i = 0; fastemo_stage_name(engine, i); ++i) fastemo_stage_latency(engine, i, &latency);
    fastemo_last_error(engine), fastemo_ch_name(engine, 0), fastemo_label(engine, 0);
}

void test_policy(const Stream& stream, Policy policy, bool stamped, int output_kind) {
    Options options{.policy = policy, .drop_backward = true, .output_kind = output_kind};
    const std::string bytes = every_op(kChannels, options).bytes();
    fastemo_engine* engine;
    char message[200];
    counting = true;
    const bool opened = fastemo_open_memory(bytes.data(), bytes.size(), &engine, message, sizeof message) == FASTEMO_OK;
    counting = false;
    check(opened && n_allocations > 0, "opening allocates, and that is seen");
    const std::int64_t room = fastemo_max_predictions(engine, kSamples);
    auto layout = sized<fastemo_layout>();
    fastemo_prediction_layout(engine, &layout);
    std::vector<double> records(std::size_t(room * layout.record_size / 8));
    n_allocations = 0;
    counting = true;
    use(engine, stream, stamped, records, room);
    counting = false;
    check(n_allocations == 0, std::to_string(n_allocations) + " allocations, policy " + std::to_string(policy));
    n_allocations = 0;
    fastemo_close(engine);
}

}  // namespace
}  // namespace test

int main() {
    const test::Stream stream;
    for (const test::Policy policy : {test::hold, test::interpolate, test::reset})
        for (const bool stamped : {false, true})
            for (const int kind : {0, 1, 2, 3}) test::test_policy(stream, policy, stamped, kind);
    return test::report();
}
