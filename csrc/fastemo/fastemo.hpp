// A small RAII face on fastemo.h, standard library only.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fastemo.h"

namespace fastemo::api {

class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// One prediction in the engine's memory, valid until the next push.
class Prediction {
public:
    Prediction(const char* record, const fastemo_layout& layout) : record_(record), layout_(&layout) {}

    std::int64_t index() const { return read<std::int64_t>(layout_->index); }
    double time() const { return read<double>(layout_->time); }
    double stamp() const { return read<double>(layout_->stamp); }
    const double* outputs() const { return reinterpret_cast<const double*>(record_ + layout_->outputs); }
    double valence() const { return read<double>(layout_->valence); }
    double arousal() const { return read<double>(layout_->arousal); }
    double dominance() const { return read<double>(layout_->dominance); }
    double quality() const { return read<double>(layout_->quality); }
    const double* channel_quality() const {
        return reinterpret_cast<const double*>(record_ + layout_->channel_quality);
    }
    int class_index() const { return read<std::int32_t>(layout_->class_index); }
    bool valid() const { return read<std::uint8_t>(layout_->valid) != 0; }
    bool abstained() const { return read<std::uint8_t>(layout_->abstained) != 0; }

private:
    template <class T>
    T read(std::int64_t offset) const {
        return *reinterpret_cast<const T*>(record_ + offset);
    }
    const char* record_;
    const fastemo_layout* layout_;
};

class Engine {
public:
    explicit Engine(const std::string& path) {
        char message[512];
        if (fastemo_open_file(path.c_str(), &engine_, message, sizeof message) != FASTEMO_OK) throw Error(message);
        layout_.size = sizeof layout_;
        fastemo_prediction_layout(engine_, &layout_);
    }
    ~Engine() { fastemo_close(engine_); }
    Engine(Engine&& other) noexcept
        : engine_(std::exchange(other.engine_, nullptr)), layout_(other.layout_), records_(std::move(other.records_)) {}
    Engine& operator=(Engine&& other) noexcept {
        std::swap(engine_, other.engine_);
        std::swap(layout_, other.layout_);
        std::swap(records_, other.records_);
        return *this;
    }

    int n_channels() const { return fastemo_n_channels(engine_); }
    int n_outputs() const { return fastemo_n_outputs(engine_); }
    double sfreq() const { return fastemo_sfreq(engine_); }
    std::string label(int i) const {
        const char* name = fastemo_label(engine_, i);
        return name ? name : "";
    }
    // Makes room for chunks of up to n samples, so that push allocates nothing.
    void reserve(std::int64_t n) { grow(fastemo_max_predictions(engine_, n)); }

    // n samples of every channel, samples first: x[sample * n_channels + channel]. Calls f(Prediction) for each.
    template <class T, class F>
    void push(const T* x, std::int64_t n, const double* stamps, F&& f) {
        static_assert(sizeof(T) == 4 || sizeof(T) == 8, "float or double");
        fastemo_chunk chunk{sizeof(fastemo_chunk),
                            x,
                            sizeof(T) == 4,
                            n,
                            std::int64_t(sizeof(T)),
                            std::int64_t(sizeof(T)) * n_channels(),
                            stamps};
        std::int64_t count = fastemo_push(engine_, &chunk, records_.data(), room());
        if (count == FASTEMO_ERROR_ROOM) {
            reserve(n);
            count = fastemo_push(engine_, &chunk, records_.data(), room());
        }
        each(count, f);
    }
    // At the end of a stream: what is still withheld to be interpolated, its gaps held.
    template <class F>
    void flush(F&& f) {
        reserve(0);
        each(fastemo_flush(engine_, records_.data(), room()), f);
    }
    void reset() { fastemo_reset(engine_); }

private:
    template <class F>
    void each(std::int64_t count, F&& f) {
        if (count < 0) throw Error(fastemo_last_error(engine_));
        const char* record = reinterpret_cast<const char*>(records_.data());
        for (std::int64_t i = 0; i < count; ++i) f(Prediction(record + i * layout_.record_size, layout_));
    }
    std::int64_t room() const { return std::int64_t(records_.size()) * 8 / layout_.record_size; }
    void grow(std::int64_t n) {
        if (n > room()) records_.resize(std::size_t(n * layout_.record_size / 8));
    }

    fastemo_engine* engine_ = nullptr;
    fastemo_layout layout_{};
    std::vector<double> records_;  // doubles for their alignment
};

}  // namespace fastemo::api
