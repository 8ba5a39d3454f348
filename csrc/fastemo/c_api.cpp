// The C ABI over the engine: checks pointers and sizes, translates errors, and nothing else.
#include "fastemo.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>

#include "engine/engine.hpp"
#include "engine/selftest.hpp"

using namespace fastemo;

struct fastemo_engine {
    explicit fastemo_engine(const ModelFile& file) : engine(file) {}

    Engine engine;
    mutable char error[256] = "";

    std::int32_t fail(std::int32_t status, const char* format, ...) const {
        va_list args;
        va_start(args, format);
        std::vsnprintf(error, sizeof error, format, args);
        va_end(args);
        return status;
    }
};

namespace {

constexpr std::int64_t kMaxSamples = std::int64_t(1) << 32;

template <class Load>
std::int32_t open_with(const char* name, const void* source, Load&& load, fastemo_engine** out, char* message,
                       std::size_t room) noexcept {
    const auto fail = [&](std::int32_t status, const char* format, const char* text) {
        if (message && room) std::snprintf(message, room, format, text);
        return status;
    };
    if (message && room) *message = 0;
    if (!out) return fail(FASTEMO_ERROR_ARGUMENT, "%s is NULL, expected where to put the engine", "engine");
    *out = nullptr;
    if (!source) return fail(FASTEMO_ERROR_ARGUMENT, "%s is NULL", name);
    try {
        const ModelFile file = load();
        self_test(file);
        *out = new fastemo_engine(file);
        return FASTEMO_OK;
    } catch (const std::bad_alloc&) {
        return fail(FASTEMO_ERROR_MEMORY, "%s", "the model needs more memory than there is");
    } catch (const SelfTestError& e) {
        return fail(FASTEMO_ERROR_SELFTEST, "%s", e.what());
    } catch (const std::exception& e) {
        return fail(FASTEMO_ERROR_MODEL, "%s", e.what());
    } catch (...) {
        return fail(FASTEMO_ERROR_MODEL, "%s", "unknown error");
    }
}

// Structs carry their size, so that later versions can add fields: copies what both sides know.
template <class T>
std::int32_t give(const fastemo_engine* e, T value, T* out) noexcept {
    if (!out) return e->fail(FASTEMO_ERROR_ARGUMENT, "the struct to fill is NULL");
    const std::size_t size = out->size;
    if (size < sizeof(std::size_t) || size > 4096)
        return e->fail(FASTEMO_ERROR_ARGUMENT, "the struct's size field is %zu: set it to sizeof the struct", size);
    std::memcpy(out, &value, size < sizeof(T) ? size : sizeof(T));
    out->size = size;
    return FASTEMO_OK;
}

constexpr char kNoRecords[] = "predictions must point to room records, aligned to 8 bytes";

bool are_records(const void* predictions, std::int64_t room) noexcept {
    return room >= 0 && (room == 0 || predictions) && reinterpret_cast<std::uintptr_t>(predictions) % 8 == 0;
}

}  // namespace

extern "C" {

int32_t fastemo_abi_version(void) { return FASTEMO_ABI_VERSION; }

int32_t fastemo_open_file(const char* path, fastemo_engine** engine, char* message, size_t room) {
    return open_with("path", path, [&] { return ModelFile::load(path); }, engine, message, room);
}

int32_t fastemo_open_memory(const void* bytes, size_t n, fastemo_engine** engine, char* message, size_t room) {
    return open_with("bytes", bytes, [&] { return ModelFile::parse(bytes, n); }, engine, message, room);
}

void fastemo_close(fastemo_engine* e) { delete e; }

int32_t fastemo_n_channels(const fastemo_engine* e) {
    return e ? int32_t(e->engine.n_channels()) : FASTEMO_ERROR_ARGUMENT;
}
int32_t fastemo_n_outputs(const fastemo_engine* e) {
    return e ? int32_t(e->engine.layout().n_outputs) : FASTEMO_ERROR_ARGUMENT;
}
int32_t fastemo_n_labels(const fastemo_engine* e) {
    return e ? int32_t(e->engine.header().labels.size()) : FASTEMO_ERROR_ARGUMENT;
}
double fastemo_sfreq(const fastemo_engine* e) { return e ? e->engine.header().sfreq : 0; }
const char* fastemo_unit(const fastemo_engine* e) { return e ? e->engine.header().unit.c_str() : nullptr; }

const char* fastemo_ch_name(const fastemo_engine* e, int32_t i) {
    return e && i >= 0 && i < fastemo_n_channels(e) ? e->engine.header().ch_names[std::size_t(i)].c_str() : nullptr;
}
const char* fastemo_label(const fastemo_engine* e, int32_t i) {
    return e && i >= 0 && i < fastemo_n_labels(e) ? e->engine.header().labels[std::size_t(i)].c_str() : nullptr;
}

int32_t fastemo_prediction_layout(const fastemo_engine* e, fastemo_layout* out) {
    if (!e) return FASTEMO_ERROR_ARGUMENT;
    const RecordLayout& l = e->engine.layout();
    fastemo_layout v{};
    v.record_size = l.size;
    v.n_outputs = l.n_outputs, v.n_channels = l.n_channels;
    v.index = 0, v.time = 8, v.stamp = 16, v.outputs = l.outputs;
    v.valence = l.vad, v.arousal = l.vad + 8, v.dominance = l.vad + 16;
    v.quality = l.quality, v.channel_quality = l.channel_quality;
    v.class_index = l.class_index, v.valid = l.valid, v.abstained = l.abstained;
    return give(e, v, out);
}

int64_t fastemo_max_predictions(const fastemo_engine* e, int64_t n) {
    if (!e || n < 0) return FASTEMO_ERROR_ARGUMENT;
    return e->engine.max_predictions(n);
}

int64_t fastemo_push(fastemo_engine* e, const fastemo_chunk* chunk, void* predictions, int64_t room) {
    if (!e) return FASTEMO_ERROR_ARGUMENT;
    if (!chunk) return e->fail(FASTEMO_ERROR_ARGUMENT, "chunk is NULL");
    if (chunk->size < sizeof(fastemo_chunk))
        return e->fail(FASTEMO_ERROR_ARGUMENT, "chunk->size is %zu: set it to sizeof(fastemo_chunk)", chunk->size);
    if (chunk->n_samples < 0 || chunk->n_samples > kMaxSamples)
        return e->fail(FASTEMO_ERROR_ARGUMENT, "chunk->n_samples is %lld, expected 0 to 2^32",
                       (long long)chunk->n_samples);
    if (chunk->n_samples == 0) return 0;
    if (!chunk->data) return e->fail(FASTEMO_ERROR_ARGUMENT, "chunk->data is NULL");
    if (!are_records(predictions, room)) return e->fail(FASTEMO_ERROR_ARGUMENT, kNoRecords);
    const std::int64_t item = chunk->is_float32 ? 4 : 8;
    if (reinterpret_cast<std::uintptr_t>(chunk->data) % std::uintptr_t(item) || chunk->channel_stride % item ||
        chunk->sample_stride % item)
        return e->fail(FASTEMO_ERROR_ARGUMENT,
                       "chunk->data and its strides must be multiples of the item size, %d bytes", int(item));
    const Samples samples{chunk->data, chunk->is_float32 ? Dtype::f32 : Dtype::f64,
                          fastemo::index(chunk->channel_stride), fastemo::index(chunk->sample_stride)};
    const PushResult r =
        e->engine.push(samples, fastemo::index(chunk->n_samples), chunk->stamps, predictions, fastemo::index(room));
    switch (r.error) {
        case PushError::none: return r.n;
        case PushError::stamps_not_finite:
            return e->fail(FASTEMO_ERROR_STAMPS, "stamps[%lld] is not finite", (long long)r.at);
        case PushError::stamps_backward:
            return e->fail(FASTEMO_ERROR_STAMPS, "stamps[%lld] is not later than the stamp before it", (long long)r.at);
        case PushError::stamps_changed:
            return e->fail(FASTEMO_ERROR_STAMPS,
                           "stamps were given for some chunks only: give them for every chunk or for none");
        case PushError::out_too_small: break;
    }
    return e->fail(FASTEMO_ERROR_ROOM, "room for %lld predictions, this chunk may give %lld", (long long)room,
                   (long long)r.at);
}

int64_t fastemo_flush(fastemo_engine* e, void* predictions, int64_t room) {
    if (!e) return FASTEMO_ERROR_ARGUMENT;
    if (!are_records(predictions, room)) return e->fail(FASTEMO_ERROR_ARGUMENT, kNoRecords);
    const PushResult r = e->engine.flush(predictions, fastemo::index(room));
    if (r.error == PushError::none) return r.n;
    return e->fail(FASTEMO_ERROR_ROOM, "room for %lld predictions, what is withheld may give %lld", (long long)room,
                   (long long)r.at);
}

void fastemo_reset(fastemo_engine* e) {
    if (e) e->engine.reset();
}

int32_t fastemo_get_counters(const fastemo_engine* e, fastemo_counters* out) {
    if (!e) return FASTEMO_ERROR_ARGUMENT;
    const Counters& c = e->engine.counters();
    return give(e, fastemo_counters{0, c.samples, c.filled, c.gaps, c.nans, c.dropped, c.resets, c.predictions}, out);
}

const char* fastemo_stage_name(const fastemo_engine* e, int32_t i) {
    return e && i >= 0 && std::size_t(i) < e->engine.n_stages() ? e->engine.stage_name(std::size_t(i)) : nullptr;
}

int32_t fastemo_stage_latency(const fastemo_engine* e, int32_t i, fastemo_latency* out) {
    if (!e) return FASTEMO_ERROR_ARGUMENT;
    if (i < 0 || std::size_t(i) >= e->engine.n_stages())
        return e->fail(FASTEMO_ERROR_ARGUMENT, "there is no stage %d", int(i));
    const Latency r = e->engine.latency_of(std::size_t(i));
    return give(e, fastemo_latency{0, r.count, r.p50_ns, r.p99_ns, r.p999_ns, r.max_ns}, out);
}

const char* fastemo_last_error(const fastemo_engine* e) { return e ? e->error : "engine is NULL"; }

}  // extern "C"
