// The C ABI: what it answers to callers who get things wrong, and that its predictions are the engine's.
#include "../../csrc/fastemo/fastemo.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../../csrc/fastemo/fastemo.hpp"
#include "test.hpp"

namespace test {
namespace {

struct Opened {
    explicit Opened(const Model& model) {
        const std::string bytes = model.bytes();
        char message[200];
        check(fastemo_open_memory(bytes.data(), bytes.size(), &engine, message, sizeof message) == FASTEMO_OK, message);
        check(fastemo_prediction_layout(engine, &layout) == FASTEMO_OK, "layout");
    }
    ~Opened() { fastemo_close(engine); }
    Opened(const Opened&) = delete;

    std::string error() const { return fastemo_last_error(engine); }

    fastemo_engine* engine = nullptr;
    fastemo_layout layout = sized<fastemo_layout>();
};

fastemo_chunk chunk_of(const std::vector<double>& x, index n_channels, const double* stamps = nullptr) {
    return {sizeof(fastemo_chunk), x.data(), 0, std::int64_t(x.size()) / n_channels, 8, 8 * n_channels, stamps};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

void test_open() {
    fastemo_engine* engine = reinterpret_cast<fastemo_engine*>(8);
    char message[64] = "unchanged";
    check(fastemo_open_file("/there/is/no.fastemo", &engine, message, sizeof message) == FASTEMO_ERROR_MODEL,
          "no such file");
    check(!engine && contains(message, "there is no such file"), message);
    check(fastemo_open_file(nullptr, &engine, message, sizeof message) == FASTEMO_ERROR_ARGUMENT, "no path");
    check(contains(message, "path is NULL"), message);
    check(fastemo_open_memory(nullptr, 5, &engine, message, sizeof message) == FASTEMO_ERROR_ARGUMENT, "no bytes");
    check(fastemo_open_memory("abc", 3, nullptr, message, sizeof message) == FASTEMO_ERROR_ARGUMENT,
          "nowhere to put it");
    check(contains(message, "engine is NULL"), message);
    check(fastemo_open_memory("abc", 3, &engine, nullptr, 0) == FASTEMO_ERROR_MODEL, "no room for a message");
    check(fastemo_open_memory("abc", 3, &engine, message, 0) == FASTEMO_ERROR_MODEL, "room 0");
    for (const std::size_t room : {1, 2, 10}) {
        const auto exact = std::make_unique<char[]>(room);
        check(fastemo_open_memory("abc", 3, &engine, exact.get(), room) == FASTEMO_ERROR_MODEL, "a short message");
        check(std::strlen(exact.get()) == room - 1, "is cut and terminated");
    }
    check(fastemo_abi_version() == FASTEMO_ABI_VERSION, "version");
}

void test_null() {
    auto layout = sized<fastemo_layout>();
    auto latency = sized<fastemo_latency>();
    auto counters = sized<fastemo_counters>();
    auto chunk = sized<fastemo_chunk>();
    fastemo_close(nullptr);
    fastemo_reset(nullptr);
    check(fastemo_n_channels(nullptr) < 0 && fastemo_n_outputs(nullptr) < 0 && fastemo_n_labels(nullptr) < 0,
          "numbers of NULL");
    check(fastemo_sfreq(nullptr) == 0 && !fastemo_unit(nullptr), "sfreq and unit of NULL");
    check(!fastemo_ch_name(nullptr, 0) && !fastemo_label(nullptr, 0) && !fastemo_stage_name(nullptr, 0),
          "names of NULL");
    check(fastemo_prediction_layout(nullptr, &layout) == FASTEMO_ERROR_ARGUMENT, "layout of NULL");
    check(fastemo_max_predictions(nullptr, 1) == FASTEMO_ERROR_ARGUMENT, "max_predictions of NULL");
    check(fastemo_push(nullptr, &chunk, nullptr, 0) == FASTEMO_ERROR_ARGUMENT, "push to NULL");
    check(fastemo_flush(nullptr, nullptr, 0) == FASTEMO_ERROR_ARGUMENT, "flush of NULL");
    check(fastemo_get_counters(nullptr, &counters) == FASTEMO_ERROR_ARGUMENT, "counters of NULL");
    check(fastemo_stage_latency(nullptr, 0, &latency) == FASTEMO_ERROR_ARGUMENT, "latency of NULL");
    check(contains(fastemo_last_error(nullptr), "NULL"), "error of NULL");
}

void test_description() {
    const Opened e(every_op(3));
    check(fastemo_n_channels(e.engine) == 3 && fastemo_n_outputs(e.engine) == 3 && fastemo_n_labels(e.engine) == 3,
          "numbers");
    check(fastemo_sfreq(e.engine) == 100 && std::string(fastemo_unit(e.engine)) == "uV", "sfreq and unit");
    check(std::string(fastemo_ch_name(e.engine, 2)) == "ch2" && std::string(fastemo_label(e.engine, 1)) == "joy",
          "names");
    for (const int i : {-1, 3, 1 << 30, -(1 << 30)})
        check(!fastemo_ch_name(e.engine, i) && !fastemo_label(e.engine, i), "names out of range");
    check(std::string(fastemo_last_error(e.engine)).empty(), "no error yet");

    std::vector<std::string> stages;
    for (int i = 0; fastemo_stage_name(e.engine, i); ++i) stages.push_back(fastemo_stage_name(e.engine, i));
    check(stages.front() == "input" && stages[2] == "00.reference" && stages.back() == "push", "stages");
    auto latency = sized<fastemo_latency>();
    check(fastemo_stage_latency(e.engine, int(stages.size()) - 1, &latency) == FASTEMO_OK && latency.count == 0,
          "latency");
    check(fastemo_stage_latency(e.engine, int(stages.size()), &latency) == FASTEMO_ERROR_ARGUMENT, "no such stage");
    check(fastemo_stage_latency(e.engine, -1, &latency) == FASTEMO_ERROR_ARGUMENT && contains(e.error(), "stage -1"),
          "stage -1");
}

// Callers of an older or newer version have smaller or larger structs.
void test_sized_structs() {
    const Opened e(every_op(3));
    for (const std::size_t size : {std::size_t(0), sizeof(std::size_t) - 1, std::size_t(1) << 20}) {
        auto counters = sized<fastemo_counters>();
        counters.size = size;
        check(fastemo_get_counters(e.engine, &counters) == FASTEMO_ERROR_ARGUMENT, "a size that cannot be");
        check(contains(e.error(), "set it to sizeof"), e.error());
    }
    Exact<std::int64_t> older(3), newer(20);
    older.data[0] = 24, newer.data[0] = 160, newer.data[19] = 77;
    check(fastemo_get_counters(e.engine, reinterpret_cast<fastemo_counters*>(older.data.get())) == FASTEMO_OK,
          "an older struct");
    check(older.data[0] == 24 && older.data[1] == 0, "keeps its size");
    check(fastemo_get_counters(e.engine, reinterpret_cast<fastemo_counters*>(newer.data.get())) == FASTEMO_OK,
          "a newer struct");
    check(newer.data[0] == 160 && newer.data[7] == 0 && newer.data[19] == 77, "keeps its rest");
    check(fastemo_get_counters(e.engine, nullptr) == FASTEMO_ERROR_ARGUMENT, "no struct");
    check(fastemo_prediction_layout(e.engine, nullptr) == FASTEMO_ERROR_ARGUMENT, "no struct");
    check(fastemo_stage_latency(e.engine, 0, nullptr) == FASTEMO_ERROR_ARGUMENT, "no struct");
}

void test_push() {
    const Opened e(every_op(3));
    const auto x = random_values(3 * 60, 8, 10);
    const std::int64_t room = fastemo_max_predictions(e.engine, 60);
    check(room >= 6 && fastemo_max_predictions(e.engine, 0) == 0, "room");
    check(fastemo_max_predictions(e.engine, -1) == FASTEMO_ERROR_ARGUMENT, "room for -1 samples");
    check(fastemo_max_predictions(e.engine, std::numeric_limits<std::int64_t>::max()) > 0,
          "room for all samples there are");
    Exact<double> records(std::size_t(room * e.layout.record_size / 8));
    void* const out = records.data.get();

    const auto refused = [&](fastemo_chunk chunk, void* to, std::int64_t n, std::int64_t status, const char* why) {
        const std::int64_t got = fastemo_push(e.engine, &chunk, to, n);
        check(got == status && contains(e.error(), why),
              "push: " + std::to_string(got) + " " + e.error() + ", expected " + why);
    };
    const fastemo_chunk good = chunk_of(x, 3);
    const auto changed = [&](auto change) {
        fastemo_chunk c = good;
        change(c);
        return c;
    };
    const std::int64_t argument = FASTEMO_ERROR_ARGUMENT;
    check(fastemo_push(e.engine, nullptr, out, room) == argument && contains(e.error(), "chunk is NULL"), e.error());
    refused(changed([](auto& c) { c.size = 8; }), out, room, argument, "chunk->size is 8");
    refused(changed([](auto& c) { c.n_samples = -1; }), out, room, argument, "chunk->n_samples is -1");
    refused(changed([](auto& c) { c.n_samples = std::int64_t(1) << 40; }), out, room, argument, "expected 0 to 2^32");
    refused(changed([](auto& c) { c.data = nullptr; }), out, room, argument, "chunk->data is NULL");
    refused(changed([](auto& c) { c.data = static_cast<const char*>(c.data) + 4; }), out, room, argument,
            "multiples of the item size");
    refused(changed([](auto& c) { c.channel_stride = 12; }), out, room, argument,
            "multiples of the item size, 8 bytes");
    refused(changed([](auto& c) {
                c.sample_stride = -23;
                c.is_float32 = 1;
            }),
            out, room, argument, "multiples of the item size, 4 bytes");
    refused(good, nullptr, room, argument, "predictions must point to room records");
    refused(good, out, -1, argument, "predictions must point to room records");
    refused(good, static_cast<char*>(out) + 4, room, argument, "aligned to 8 bytes");
    refused(good, out, 0, FASTEMO_ERROR_ROOM, "room for 0 predictions, this chunk may give 9");
    refused(good, nullptr, 0, FASTEMO_ERROR_ROOM, "room for 0 predictions");
    const std::vector<double> still(60, 1.0), none(60, std::nan(""));
    refused(chunk_of(x, 3, still.data()), out, room, FASTEMO_ERROR_STAMPS, "stamps[1] is not later");
    refused(chunk_of(x, 3, none.data()), out, room, FASTEMO_ERROR_STAMPS, "stamps[0] is not finite");

    auto counters = sized<fastemo_counters>();
    fastemo_get_counters(e.engine, &counters);
    check(counters.samples == 0, "nothing was taken");
    check(fastemo_push(e.engine, &good, out, room) == 6, "a good chunk");
    refused(chunk_of(x, 3, still.data()), out, room, FASTEMO_ERROR_STAMPS, "for some chunks only");
    const fastemo_chunk empty = changed([](auto& c) { c.n_samples = 0, c.data = nullptr; });
    check(fastemo_push(e.engine, &empty, nullptr, 0) == 0, "an empty chunk");
    fastemo_get_counters(e.engine, &counters);
    check(counters.samples == 60 && counters.predictions == 6, "counters");
    auto latency = sized<fastemo_latency>();
    check(fastemo_stage_latency(e.engine, 0, &latency) == FASTEMO_OK && latency.count > 0 && latency.max_ns > 0,
          "latency");

    Engine engine(every_op(3).file());
    const std::string expected = run(engine, x, 60);
    check(expected == std::string(static_cast<const char*>(out), expected.size()), "the engine's predictions");

    // Backwards in both directions, through negative strides.
    std::vector<double> turned(x.rbegin(), x.rend());
    fastemo_reset(e.engine);
    const fastemo_chunk reversed =
        changed([&](auto& c) { c.data = &turned.back(), c.channel_stride = -8, c.sample_stride = -24; });
    check(fastemo_push(e.engine, &reversed, out, room) == 6, "negative strides");
    check(expected == std::string(static_cast<const char*>(out), expected.size()), "the same predictions");
}

// What interpolation withholds comes out at the end, in room that max_predictions(0) says.
void test_flush() {
    const Opened e(every_op(3, {.policy = interpolate}));
    std::vector<double> x = random_values(3 * 55, 5, 10);
    x[3 * 54] = x[3 * 53] = std::nan("");
    const std::int64_t room = fastemo_max_predictions(e.engine, 55);
    std::vector<double> records(std::size_t(room * e.layout.record_size / 8));
    const fastemo_chunk chunk = chunk_of(x, 3);
    check(fastemo_push(e.engine, &chunk, records.data(), room) == 5, "the last window waits");
    check(fastemo_flush(e.engine, records.data(), -1) == FASTEMO_ERROR_ARGUMENT, "negative room");
    check(fastemo_flush(e.engine, records.data(), 0) == FASTEMO_ERROR_ROOM, "no room");
    check(contains(e.error(), "room for 0 predictions, what is withheld may give 1"), e.error());
    check(fastemo_max_predictions(e.engine, 0) >= 1, "max_predictions(0)");
    check(fastemo_flush(e.engine, records.data(), fastemo_max_predictions(e.engine, 0)) == 1, "the last window");
    check(fastemo_flush(e.engine, nullptr, 0) == 0, "nothing is left");
}

// The C++ face gives what the records hold, and makes room by itself.
void test_face() {
    const auto path =
        std::filesystem::temp_directory_path() / ("fastemo_" + std::to_string(std::random_device()()) + ".fastemo");
    const std::string bytes = every_op(3).bytes();
    std::ofstream(path, std::ios::binary) << bytes;
    api::Engine made(path.string()), engine(std::move(made));
    std::filesystem::remove(path);
    const auto x = random_values(3 * 60, 8, 10);
    Engine core(every_op(3).file());
    const std::string records = run(core, x, 60);
    const RecordLayout& l = core.layout();
    const auto field = [&](index record, index offset) {
        double value;
        std::memcpy(&value, records.data() + record * l.size + offset, 8);
        return value;
    };
    index n = 0;
    const auto visit = [&](const api::Prediction& p) {
        check(p.index() == 19 + 7 * n && p.stamp() == field(n, 16) && p.time() == field(n, 8), "index, stamp, time");
        check(std::memcmp(p.outputs(), records.data() + n * l.size + l.outputs, 24) == 0, "outputs");
        check(p.quality() == field(n, l.quality) && p.channel_quality()[2] == field(n, l.channel_quality + 16),
              "quality");
        check(p.valence() == field(n, l.vad) && p.arousal() == field(n, l.vad + 8) && std::isnan(p.dominance()),
              "valence");
        check(p.class_index() >= 0 && p.class_index() < 3 && p.valid() == (n >= 5) && !p.abstained(),
              "class and flags");
        ++n;
    };
    engine.push(x.data(), 30, nullptr, visit);
    engine.push(x.data() + 90, 30, nullptr, visit);
    check(n == 6 && engine.label(0) == "calm" && engine.label(7).empty(), "six predictions");
    try {
        api::Engine("/there/is/no.fastemo");
        check(false, "a missing file was opened");
    } catch (const api::Error& e) {
        check(contains(e.what(), "there is no such file"), e.what());
    }
}

// The vectors of a model are run as it is opened.
void test_selftest() {
    Model model = every_op(3);
    const auto x = random_values(3 * 60, 4, 10);
    std::vector<double> outputs;
    {
        const Opened e(model);
        const fastemo_chunk chunk = chunk_of(x, 3);
        std::vector<char> records(std::size_t(fastemo_max_predictions(e.engine, 60) * e.layout.record_size));
        const std::int64_t n = fastemo_push(e.engine, &chunk, records.data(), fastemo_max_predictions(e.engine, 60));
        check(n >= 5, "predictions");
        for (std::int64_t i = 0; i < n; ++i)
            for (int k = 0; k < 3; ++k) {
                double value;
                std::memcpy(&value, records.data() + i * e.layout.record_size + e.layout.outputs + 8 * k, 8);
                outputs.push_back(value);
            }
    }
    const auto opened = [&](const std::vector<double>& expected, const char* target, std::string* text = nullptr) {
        model.f64("selftest.input", {60, 3}, x);
        model.f64("selftest.output", {std::int64_t(expected.size()) / 3, 3}, expected);
        model.metadata["selftest_target"] = target;
        const std::string bytes = model.bytes();
        char message[300];
        fastemo_engine* engine = nullptr;
        const std::int32_t status = fastemo_open_memory(bytes.data(), bytes.size(), &engine, message, sizeof message);
        check((status == FASTEMO_OK) == (engine != nullptr), "an engine or an error");
        if (engine) {
            auto counters = sized<fastemo_counters>();
            check(fastemo_get_counters(engine, &counters) == FASTEMO_OK && counters.samples == 0, "begins anew");
        }
        fastemo_close(engine);
        if (text) *text = message;
        return status;
    };
    const char* here = kernels().target;
    check(opened(outputs, here) == FASTEMO_OK, "the same outputs");
    auto other = outputs;
    other.back() = std::nextafter(other.back(), 2.0);
    check(opened(other, "another") == FASTEMO_OK, "rounding of another target");
    std::string text;
    check(opened(other, here, &text) == FASTEMO_ERROR_SELFTEST, "other bits on the same target");
    check(contains(text, "fails its self-test"), text);
    other.back() += 1e-6;
    check(opened(other, "another") == FASTEMO_ERROR_SELFTEST, "other outputs");
    other.resize(other.size() - 3);
    check(opened(other, here) == FASTEMO_ERROR_SELFTEST, "another number of windows");
    model.tensors.erase("selftest.output");
    const std::string bytes = model.bytes();
    fastemo_engine* engine = nullptr;
    check(fastemo_open_memory(bytes.data(), bytes.size(), &engine, nullptr, 0) == FASTEMO_ERROR_MODEL, "half of it");
}

}  // namespace
}  // namespace test

int main() {
    test::test_open();
    test::test_null();
    test::test_description();
    test::test_sized_structs();
    test::test_push();
    test::test_flush();
    test::test_selftest();
    test::test_face();
    return test::report();
}
