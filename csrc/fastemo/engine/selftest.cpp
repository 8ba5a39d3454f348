#include "selftest.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine.hpp"

namespace fastemo {

namespace {

constexpr double kRelative = 1e-9, kAbsolute = 1e-12;

bool is_exact(const ModelFile& file, Bits bits) {
    const std::string* target = file.metadata("selftest_target");
    if (!target || *target == "reference" || bits == Bits::here) return false;
    return bits == Bits::everywhere || *target == kernels().target;
}

bool same(double got, double expected, bool exact) {
    if (std::isnan(got) || std::isnan(expected)) return std::isnan(got) && std::isnan(expected);
    if (exact || std::isinf(got) || std::isinf(expected)) return got == expected;
    return std::abs(got - expected) <= kAbsolute + kRelative * std::abs(expected);
}

[[noreturn]] void fail(const ModelFile& file, const std::string& how) {
    const std::string* target = file.metadata("selftest_target");
    throw SelfTestError("the model fails its self-test: on " + shown(kernels().target) + " it gives " + how + " on " +
                        (target ? shown(*target) : "the machine") +
                        ", where it was written: save it again, and if it still fails run `fastemo doctor`");
}

}  // namespace

void self_test(const ModelFile& file) {
    if (!file.find("selftest.input") && !file.find("selftest.output")) return;
    Engine engine(file);
    const RecordLayout& layout = engine.layout();
    const index n_channels = engine.n_channels();
    const auto input = file.f64_array("selftest.input", {ModelFile::any, n_channels});
    const auto expected = file.f64_array("selftest.output", {ModelFile::any, layout.n_outputs}, ModelFile::Values::all);
    const index n = index(input.size()) / n_channels, room = engine.room(n, nullptr);
    std::vector<char> records(std::size_t(room * layout.size));
    Samples samples{};
    samples.dtype = Dtype::f64;
    samples.data = input.data();
    samples.channel_stride = sizeof(double);
    samples.sample_stride = index(sizeof(double)) * n_channels;
    const PushResult result = engine.push(samples, n, nullptr, records.data(), room);
    if (result.n * layout.n_outputs != index(expected.size())) fail(file, "another number of windows than");
    const bool exact = is_exact(file, engine.bits());
    for (index i = 0; i < result.n; ++i)
        for (index k = 0; k < layout.n_outputs; ++k) {
            double got;
            std::memcpy(&got, records.data() + i * layout.size + layout.outputs + 8 * k, sizeof got);
            if (!same(got, expected[std::size_t(i * layout.n_outputs + k)], exact)) fail(file, "other outputs than");
        }
}

}  // namespace fastemo
