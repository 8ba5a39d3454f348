// What the native tests share: checks that count, and models made in memory.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../../csrc/fastemo/engine/engine.hpp"

namespace test {

using namespace fastemo;
using fastemo::index;  // not the one of <strings.h>

inline std::atomic<int> n_passed = 0, n_failed = 0;

inline void check(bool ok, const std::string& what) {
    ok ? ++n_passed : ++n_failed;
    if (!ok) std::printf("FAILED: %s\n", what.c_str());
}

inline int report() {
    std::printf("%d passed, %d failed\n", n_passed.load(), n_failed.load());
    return n_failed == 0 && n_passed > 0 ? 0 : 1;
}

// The call must throw a ModelError whose text has the fragment.
template <class Call>
void refuses(const std::string& fragment, Call call) {
    try {
        call();
        check(false, "nothing was refused, expected: " + fragment);
    } catch (const fastemo::ModelError& e) {
        check(std::string(e.what()).find(fragment) != std::string::npos, fragment + " <- " + e.what());
    }
}

// A struct of the C ABI that knows its size.
template <class T>
T sized() {
    T value{};
    value.size = sizeof value;
    return value;
}

struct Tensor {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::string bytes;
};

// A model file in the making.
class Model {
public:
    std::map<std::string, Tensor> tensors;
    std::map<std::string, std::string> metadata;

    void f64(const std::string& name, std::vector<std::int64_t> shape, const std::vector<double>& values) {
        put("F64", name, std::move(shape), values);
    }
    void i64(const std::string& name, std::vector<std::int64_t> shape, const std::vector<std::int64_t>& values) {
        put("I64", name, std::move(shape), values);
    }
    void u8(const std::string& name, const std::string& text) {
        put("U8", name, {std::int64_t(text.size())}, std::vector<char>(text.begin(), text.end()));
    }
    void f64(const std::string& name, double value) { f64(name, {1}, {value}); }
    void i64(const std::string& name, std::int64_t value) { i64(name, {1}, {value}); }

    std::string bytes() const {
        std::string header = "{\"__metadata__\":{", data;
        for (const auto& [key, text] : metadata)
            header += (header.back() == '{' ? "" : ",") + quoted(key) + ":" + quoted(text);
        header += "}";
        for (const auto& [name, t] : tensors) {
            header += "," + quoted(name) + ":{\"dtype\":" + quoted(t.dtype) + ",\"shape\":[";
            for (std::size_t i = 0; i < t.shape.size(); ++i) header += (i ? "," : "") + std::to_string(t.shape[i]);
            header += "],\"data_offsets\":[" + std::to_string(data.size()) + ",";
            data += t.bytes;
            header += std::to_string(data.size()) + "]}";
        }
        header += "}";
        std::string out(8, '\0');
        const std::uint64_t size = header.size();
        std::memcpy(out.data(), &size, 8);
        return out + header + data;
    }

    fastemo::ModelFile file() const {
        const std::string all = bytes();
        return fastemo::ModelFile::parse(all.data(), all.size());
    }

private:
    template <class T>
    void put(const char* dtype, const std::string& name, std::vector<std::int64_t> shape,
             const std::vector<T>& values) {
        std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
        tensors[name] = {dtype, std::move(shape), std::move(bytes)};
    }
    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", unsigned(c));
            out += c < ' ' || c == '"' || c == '\\' ? escaped : std::string(1, c);
        }
        return out + "\"";
    }
};

enum Policy { hold, interpolate, reset };

struct Options {
    Policy policy = hold;
    bool drop_backward = false;
    std::int64_t length = 20, hop = 7;
    int output_kind = 1;
    bool with_fft = true;
};

inline std::vector<double> random_values(std::size_t n, unsigned seed, double scale = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal(0, scale);
    std::vector<double> out(n);
    for (double& x : out) x = normal(random);
    return out;
}

// A low-pass, a band-pass-like and a general section; zi as SciPy's sosfilt_zi for one section.
inline const double kSections[3][6] = {
    {0.2, 0.4, 0.2, 1, -0.5, 0.3}, {0.3, 0, -0.3, 1, -0.9, 0.4}, {1.0, -1.2, 0.7, 1, -0.7, 0.2}};

inline void put_sections(Model& m, const std::string& prefix, std::vector<std::int64_t> shape, int n) {
    std::vector<double> coef, zi;
    for (int s = 0; s < n; ++s) {
        const double* q = kSections[s % 3];
        coef.insert(coef.end(), q, q + 6);
        const double gain = (q[0] + q[1] + q[2]) / (1 + q[4] + q[5]);
        zi.insert(zi.end(), {gain - q[0], q[2] - q[5] * gain});
    }
    auto coef_shape = shape, zi_shape = shape;
    coef_shape.push_back(6), zi_shape.push_back(2);
    m.f64(prefix + "coef", coef_shape, coef);
    m.f64(prefix + "zi", zi_shape, zi);
}

// A program with every kind of op.
inline Model every_op(std::int64_t n_channels, const Options& o = {}) {
    Model m;
    std::string names;
    for (std::int64_t c = 0; c < n_channels; ++c) names += (c ? "\n" : "") + ("ch" + std::to_string(c));
    m.metadata = {{"format", "fastemo"},
                  {"format_version", "1"},
                  {"sfreq", "100"},
                  {"unit", "uV"},
                  {"ch_names", names},
                  {"labels", o.output_kind == 0   ? ""
                             : o.output_kind == 3 ? "valence\narousal\nawe"
                                                  : "calm\njoy\nawe"}};
    m.f64("input.scale", 1);
    m.i64("input.gap_policy", o.policy);
    m.i64("input.max_gap", 4);
    m.f64("input.gap_tolerance", 0.015);
    m.i64("input.on_backward", o.drop_backward);
    m.i64("window.length", o.length);
    m.i64("window.hop", o.hop);
    m.i64("quality.flat", 5);
    m.f64("quality.rail", 1e6);
    m.f64("quality.step", 1e3);
    m.f64("quality.noisy", 0.2);
    m.f64("quality.minimum", 0.5);
    put_sections(m, "quality.", {3, 2}, 6);
    m.f64("quality.ratio", {2}, {1e12, 1e12});
    m.i64("time.warmup", 30);
    m.f64("time.delay", 0.01);
    m.i64("output.kind", o.output_kind);
    const double nan = std::nan("");
    if (o.output_kind != 0) m.f64("output.vad", {3, 3}, {-1, 1, 0, 0.5, 0.5, 0, nan, nan, nan});

    int number = 0;
    const auto op = [&](const std::string& kind, const std::vector<std::int64_t>& in) {
        char digits[8];
        std::snprintf(digits, sizeof digits, "%02d.", number++);
        const std::string prefix = digits + kind + ".";
        m.i64(prefix + "in", {std::int64_t(in.size())}, in);
        return prefix;
    };
    const auto last = [&] { return std::int64_t(number); };
    const std::int64_t C = n_channels, n_out = std::max<std::int64_t>(C - 1, 1);

    m.f64(op("reference", {0}) + "weights", {C}, std::vector<double>(std::size_t(C), 0.7 / double(C)));
    m.f64(op("matrix", {last()}) + "coef", {n_out, C}, random_values(std::size_t(n_out * C), 1, 0.3));
    put_sections(m, op("sos", {last()}), {3}, 3);
    const std::string rls = op("rls", {last()});
    m.i64(rls + "keep", {n_out}, [&] {
        std::vector<std::int64_t> all(static_cast<std::size_t>(n_out));
        for (std::int64_t c = 0; c < n_out; ++c) all[static_cast<std::size_t>(c)] = c;
        return all;
    }());
    m.i64(rls + "regressors", {2}, {-1, -2});
    m.f64(rls + "forgetting", 0.99), m.f64(rls + "ridge", 1e-6);
    const std::string running = op("running", {last()});
    m.f64(running + "forgetting", 0.98), m.f64(running + "clip", 3);
    m.i64(running + "start", 20), m.i64(running + "scaled", 0);
    const std::string asr = op("asr", {last()});
    put_sections(m, asr, {2}, 2);
    std::vector<double> square(std::size_t(n_out * n_out), 0.01);
    for (std::int64_t c = 0; c < n_out; ++c) square[std::size_t(c * (n_out + 1))] = 0.5;
    m.f64(asr + "limit", {n_out, n_out}, square), m.f64(asr + "inverse", {n_out, n_out}, square);
    m.i64(asr + "n_blocks", 3), m.i64(asr + "hop", 7), m.i64(asr + "delay", 5);
    m.i64(asr + "most", std::max<std::int64_t>(n_out / 2, 1));
    const std::int64_t filtered = last();
    // Of channels of which none is ever bad.
    const std::string repair = op("repair", {0, 0});
    std::vector<double> identity(std::size_t(C * C), 0.0);
    for (std::int64_t c = 0; c < C; ++c) identity[std::size_t(c * (C + 1))] = 1;
    m.f64(repair + "inverse", {C, C}, identity);
    for (const char* name : {"rail", "step"}) m.f64(repair + name, 1e6);
    for (const char* name : {"noisy", "share"}) m.f64(repair + name, 1);
    m.i64(repair + "most", 1), m.i64(repair + "hop", 3), m.i64(repair + "n_blocks", 4), m.i64(repair + "flat", 5);
    put_sections(m, repair, {2, 1}, 2);
    m.f64(repair + "ratio", {1}, {1e12});
    put_sections(m, op("bank_power", {filtered}), {2, 2}, 4);
    std::vector<std::int64_t> features = {last()};
    m.f64(op("gate", {last()}) + "limit", 1e300);
    if (o.with_fft) {
        op("window", {filtered});
        const std::int64_t window = last();
        const std::string reduce = op("reduce", {window});
        m.u8(reduce + "names", "std\nquantile");
        m.f64(reduce + "params", {2, 1}, {0, 0.3});
        m.i64(reduce + "n_params", {2}, {1, 1});
        features.push_back(last());
        const std::string fft = op("fft_power", {window});
        m.f64(fft + "taper", {o.length}, std::vector<double>(std::size_t(o.length), 0.5));
        const std::int64_t stop = o.length / 2 + 1;
        m.i64(fft + "bins", {2}, {0, stop});
        m.f64(fft + "scale", {stop}, std::vector<double>(std::size_t(stop), 0.1));
        m.i64(fft + "detrend", 1);
        const std::string bands = op("bandsum", {last()});
        m.i64(bands + "edges", {2, 2}, {0, std::max<std::int64_t>(stop / 2, 1), stop / 2, stop});
        m.f64(bands + "weight", {2}, {0.5, 2});
    } else {
        const std::string bands = op("bandsum", {last()});
        m.i64(bands + "edges", {2, 2}, {0, 1, 0, 2});
        m.f64(bands + "weight", {2}, {0.5, 2});
    }
    m.i64(op("relative", {last()}) + "n_rows", 2);
    features.push_back(last());
    op("concat", features);
    const std::string log = op("log", {last()});
    m.f64(log + "gain", 0.5), m.f64(log + "offset", 1.4), m.f64(log + "floor", 1e-4);
    const std::int64_t F = (o.with_fft ? 6 : 4) * n_out;
    const std::string affine = op("affine", {last()});
    m.f64(affine + "shift", {F}, random_values(std::size_t(F), 2));
    m.f64(affine + "scale", {F}, random_values(std::size_t(F), 3));
    m.i64(op("boxcar", {last()}) + "n", 3);
    const std::string linear = op("linear", {last()});
    m.f64(linear + "coef", {3, F}, random_values(std::size_t(3 * F), 4, 0.3));
    m.f64(linear + "bias", {3}, {0, 0.1, -0.1});
    if (o.output_kind != 3) op(o.output_kind == 1 ? "softmax" : "sigmoid", {last()});
    m.f64(op("ema", {last()}) + "alpha", 0.25);
    return m;
}

// Samples in an array that ends where its memory ends, so that one byte too many is noticed.
template <class T>
struct Exact {
    explicit Exact(std::size_t n) : data(new T[n]()), size(n) {}
    std::unique_ptr<T[]> data;
    std::size_t size;
};

// All predictions of x, samples first, pushed in chunks of n samples.
inline std::string run(fastemo::Engine& engine, const std::vector<double>& x, index chunk,
                       const double* stamps = nullptr) {
    const index C = engine.n_channels(), n = index(x.size()) / C;
    std::string out;
    for (index i = 0; i < n; i += chunk) {
        const index take = std::min(chunk, n - i);
        const index room = engine.room(take, stamps ? stamps + i : nullptr);
        Exact<double> records(std::size_t(room * engine.layout().size / 8));
        const fastemo::Samples samples{x.data() + i * C, fastemo::Dtype::f64, 8, 8 * C};
        const fastemo::PushResult r =
            engine.push(samples, take, stamps ? stamps + i : nullptr, records.data.get(), room);
        check(r.error == fastemo::PushError::none, "push is refused");
        check(r.n <= room, "more predictions than there was room for");
        out.append(reinterpret_cast<const char*>(records.data.get()), std::size_t(r.n * engine.layout().size));
    }
    return out;
}

}  // namespace test
