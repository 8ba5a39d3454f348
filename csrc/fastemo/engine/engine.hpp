// The engine: a program, running. It alone knows the order of things.
//
//   chunk -> Input (stamps, gaps, missing values) -> blocks of rows -> ops in order -> records
//
// Nothing is allocated, locked or thrown after construction (threads > 1 meet at a mutex), and results depend neither
// on how the samples are cut into chunks nor on the number of threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "input.hpp"
#include "latency.hpp"
#include "pool.hpp"
#include "program.hpp"
#include "quality.hpp"

namespace fastemo {

// Where the fields of one prediction lie (docs/program.md, "Predictions").
struct RecordLayout {
    index n_outputs, n_channels;
    index outputs, vad, quality, channel_quality, class_index, valid, abstained, size;

    RecordLayout(index n_outputs, index n_channels);
};

struct PushResult {
    index n = 0;  // predictions written
    PushError error = PushError::none;
    index at = 0;  // the sample to blame, or the room that `out` must have
};

struct Latency {
    std::uint64_t count;
    double p50_ns, p99_ns, p999_ns, max_ns;
};

class Engine {
public:
    // Throws ModelError, also where the program would take more than `max_bytes` of memory. Functions of the user that
    // the program calls must be given, and outlive the engine.
    explicit Engine(const ModelFile& file, int threads = 1, std::int64_t max_bytes = std::int64_t(1) << 32,
                    const CallFunctions* functions = nullptr);

    // Takes n samples of every channel and writes the predictions that fall due to `out`, which has room for
    // `capacity` records. On an error nothing has changed.
    PushResult push(const Samples& chunk, index n, const double* stamps, void* out, index capacity) noexcept;
    // The samples that are withheld until a gap can be drawn on a line, with their gaps held: as after a stream's end.
    PushResult flush(void* out, index capacity) noexcept;
    // As new, but for the latency histograms.
    void reset() noexcept;
    // Takes over what the ops of the other engine have learnt (weights, means, limits); streams and states stay. False,
    // and nothing has changed, where the other runs another program.
    bool adopt(Engine& other) noexcept;

    const Header& header() const { return program_->header; }
    const RecordLayout& layout() const { return layout_; }
    Bits bits() const { return program_->bits(); }
    index n_channels() const { return program_->input.cols; }
    // Room that is always enough for a chunk of n samples, and room that is enough for this one.
    index max_predictions(index n) const noexcept;
    index room(index n, const double* stamps) const noexcept { return predictions_of(input_.check(n, stamps).rows); }
    index room_to_flush() const noexcept { return predictions_of(input_.n_withheld()); }
    const Counters& counters() const { return input_.counters(); }
    // Stages are input, quality, every op, output and the whole push.
    std::size_t n_stages() const { return histograms_.size(); }
    const char* stage_name(std::size_t stage) const noexcept;
    Latency latency_of(std::size_t stage) const noexcept;
    double estimate_ns(index n) const noexcept {
        return double(n) * ns_per_sample_ + double(n / program_->clock.hop + 1) * ns_per_window_;
    }

private:
    Engine(const ModelFile& file, int threads, const MemoryLimit&, const CallFunctions* functions);
    void make_frames(index n) noexcept;
    index run(void* out) noexcept;
    void process(const Input::Block& block, char*& out) noexcept;
    void apply_gate(const Op& op, const Frame& f) noexcept;
    bool warm(const Frame& f, index w) const noexcept;
    void write(const Frame& f, index w, char* out) noexcept;
    void restart() noexcept;
    index predictions_of(index rows) const noexcept;

    std::unique_ptr<Program> program_;
    Pool pool_;
    Input input_;
    Quality quality_;
    RecordLayout layout_;
    Buffer<unsigned char> usable_, passed_;  // of the windows of a block: for smoothers; by all gates so far
    std::vector<Frame> frames_;              // of the rates
    index position_ = 0;                     // rows since the last reset
    double ns_per_sample_, ns_per_window_;
    int vad_output_[3] = {-1, -1, -1};  // outputs that are valence, arousal, dominance themselves
    TickRate rate_;
    std::vector<Histogram> histograms_;  // of the stages
};

}  // namespace fastemo
