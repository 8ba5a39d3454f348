#include "program.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastemo {

namespace {

constexpr std::int64_t kMaxSamples = std::int64_t(1) << 27;
constexpr index kMaxChannels = 1 << 16;

std::int64_t bounded(const ModelFile& file, const char* name, std::int64_t low, std::int64_t high) {
    const std::int64_t value = file.i64(name);
    if (value < low || value > high)
        throw ModelError(std::string(name) + " is " + std::to_string(value) + ", expected " + std::to_string(low) +
                         " to " + std::to_string(high));
    return value;
}

double positive(const ModelFile& file, const char* name, bool zero_allowed = false) {
    const double value = file.f64(name, ModelFile::Values::all);
    if (!(value > 0 || (zero_allowed && value == 0)))
        throw ModelError(std::string(name) + " is " + std::to_string(value) + ", expected a positive number");
    return value;
}

// "03.sos.coef" -> number, kind, parameter.
struct OpName {
    std::size_t number;
    std::string prefix, kind;
};

bool parse_op_name(const std::string& name, OpName& out) {
    const auto dot = name.find('.');
    if (dot == std::string::npos || dot < 2 || dot > 6) return false;
    std::size_t number = 0;
    for (std::size_t i = 0; i < dot; ++i) {
        if (name[i] < '0' || name[i] > '9') return false;
        number = number * 10 + std::size_t(name[i] - '0');
    }
    const auto next = name.find('.', dot + 1);
    if (next == std::string::npos)
        throw ModelError("tensor " + shown(name) + " belongs to an op but names no parameter");
    out = {number, name.substr(0, next + 1), name.substr(dot + 1, next - dot - 1)};
    return true;
}

std::vector<OpName> op_names(const ModelFile& file) {
    std::vector<OpName> found;
    for (const auto& [name, tensor] : file.tensors()) {
        OpName op;
        if (!parse_op_name(name, op)) continue;
        if (op.number > 9999) throw ModelError("tensor " + shown(name) + ": more than 10000 ops");
        if (op.number >= found.size()) found.resize(op.number + 1);
        OpName& known = found[op.number];
        if (!known.prefix.empty() && known.prefix != op.prefix)
            throw ModelError("op " + std::to_string(op.number) + " is both " + shown(known.prefix) + " and " +
                             shown(op.prefix));
        known = op;
    }
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i].prefix.empty()) throw ModelError("op " + std::to_string(i) + " is missing from the file");
    return found;
}

// How many times the input's rate the fastest signal has; ops that cannot be are refused elsewhere.
double most_raised(const ModelFile& file, const std::vector<OpName>& names) {
    std::vector<double> ratios{1};
    for (const OpName& name : names) {
        double ratio = 1;
        for (const std::int64_t slot : file.i64_array(name.prefix + "in", {ModelFile::any}))
            if (slot >= 0 && std::size_t(slot) < ratios.size()) ratio = ratios[std::size_t(slot)];
        if (name.kind == "resample") {
            const double up = double(file.i64(name.prefix + "up")), down = double(file.i64(name.prefix + "down"));
            if (up > 0 && down > 0) ratio *= up / down;
        }
        ratios.push_back(ratio);
    }
    return *std::max_element(ratios.begin(), ratios.end());
}

}  // namespace

Header Header::read(const ModelFile& file) {
    Header h;
    h.sfreq = file.number("sfreq");
    if (!(h.sfreq > 0 && h.sfreq <= 1e9))
        throw ModelError("sfreq is " + std::to_string(h.sfreq) + ", expected 0 to 1e9 Hz");
    h.unit = file.text("unit");
    h.ch_names = file.lines("ch_names");
    h.labels = file.lines("labels");
    if (h.ch_names.empty() || index(h.ch_names.size()) > kMaxChannels)
        throw ModelError("ch_names holds " + std::to_string(h.ch_names.size()) + " names, expected 1 to " +
                         std::to_string(kMaxChannels));
    h.scale = file.f64("input.scale");
    h.gap_policy = GapPolicy(bounded(file, "input.gap_policy", 0, 2));
    h.max_gap = index(bounded(file, "input.max_gap", 1, kMaxSamples));
    h.gap_tolerance = positive(file, "input.gap_tolerance", true);
    h.drop_backward = bounded(file, "input.on_backward", 0, 1) == 1;
    h.flat = index(bounded(file, "quality.flat", 2, std::numeric_limits<std::int64_t>::max()));
    h.rail = positive(file, "quality.rail");
    h.step = positive(file, "quality.step");
    h.noisy = positive(file, "quality.noisy", true);
    h.minimum = file.f64("quality.minimum");
    h.warmup = index(bounded(file, "time.warmup", 0, std::int64_t(1) << 40));
    h.delay = file.f64("time.delay");
    h.output_kind = OutputKind(bounded(file, "output.kind", 0, 3));
    if (h.output_kind != OutputKind::features) {
        const auto vad = file.f64_array("output.vad", {3, index(h.labels.size())}, ModelFile::Values::all);
        h.vad.assign(vad.begin(), vad.end());
    }
    return h;
}

std::unique_ptr<Program> Program::compile(const ModelFile& file, int threads, const CallFunctions* functions) {
    auto p = std::make_unique<Program>();
    p->header = Header::read(file);
    Clock& clock = p->clock;
    clock.length = index(bounded(file, "window.length", 1, kMaxSamples));
    clock.hop = index(bounded(file, "window.hop", 1, kMaxSamples));
    // One thread works in L2; several need blocks long enough to pay for their meeting.
    clock.max_rows = threads > 1 ? 2048 : 128;
    // Where the rate is raised, these are the rows of the fastest signal.
    const auto names = op_names(file);
    const double raised = std::min(most_raised(file, names), Rates::kMostRaised);
    clock.max_rows = index(double(std::min(clock.max_rows, 64 * clock.hop)) / raised);
    clock.max_rows = std::max<index>(clock.max_rows, 1);
    clock.max_windows = clock.max_rows / clock.hop + 1;

    const index n_channels = index(p->header.ch_names.size());
    p->input = Slot::make(Slot::signal, 1, n_channels, clock.max_rows);
    p->input.rate = 0;
    if (file.find("quality.ratio") || file.find("quality.coef") || file.find("quality.zi")) {
        const auto limits = file.f64_array("quality.ratio", {ModelFile::any});
        p->check_limits.assign(limits.begin(), limits.end());
        for (const double limit : limits)
            if (!(limit > 0)) throw ModelError("quality.ratio holds " + std::to_string(limit) + ", expected above 0");
        p->checks = make_bank_power(OpInit(file, "quality.", {&p->input}, clock, p->rates));
        if (limits.empty() || p->checks->out.rows != index(limits.size()) + 1)
            throw ModelError("quality.coef has " + std::to_string(p->checks->out.rows) + " bands for " +
                             std::to_string(limits.size()) + " ratios, expected one more than those");
    }
    if (names.empty()) throw ModelError("the program has no ops");
    for (const OpName& name : names) {
        std::vector<const Slot*> inputs;
        for (const std::int64_t slot : file.i64_array(name.prefix + "in", {ModelFile::any})) {
            if (slot < 0 || std::size_t(slot) > p->ops.size())
                throw ModelError("op " + shown(name.prefix + "in") + " reads slot " + std::to_string(slot) +
                                 ", which is not written before it");
            inputs.push_back(slot == 0 ? &p->input : &p->ops[std::size_t(slot) - 1]->out);
        }
        p->names.push_back(name.prefix.substr(0, name.prefix.size() - 1));
        const Clock own = p->clock_of(inputs);
        const OpInit init(file, name.prefix, std::move(inputs), own, p->rates, functions);
        p->ops.push_back(make_op(name.kind, init));
        p->set_rate(init);
    }
    if (p->checks && p->window_rate != 0)
        throw ModelError(
            "quality.ratio checks the input window by window, which cannot be where windows are resampled");
    p->output = &p->ops.back()->out;
    if (p->output->kind != Slot::vector) throw ModelError("the last op gives no vector of features or scores");
    if (p->header.output_kind != OutputKind::features && p->n_outputs() != index(p->header.labels.size()))
        throw ModelError("the program has " + std::to_string(p->n_outputs()) + " outputs, but labels names " +
                         std::to_string(p->header.labels.size()));
    return p;
}

// Of what reads these: the rows of a block at the rate of a signal, or the windows that end in it.
Clock Program::clock_of(const std::vector<const Slot*>& inputs) const {
    int rate = window_rate;
    for (const Slot* input : inputs)
        if (input->kind == Slot::signal) rate = input->rate;
    Clock own = clock;
    own.max_rows = rates.most(rate, clock.max_rows);
    own.max_windows = own.max_rows / own.hop + 1;
    return own;
}

// Signals have the rate of what they come of, unless their op changes it; all windows are cut at one rate.
void Program::set_rate(const OpInit& init) {
    Op& op = *ops.back();
    op.rate = window_rate;
    for (const Slot* input : init.inputs) {
        if (input->kind != Slot::signal) continue;
        if (op.out.kind == Slot::signal || !windowed_) op.rate = input->rate;
        if (op.rate != input->rate) init.fail("reads a signal of another sampling rate than the windows before it");
    }
    if (op.out.kind == Slot::signal)
        op.out.rate = op.out.rate < 0 ? op.rate : op.out.rate;
    else if (!windowed_)
        windowed_ = true, window_rate = op.rate;
}

double Program::ns_per_sample() const {
    double sum = 0.3 * double(input.stride) + (checks ? checks->ns_per_sample : 0);
    for (const auto& op : ops) sum += op->ns_per_sample;
    return sum;
}

double Program::ns_per_window() const {
    double sum = 0;
    for (const auto& op : ops) sum += op->ns_per_window;
    return sum;
}

Bits Program::bits() const {
    Bits least = Bits::everywhere;
    for (const auto& op : ops) least = std::max(least, op->bits);
    return least;
}

}  // namespace fastemo
