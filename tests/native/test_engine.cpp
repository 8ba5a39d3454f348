// The engine alone: the same bits for every layout, type, stride, cut into chunks and number of threads.
#include "test.hpp"

#include <array>

namespace test {
namespace {

constexpr index kChannels[] = {1, 7, 8, 19, 62, 64, 65, 128};

// Random samples that float32 holds exactly, samples first.
std::vector<double> samples(index n_channels, index n, unsigned seed) {
    std::vector<double> x = random_values(std::size_t(n_channels * n), seed, 10);
    for (double& v : x) v = double(float(v));
    return x;
}

// The samples of x in an array of T with these strides in items; negative ones run backward from its end.
template <class T>
struct Laid {
    Laid(const std::vector<double>& x, index n_channels, index channel_stride, index sample_stride)
        : n(index(x.size()) / n_channels),
          array(std::size_t(span(n_channels, channel_stride) + span(n, sample_stride) - 1)) {
        index first = 0;
        if (channel_stride < 0) first -= channel_stride * (n_channels - 1);
        if (sample_stride < 0) first -= sample_stride * (n - 1);
        for (index i = 0; i < n; ++i)
            for (index c = 0; c < n_channels; ++c)
                array.data[std::size_t(first + c * channel_stride + i * sample_stride)] =
                    T(x[std::size_t(i * n_channels + c)]);
        const index item = sizeof(T);
        view = {array.data.get() + first, sizeof(T) == 8 ? Dtype::f64 : Dtype::f32, channel_stride * item,
                sample_stride * item};
    }
    static index span(index n, index stride) { return (n - 1) * std::abs(stride) + 1; }

    index n;
    Exact<T> array;
    Samples view;
};

template <class T>
std::string run_laid(Engine& engine, const Laid<T>& x, const std::vector<index>& chunks) {
    std::string out;
    index at = 0;
    for (std::size_t k = 0; at < x.n; ++k) {
        const index take = std::min(chunks[k % chunks.size()], x.n - at), room = engine.room(take, nullptr);
        Exact<double> records(std::size_t(room * engine.layout().size / 8));
        Samples view = x.view;
        view.data = static_cast<const char*>(view.data) + at * view.sample_stride;
        const PushResult r = engine.push(view, take, nullptr, records.data.get(), room);
        check(r.error == PushError::none && r.n <= room, "push of a strided chunk");
        out.append(reinterpret_cast<const char*>(records.data.get()), std::size_t(r.n * engine.layout().size));
        at += take;
    }
    return out;
}

template <class T>
void check_layouts(const ModelFile& file, const std::vector<double>& x, index C, const std::string& expected) {
    const index n = index(x.size()) / C;
    const std::array<std::array<index, 2>, 6> strides = {
        {{1, C}, {n, 1}, {1, C + 3}, {n + 5, 1}, {-n, 1}, {2 * n, -2}}};
    for (const auto& [channel, sample] : strides) {
        const Laid<T> laid(x, C, channel, sample);
        for (const auto& chunks : {std::vector<index>{n}, {1}, {3, 1, 17}, {64, 5}}) {
            Engine engine(file);
            check(run_laid(engine, laid, chunks) == expected,
                  std::to_string(C) + " channels of " + std::to_string(8 * sizeof(T)) + " bits, strides " +
                      std::to_string(channel) + ", " + std::to_string(sample) + ", first chunk " +
                      std::to_string(chunks[0]));
        }
    }
}

void test_layouts() {
    for (const index C : kChannels) {
        const ModelFile file = every_op(C).file();
        const auto x = samples(C, 150, unsigned(C));
        Engine engine(file);
        const std::string expected = run(engine, x, 150);
        check(expected.size() == std::size_t(19 * engine.layout().size), "one prediction per hop");
        check_layouts<double>(file, x, C, expected);
        check_layouts<float>(file, x, C, expected);
    }
}

// Gaps, jumps back, NaN in one channel and in all: every cut and every number of threads gives the same bits.
void test_faults() {
    const index C = 9, n = 900;
    auto x = samples(C, n, 5);
    std::vector<double> stamps(std::size_t(n), 0.0);
    double t = 100;
    for (index i = 0; i < n; ++i) {
        t += i % 97 == 50 ? 0.04 : i % 211 == 150 ? 3.0 : i % 83 == 7 ? -0.02 : 0.01;
        stamps[std::size_t(i)] = t;
        const auto row = x.begin() + i * C;
        if (i % 61 < 3) row[i % C] = std::nan("");
        if (i % 131 < 2) std::fill_n(row, C, std::nan(""));
        if (i % 300 > 292) std::fill_n(row, C, std::numeric_limits<double>::infinity());
    }
    for (const Policy policy : {hold, interpolate, reset})
        for (const bool stamped : {false, true}) {
            const ModelFile file = every_op(C, {.policy = policy, .drop_backward = true}).file();
            const double* given = stamped ? stamps.data() : nullptr;
            Engine engine(file);
            const std::string expected = run(engine, x, n, given);
            const Counters counted = engine.counters();
            check(counted.nans > 0 && counted.resets > 0 && (counted.gaps > 0) == stamped, "faults were met");
            engine.reset();
            check(run(engine, x, n, given) == expected, "an engine that was reset is as new");
            for (const int threads : {1, 2, 3})
                for (const index chunk : {index(1), index(7), index(130)}) {
                    Engine other(file, threads);
                    check(run(other, x, chunk, given) == expected, "faults, policy " + std::to_string(policy) +
                                                                       ", chunks of " + std::to_string(chunk) + ", " +
                                                                       std::to_string(threads) + " threads");
                    check(std::memcmp(&other.counters(), &counted, sizeof counted) == 0, "the same counts");
                }
        }
}

void test_windows() {
    const auto x = samples(3, 200, 6);
    const std::array<std::array<std::int64_t, 2>, 6> windows = {{{1, 1}, {1, 5}, {5, 1}, {12, 18}, {64, 64}, {7, 150}}};
    for (const auto& [length, hop] : windows)
        for (const int kind : {0, 1, 2, 3}) {
            const ModelFile file = every_op(3, {.length = length, .hop = hop, .output_kind = kind}).file();
            Engine engine(file), pieces(file);
            const std::string expected = run(engine, x, 200);
            const auto n = std::size_t((200 - length) / hop + 1);
            check(expected.size() == n * std::size_t(engine.layout().size), "the number of windows");
            check(run(pieces, x, 3) == expected,
                  "windows of " + std::to_string(length) + " every " + std::to_string(hop));
        }
}

void test_refusals() {
    Engine engine(every_op(2).file());
    const auto x = samples(2, 40, 7);
    std::vector<double> stamps(40);
    for (std::size_t i = 0; i < 40; ++i) stamps[i] = 0.01 * double(i);
    std::vector<double> records(std::size_t(40 * engine.layout().size));
    const Samples chunk{x.data(), Dtype::f64, 8, 16};
    const auto push = [&](const double* given, index room) {
        return engine.push(chunk, 40, given, records.data(), room);
    };

    PushResult r = push(nullptr, 1);
    check(r.error == PushError::out_too_small && r.at == 6, "too little room");
    stamps[30] = 0.29;
    r = push(stamps.data(), 40);
    check(r.error == PushError::stamps_backward && r.at == 30, "a stamp that does not rise");
    stamps[30] = std::nan("");
    r = push(stamps.data(), 40);
    check(r.error == PushError::stamps_not_finite && r.at == 30, "a stamp that is no number");
    check(engine.counters().samples == 0, "nothing was taken");
    stamps[30] = 0.3;
    check(push(stamps.data(), 40).n == 3, "the chunk, mended");
    check(push(nullptr, 40).error == PushError::stamps_changed, "stamps that stop");
    check(engine.push(chunk, 0, nullptr, nullptr, 0).error == PushError::none, "an empty chunk does nothing");
    check(engine.flush(nullptr, 0).error == PushError::none, "nothing is withheld");

    Engine fresh(every_op(2).file());
    fresh.push(chunk, 40, stamps.data(), records.data(), 40);
    check(std::memcmp(&fresh.counters(), &engine.counters(), sizeof(Counters)) == 0, "refusals leave no trace");
}

// However wild the stamps, no number of missing samples is negative: the line may even run backward.
void test_stamp_line() {
    const double inf = std::numeric_limits<double>::infinity();
    for (const double dt : {0.01, 1e-300, 0.0, -0.01, 1e300, inf, -inf}) {
        StampLine line;
        line.dt = dt;
        index missing = -1;
        check(line.step(5, 0, missing) && missing == 0, "the first stamp");
        for (const double stamp : {5 + 1e-15, 5.05, 6.0, 1e10, 1e300}) {
            check(line.step(stamp, 0, missing) && missing >= 0 && missing <= index(1e15), "missing samples");
            check(!line.step(stamp, 0, missing) && !line.step(inf, 0, missing), "stamps that do not rise");
        }
    }
}

}  // namespace
}  // namespace test

int main() {
    test::test_layouts();
    test::test_faults();
    test::test_windows();
    test::test_refusals();
    test::test_stamp_line();
    return test::report();
}
