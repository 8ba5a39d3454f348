// Decodes a stream of doubles, samples first, from standard input and prints one line per prediction:
//   decode me.fastemo 25 < samples
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fastemo.hpp>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
    if (argc != 3) {
        std::fprintf(stderr, "usage: decode MODEL CHUNK < samples\n");
        return EXIT_FAILURE;
    }
    fastemo::api::Engine engine(argv[1]);
    const std::size_t n = std::size_t(std::atoll(argv[2])), width = std::size_t(engine.n_channels());
    std::vector<double> samples(n * width);
    engine.reserve(std::int64_t(n));
    while (const std::size_t rows = std::fread(samples.data(), sizeof(double) * width, n, stdin)) {
        engine.push(samples.data(), std::int64_t(rows), nullptr, [&](const fastemo::api::Prediction& p) {
            const std::string label = p.class_index() < 0 ? "-" : engine.label(p.class_index());
            std::printf("%lld\t%.17g\t%s\t%d\n", static_cast<long long>(p.index()), p.time(), label.c_str(), p.valid());
        });
    }
    return EXIT_SUCCESS;
} catch (const std::exception& e) {
    std::fprintf(stderr, "decode: %s\n", e.what());
    return EXIT_FAILURE;
}
