// A program, compiled: the header's numbers checked, the ops made and their slots connected.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../ops/op.hpp"

namespace fastemo {

enum class GapPolicy { hold, interpolate, reset };
enum class OutputKind { features, classes, labels, intensities };

struct Header {
    double sfreq;
    std::string unit;
    std::vector<std::string> ch_names, labels;
    double scale;
    GapPolicy gap_policy;
    index max_gap;
    double gap_tolerance;
    bool drop_backward;
    index flat;
    double rail, step, noisy, minimum;
    index warmup;
    double delay;
    OutputKind output_kind;
    std::vector<double> vad;  // [3][K], empty for features

    static Header read(const ModelFile&);
};

struct Program {
    Header header;
    Clock clock;  // its rows are those of the input
    Rates rates;
    int window_rate = 0;  // of the signals that windows are cut from
    Slot input;
    std::unique_ptr<Op> checks;        // powers of bands of the input, the last of which the others are held against
    std::vector<double> check_limits;  // of the ratios; empty without checks
    std::vector<std::string> names;    // of the ops, "03.sos"
    std::vector<std::unique_ptr<Op>> ops;
    const Slot* output;

    // `threads` only sets how many rows a block may have. Throws ModelError.
    static std::unique_ptr<Program> compile(const ModelFile&, int threads, const CallFunctions* functions = nullptr);
    // The most windows that end in a block.
    index max_windows() const { return rates.most(window_rate, clock.max_rows) / clock.hop + 1; }
    index n_outputs() const { return output->size(); }
    double ns_per_sample() const, ns_per_window() const;
    Bits bits() const;  // of all ops together

private:
    void set_rate(const OpInit& init);
    Clock clock_of(const std::vector<const Slot*>& inputs) const;
    bool windowed_ = false;
};

}  // namespace fastemo
