// Models that nobody meant: each is refused by a ModelError, or runs. Meant for AddressSanitizer and UBSan.
#include <functional>

#include "test.hpp"

namespace test {
namespace {

constexpr std::int64_t kMemory = std::int64_t(1) << 24;
constexpr std::int64_t kRecords = 1 << 22;  // bytes

std::int64_t n_opened = 0, n_refused = 0;

// Pushes samples with every fault, under stamps as wild as can be, and takes what comes.
void feed(Engine& engine, bool stamped) {
    const index C = engine.n_channels(), n = 90;
    auto x = random_values(std::size_t(C * n), 3, 10);
    std::vector<double> stamps(std::size_t(n), 0.0);
    double t = -1e9;
    for (index i = 0; i < n; ++i) {
        const double steps[] = {0.01, 0.01, 1e-300, 0.05, 1e3, 1e9, 0.01, -1, 1e-9, 1e17};
        t += i % 6 ? 0.01 : steps[i / 6 % 10];
        stamps[std::size_t(i)] = i == 40 ? std::nan("") : t;
        if (i % 13 == 5) x[std::size_t(i * C + i % C)] = std::nan("");
        if (i % 29 == 11) std::fill_n(x.begin() + i * C, C, -std::numeric_limits<double>::infinity());
        if (i == 70) x[std::size_t(i * C)] = 1e308;
    }
    for (index i = 0; i < n;) {
        const index take = std::min<index>(i % 2 ? 1 : 37, n - i);
        const double* given = stamped ? stamps.data() + i : nullptr;
        const index size = engine.layout().size, room = engine.room(take, given);
        const Samples chunk{x.data() + i * C, Dtype::f64, 8, 8 * C};
        check(engine.max_predictions(take) >= room, "max_predictions() is enough");
        const bool fits = room <= kRecords / size;
        Exact<double> records(fits ? std::size_t(room * size / 8) : 0);
        const PushResult r = engine.push(chunk, take, given, records.data.get(), fits ? room : 0);
        if (fits)
            check(r.error != PushError::out_too_small && r.n <= room, "engine.room() is enough");
        else
            check(r.error == PushError::out_too_small && r.at == room, "too little room is said");
        i += take;
    }
    check(engine.max_predictions(0) >= 0 && engine.max_predictions(std::int64_t(1) << 40) > 0, "max_predictions");
}

void attempt(const Model& model, const std::string& what) {
    try {
        const ModelFile file = model.file();
        for (const bool stamped : {false, true}) {
            Engine engine(file, 1, kMemory);
            feed(engine, stamped);
        }
        ++n_opened;
    } catch (const ModelError& e) {
        ++n_refused;
        const std::string text = e.what();
        const bool plain = text.find_first_of("\n\r\t\x1b") == text.npos && text.size() < 400;
        check(plain && !text.empty(), "a plain message for " + what + ": " + text);
    } catch (const std::exception& e) {
        check(false, what + " threw " + e.what());
    }
}

template <class T>
void with_values(const Model& model, const std::string& dtype, const std::vector<T>& values) {
    for (const auto& [name, tensor] : model.tensors) {
        if (tensor.dtype != dtype) continue;
        const std::size_t n = tensor.bytes.size() / 8;
        for (std::size_t i = 0; i < n; i += 1 + n / 5)
            for (const T value : values) {
                Model m = model;
                std::memcpy(m.tensors[name].bytes.data() + 8 * i, &value, 8);
                attempt(m, name + "[" + std::to_string(i) + "] = " + std::to_string(value));
            }
    }
}

void test_values(const Model& model) {
    const auto most = std::numeric_limits<std::int64_t>::max();
    with_values<std::int64_t>(model, "I64",
                              {-most - 1, -1, 0, 1, 2, 3, 5, 8, 64, 1000, 99999, 1 << 20, 1 << 27,
                               std::int64_t(1) << 31, std::int64_t(1) << 40, most - 7, most});
    const double inf = std::numeric_limits<double>::infinity();
    with_values<double>(model, "F64",
                        {std::nan(""), inf, -inf, 0, -0.0, -1, 1, 2, 1e15, 1e300, -1e300, 5e-324, 1e-300});
}

// Shapes and types that the bytes still fit, so that the reader has no complaint.
void test_shapes(const Model& model) {
    for (const auto& [name, tensor] : model.tensors) {
        const auto n = std::int64_t(tensor.bytes.size() / 8);
        auto turned = tensor.shape;
        std::reverse(turned.begin(), turned.end());
        for (const std::vector<std::int64_t>& shape :
             {std::vector<std::int64_t>{n}, {n, 1}, {1, n}, {1, 1, n}, {n, 1, 1}, {1, n, 1}, turned}) {
            Model m = model;
            m.tensors[name].shape = shape;
            attempt(m, name + " of another shape");
        }
        for (const std::int64_t extra : {-1, 1}) {
            Model m = model;
            m.tensors[name].shape = {n + extra};
            m.tensors[name].bytes.resize(std::size_t(8 * (n + extra)));
            attempt(m, name + " of another length");
        }
        for (const std::vector<std::int64_t>& shape :
             {std::vector<std::int64_t>{0}, {0, 6}, {6, 0}, {0, 2, 6}, {2, 0, 6}, {3, 0}}) {
            Model m = model;
            m.tensors[name].shape = shape;
            m.tensors[name].bytes.clear();
            attempt(m, name + " without elements");
        }
        Model m = model;
        m.tensors[name].dtype = tensor.dtype == "F64" ? "I64" : "F64";
        attempt(m, name + " of another type");
        m.tensors.erase(name);
        attempt(m, "without " + name);
    }
}

// Each op becomes every other kind of op, or reads other slots.
void test_kinds(const Model& model) {
    const char* kinds[] = {"reference", "matrix",   "sos",    "bank_power", "window",     "fft_power",
                           "bandsum",   "relative", "log",    "affine",     "concat",     "linear",
                           "softmax",   "sigmoid",  "ema",    "boxcar",     "rls",        "running",
                           "",          "call",     "reduce", "asr",        "x\x1b[31m\n"};
    std::vector<std::string> prefixes;
    for (const auto& [name, tensor] : model.tensors)
        if (name.size() > 3 && name.ends_with(".in")) prefixes.push_back(name.substr(0, name.size() - 2));
    for (const std::string& prefix : prefixes) {
        for (const char* kind : kinds) {
            Model m = model;
            for (const auto& [name, tensor] : model.tensors)
                if (name.starts_with(prefix)) {
                    m.tensors.erase(name);
                    m.tensors[name.substr(0, 3) + kind + name.substr(prefix.size() - 1)] = tensor;
                }
            attempt(m, prefix + " as " + kind);
        }
        for (std::int64_t a = 0; a < std::int64_t(prefixes.size()); ++a) {
            Model m = model;
            m.i64(prefix + "in", {1}, {a});
            attempt(m, prefix + " reads another slot");
            m.i64(prefix + "in", {3}, {a, a / 2, a});
            attempt(m, prefix + " reads three slots");
        }
        // The program cut off behind this op: every kind of slot becomes the output.
        Model m = model;
        std::erase_if(m.tensors,
                      [&](const auto& t) { return t.first[0] <= '9' && t.first.substr(0, 2) > prefix.substr(0, 2); });
        m.i64("output.kind", 0);
        attempt(m, "cut off behind " + prefix);
    }
}

void test_metadata(const Model& model) {
    const char* values[] = {"",    "0",    "-1", "1e9",    "1e10",    "1e-300",     "1e-320",     "nan",
                            "inf", "100 ", "\n", "\n\n\n", "a\nb\nc", "a\nb\nc\nd", "\x01\x1b[0m"};
    for (const char* key : {"sfreq", "unit", "ch_names", "labels", "format_version"})
        for (const char* value : values) {
            Model m = model;
            m.metadata[key] = value;
            attempt(m, std::string(key) + " = " + value);
        }
    for (const char* key : {"sfreq", "unit", "ch_names", "labels"}) {
        Model m = model;
        m.metadata.erase(key);
        attempt(m, std::string("without ") + key);
    }
    Model m = model;
    m.metadata["ch_names"] = std::string(1 << 17, '\n');
    attempt(m, "more channels than can be meant");
}

// Several mutations at once, and bytes at random.
void test_random(const Model& model) {
    std::mt19937 random(17);
    const auto below = [&](std::size_t n) { return std::size_t(random() % n); };
    for (int round = 0; round < 1500; ++round) {
        Model m = model;
        for (std::size_t k = 1 + below(4); k-- > 0;) {
            auto& tensor = std::next(m.tensors.begin(), std::ptrdiff_t(below(m.tensors.size())))->second;
            if (tensor.bytes.empty()) continue;
            const std::size_t at = 8 * below(tensor.bytes.size() / 8);
            const std::int64_t small = std::int64_t(below(40)) - 4;
            const double wild = std::ldexp(random() % 2 ? 1 : -1, int(below(2000)) - 1000);
            if (tensor.dtype == "I64")
                std::memcpy(tensor.bytes.data() + at, &small, 8);
            else
                std::memcpy(tensor.bytes.data() + at, &wild, 8);
        }
        attempt(m, "random mutation " + std::to_string(round));
    }
    const std::string whole = model.bytes();
    for (int round = 0; round < 1500; ++round) {
        std::string bytes = whole;
        for (std::size_t k = 1 + below(6); k-- > 0;) bytes[below(bytes.size())] = char(random());
        try {
            const Exact<char> exact(bytes.size());
            std::memcpy(exact.data.get(), bytes.data(), bytes.size());
            Engine engine(ModelFile::parse(exact.data.get(), exact.size), 1, kMemory);
            feed(engine, round % 2);
            ++n_opened;
        } catch (const ModelError&) {
            ++n_refused;
        }
    }
}

// What must be refused, and how.
void test_messages() {
    const auto refused = [](const std::string& fragment, const std::function<void(Model&)>& change) {
        Model m = every_op(3);
        change(m);
        refuses(fragment, [&] { Engine(m.file(), 1, kMemory); });
    };
    refused("more memory than there is, or more than 16 MB", [](Model& m) { m.i64("window.length", 1 << 27); });
    refused("more memory", [](Model& m) { m.i64("input.max_gap", 1 << 27), m.i64("input.gap_policy", interpolate); });
    refused("window.hop is 0, expected 1 to", [](Model& m) { m.i64("window.hop", 0); });
    refused("op '99.x?[31m\?\?' is of a kind", [](Model& m) {
        for (int i = 0; i < 100; ++i) {
            const std::string number = (i < 10 ? "0" : "") + std::to_string(i);
            std::erase_if(m.tensors, [&](const auto& t) { return t.first.starts_with(number + "."); });
            m.i64(number + (i < 99 ? ".window.in" : ".x\x1b[31m\n\t.in"), {1}, {0});
        }
    });
    refused("reads slot 1, which is not written before it", [](Model& m) { m.i64("00.reference.in", {1}, {1}); });
    refused("op 1 is missing",
            [](Model& m) { std::erase_if(m.tensors, [](const auto& t) { return t.first.starts_with("01."); }); });
    refused("expected 1: divide each section by its a0", [](Model& m) {
        const double two = 2;
        std::memcpy(m.tensors["02.sos.coef"].bytes.data() + 24, &two, 8);
    });
    refused("outputs, but labels names 2", [](Model& m) {
        m.metadata["labels"] = "calm\njoy";
        m.f64("output.vad", {3, 2}, std::vector<double>(6, 0.0));
    });
    // Each concat doubles the width: 2^40 features by the fortieth.
    refused("more memory", [](Model& m) {
        std::erase_if(m.tensors, [](const auto& t) { return t.first[0] <= '9' && t.first.substr(0, 2) > "07"; });
        for (int i = 8; i < 48; ++i) {
            const std::string number = (i < 10 ? "0" : "") + std::to_string(i);
            m.i64(number + ".concat.in", {2}, {i, i});
        }
        m.i64("output.kind", 0);
    });
}

}  // namespace
}  // namespace test

int main() {
    using namespace test;
    for (const Policy policy : {hold, interpolate, reset}) {
        const Model model = every_op(3, {.policy = policy, .drop_backward = true});
        test_values(model);
        test_random(model);
        if (policy != hold) continue;
        test_shapes(model);
        test_kinds(model);
        test_metadata(model);
    }
    test_messages();
    check(n_opened > 1000 && n_refused > 1000, "both kinds of models were tried");
    std::printf("%lld models ran, %lld were refused\n", (long long)n_opened, (long long)n_refused);
    return report();
}
