#include "engine.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "../base/denormal.hpp"
#include "../ops/adaptable.hpp"

namespace fastemo {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class T>
void put(char* record, index offset, T value) noexcept {
    std::memcpy(record + offset, &value, sizeof value);
}

// Records a stretch of work in a histogram.
class Stopwatch {
public:
    void lap(Histogram& h) noexcept {
        const std::uint64_t now = ticks();
        h.add(now - last_);
        last_ = now;
    }

private:
    std::uint64_t last_ = ticks();
};

}  // namespace

RecordLayout::RecordLayout(index n_outputs, index n_channels) : n_outputs(n_outputs), n_channels(n_channels) {
    outputs = 3 * 8;  // after index, time, stamp
    vad = outputs + 8 * n_outputs;
    quality = vad + 3 * 8;
    channel_quality = quality + 8;
    class_index = channel_quality + 8 * n_channels;
    valid = class_index + 4;
    abstained = valid + 1;
    size = round_up(abstained + 1, 8);
}

Engine::Engine(const ModelFile& file, int threads, std::int64_t max_bytes, const CallFunctions* functions) try
    : Engine(file, threads, MemoryLimit(max_bytes), functions) {
} catch (const std::bad_alloc&) {
    throw ModelError("the model needs more memory than there is, or more than " + std::to_string(max_bytes >> 20) +
                     " MB");
}

Engine::Engine(const ModelFile& file, int threads, const MemoryLimit&, const CallFunctions* functions)
    : program_(Program::compile(file, threads, functions)), pool_(threads),
      input_(program_->header, program_->input, program_->clock.max_rows), quality_(*program_),
      layout_(program_->n_outputs(), n_channels()), usable_(program_->max_windows()), passed_(program_->max_windows()),
      frames_(std::size_t(program_->rates.count())), ns_per_sample_(program_->ns_per_sample()),
      ns_per_window_(program_->ns_per_window()), histograms_(program_->ops.size() + 4) {
    kernels();  // a wrong FASTEMO_TARGET must fail here, where it can be said
    if (header().output_kind == OutputKind::intensities) {
        const char* names[] = {"valence", "arousal", "dominance"};
        for (int i = 0; i < 3; ++i)
            for (std::size_t k = 0; k < header().labels.size(); ++k)
                if (header().labels[k] == names[i]) vad_output_[i] = int(k);
    }
}

index Engine::predictions_of(index rows) const noexcept {
    const index step = std::min(program_->clock.hop, program_->clock.length);
    // From the beginning on there are never fewer than later in a stretch of as many rows.
    const index samples = program_->rates.samples(program_->window_rate, rows);
    return samples / step + (samples % step != 0);
}

index Engine::max_predictions(index n) const noexcept {
    const Header& h = header();
    const index per_sample = h.gap_policy == GapPolicy::reset ? 1 : 1 + h.max_gap;
    const index withheld = h.gap_policy == GapPolicy::interpolate ? h.max_gap : 0;
    // Cut off where no product leaves 64 bits.
    return predictions_of(std::min(std::min(n, index(1) << 32) * per_sample + withheld, index(1) << 48));
}

PushResult Engine::push(const Samples& chunk, index n, const double* stamps, void* out, index capacity) noexcept {
    if (n == 0) return {};
    const Input::Check check = input_.check(n, stamps);
    if (check.error != PushError::none) return {0, check.error, check.at};
    const index room = predictions_of(check.rows);
    if (capacity < room) return {0, PushError::out_too_small, room};

    input_.begin(chunk, n, stamps);
    return {run(out)};
}

PushResult Engine::flush(void* out, index capacity) noexcept {
    if (input_.n_withheld() == 0) return {};
    if (capacity < room_to_flush()) return {0, PushError::out_too_small, room_to_flush()};
    input_.begin_flush();
    return {run(out)};
}

// All that the input has begun to give; how many predictions come of it.
index Engine::run(void* out) noexcept {
    const DenormalScope no_denormals;
    Stopwatch whole;
    char* at = static_cast<char*>(out);
    for (Input::Block block; !block.last;) {
        Stopwatch watch;
        block = input_.next(pool_);
        watch.lap(histograms_[0]);
        if (block.reset_before) restart();
        if (block.n > 0) process(block, at);
    }
    const index n = (at - static_cast<char*>(out)) / layout_.size;
    input_.counters().predictions += n;
    whole.lap(histograms_.back());
    return n;
}

void Engine::make_frames(index n) noexcept {
    const Clock& clock = program_->clock;
    for (int rate = 0; rate < program_->rates.count(); ++rate) {
        const index start = program_->rates.samples(rate, position_);
        frames_[rate] = {program_->rates.samples(rate, position_ + n) - start, start, 0, 0, usable_.data()};
    }
    // Windows end at length, length + hop, ... rows.
    Frame& f = frames_[program_->window_rate];
    const index next =
        f.start < clock.length ? clock.length : f.start + clock.hop - (f.start - clock.length) % clock.hop;
    if (next <= f.start + f.n) {
        f.first_end = next - f.start;
        f.n_windows = (f.n - f.first_end) / clock.hop + 1;
    }
}

void Engine::process(const Input::Block& block, char*& out) noexcept {
    make_frames(block.n);
    const Frame& f = frames_[program_->window_rate];
    Stopwatch watch;
    quality_.process(frames_[0], f, block.substituted ? input_.marks() : nullptr);
    for (index w = 0; w < f.n_windows; ++w) usable_[w] = warm(f, w) && quality_.overall(w) >= header().minimum;
    std::fill_n(passed_.data(), f.n_windows, 1);
    watch.lap(histograms_[1]);
    Histogram* histogram = &histograms_[2];
    for (const auto& op : program_->ops) {
        const Frame& own = frames_[op->rate];
        if (op->per_window ? f.n_windows > 0 : own.n > 0) {
            const double ns = op->ns_per_sample * double(own.n) + op->ns_per_window * double(f.n_windows);
            pool_.run(op->parts(), ns, [&](index p0, index p1) { op->process(own, p0, p1); });
            op->finish(own);
            if (op->gates) apply_gate(*op, f);
            watch.lap(*histogram);
        }
        ++histogram;
    }
    if (f.n_windows > 0) {
        for (index w = 0; w < f.n_windows; ++w, out += layout_.size) write(f, w, out);
        watch.lap(*histogram);
    }
    position_ += block.n;
}

void Engine::apply_gate(const Op& op, const Frame& f) noexcept {
    const Rates& rates = program_->rates;
    const int rate = program_->window_rate;
    for (index w = 0; w < f.n_windows; ++w) {
        const index end = f.start + program_->clock.window_end(f, w), begin = end - program_->clock.length;
        if (op.passes(w, rates.needed(rate, begin), rates.needed(rate, end))) continue;
        passed_[w] = usable_[w] = 0;
    }
}

// Whether all of a window is behind the samples in which filters fill.
bool Engine::warm(const Frame& f, index w) const noexcept {
    const index begin = f.start + program_->clock.window_end(f, w) - program_->clock.length;
    return program_->rates.newest(program_->window_rate, begin) >= header().warmup;
}

void Engine::write(const Frame& f, index w, char* out) noexcept {
    const Header& h = header();
    const Rates& rates = program_->rates;
    const int rate = program_->window_rate;
    const index newest = f.start + program_->clock.window_end(f, w) - 1, row = rates.newest(rate, newest) - position_;
    const double stamp = input_.stamp(row), overall = quality_.overall(w);
    const bool good = overall >= h.minimum, abstained = !good || !passed_[w];
    const double quality = good && abstained ? 0.0 : overall;
    const double centre = double(program_->clock.length - 1) / 2 * rates.period(rate) - rates.beyond(rate, newest);
    std::memset(out, 0, std::size_t(layout_.size));
    put(out, 0, std::int64_t(input_.number(row)));
    put(out, 8, stamp - centre / h.sfreq - h.delay);
    put(out, 16, stamp);

    const Slot& slot = *program_->output;
    double* outputs = reinterpret_cast<double*>(out + layout_.outputs);
    if (abstained)
        std::fill_n(outputs, layout_.n_outputs, kNaN);
    else
        for (index r = 0; r < slot.rows; ++r)
            std::memcpy(outputs + r * slot.cols, slot.row(w) + r * slot.col_stride(),
                        sizeof(double) * std::size_t(slot.cols));

    double vad[3] = {kNaN, kNaN, kNaN};
    if (!abstained && (h.output_kind == OutputKind::classes || h.output_kind == OutputKind::labels)) {
        double total = 0;
        for (index k = 0; k < layout_.n_outputs; ++k) total += outputs[k];
        for (int i = 0; i < 3; ++i) {
            double sum = 0;
            for (index k = 0; k < layout_.n_outputs; ++k)
                sum += outputs[k] * h.vad[std::size_t(i * layout_.n_outputs + k)];
            if (!std::isnan(sum)) vad[i] = sum / std::max(1.0, total);
        }
    }
    if (!abstained && h.output_kind == OutputKind::intensities)
        for (int i = 0; i < 3; ++i)
            if (vad_output_[i] >= 0) vad[i] = outputs[vad_output_[i]];
    std::memcpy(out + layout_.vad, vad, sizeof vad);

    put(out, layout_.quality, quality);
    std::memcpy(out + layout_.channel_quality, quality_.scores(w), sizeof(double) * std::size_t(layout_.n_channels));
    // Samples near the largest double overflow in squares and sums: there is no answer then.
    const bool answered =
        !abstained && std::all_of(outputs, outputs + layout_.n_outputs, [](double y) { return std::isfinite(y); });
    std::int32_t best = -1;
    if (answered && h.output_kind == OutputKind::classes)
        best = std::int32_t(std::max_element(outputs, outputs + layout_.n_outputs) - outputs);
    put(out, layout_.class_index, best);
    put(out, layout_.valid, static_cast<unsigned char>(warm(f, w) && answered && quality_.measured(w)));
    put(out, layout_.abstained, static_cast<unsigned char>(abstained));
}

void Engine::restart() noexcept {
    quality_.reset();
    for (const auto& op : program_->ops) op->reset();
    position_ = 0;
}

void Engine::reset() noexcept {
    restart();
    input_.reset();
}

bool Engine::adopt(Engine& other) noexcept {
    auto &own = program_->ops, &given = other.program_->ops;
    if (program_->names != other.program_->names || n_channels() != other.n_channels()) return false;
    for (std::size_t i = 0; i < own.size(); ++i) {
        const Slot &a = own[i]->out, &b = given[i]->out;
        if (a.kind != b.kind || a.rows != b.rows || a.cols != b.cols) return false;
        const auto* adaptable = dynamic_cast<const Adaptable*>(own[i].get());
        if (adaptable && !adaptable->fits(*given[i])) return false;
    }
    for (std::size_t i = 0; i < own.size(); ++i)
        if (auto* adaptable = dynamic_cast<Adaptable*>(own[i].get())) adaptable->exchange(*given[i]);
    return true;
}

const char* Engine::stage_name(std::size_t stage) const noexcept {
    const auto& ops = program_->names;
    if (stage == 0) return "input";
    if (stage == 1) return "quality";
    if (stage < ops.size() + 2) return ops[stage - 2].c_str();
    return stage == ops.size() + 2 ? "output" : "push";
}

Latency Engine::latency_of(std::size_t stage) const noexcept {
    const double ns = rate_.ns_per_tick();
    const Histogram& h = histograms_[stage];
    return {h.count(), h.quantile(.5) * ns, h.quantile(.99) * ns, h.quantile(.999) * ns, double(h.max()) * ns};
}

}  // namespace fastemo
