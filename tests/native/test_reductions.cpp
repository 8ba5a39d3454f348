// Reductions in memory of exactly the size they ask for, whatever their parameters: each is refused, or runs and leaves
// numbers or NaN, with 0 in padding.
#include <algorithm>
#include <stdexcept>

#include "test.hpp"

#include "../../csrc/fastemo/ops/reductions.hpp"

namespace test {
namespace {

struct Kind {
    const char* name;
    std::vector<double> usual;  // parameters
};

const Kind kKinds[] = {
    {"mean", {}},
    {"variance", {1}},
    {"std", {0}},
    {"ptp_amp", {}},
    {"rms", {}},
    {"skewness", {}},
    {"kurtosis", {1}},
    {"quantile", {0.2, 0.7}},
    {"hjorth_mobility", {1}},
    {"hjorth_complexity", {1}},
    {"num_zerocross", {1}},
    {"zero_crossings", {0.1}},
    {"higher_order_crossings", {5}},
    {"line_length", {}},
    {"teager_energy", {}},
    {"katz_fd", {}},
    {"petrosian_fd", {}},
    {"higuchi_fd", {4, 1}},
    {"detrended_fluctuation", {}},
    {"hurst_exp", {4, 9, 0.5, 0.6}},
    {"decorr_time", {100}},
    {"sample_entropy", {2, -1, 0, 1}},
    {"app_entropy", {2, -1, 1}},
    {"perm_entropy", {3, 1, 1}},
    {"svd_entropy", {3, 2, 1}},
    {"svd_fisher_info", {4, 1}},
    {"lempel_ziv", {0, 0, 1}},
    {"wavelet_coef_energy", {2, 0.7, 0.7, 0.1, 0.1}},
    {"teager_kaiser_energy", {1, 0.7, 0.7}},
    {"pow_freq_bands", {1, 1, 1, 5, 3, 8}},
    {"spect_moment", {2, 1, 0.5}},
    {"spect_entropy", {1, 1}},
    {"spect_slope", {1, 9, 0, 0.5}},
    {"spect_edge_freq", {8, 0.5, 0.5, 0.9}},
};

class Trials {
public:
    // One trial of a reduction; whether it ran.
    bool run(const Kind& kind) {
        const std::string name = kind.name;
        const index n = pick(3) ? below(90) + 1 : below(5) + 1, n_signals = below(8) + 1;
        std::vector<double> params = kind.usual;
        if (!pick(8)) params.resize(std::size_t(below(7)));
        for (double& p : params)
            if (!pick(4)) p = parameter(n);
        ReductionList list(n);
        try {
            list.add(name, params);
        } catch (const std::invalid_argument&) {
            return false;
        }
        Exact<double> x(std::size_t(n * kLanes)), memory(std::size_t(list.memory()));
        Exact<double> out(std::size_t(list.n_values() * kLanes));
        fill(x, n, n_signals);
        std::fill_n(memory.data.get(), memory.size, std::nan(""));
        const auto before = std::vector<double>(x.data.get(), x.data.get() + x.size);
        list.run(x.data.get(), n_signals, memory.data.get(), out.data.get(), kLanes);
        bool padding = true, unsound = true;
        for (index v = 0; v < list.n_values(); ++v)
            for (index l = 0; l < kLanes; ++l) {
                const double value = out.data[std::size_t(v * kLanes + l)];
                if (l >= n_signals) padding &= value == 0;
                if (l < n_signals && !sound(before, n, l)) unsound &= std::isnan(value);
            }
        check(padding, name + ": padding is 0");
        check(unsound, name + ": a signal that is not finite gives NaN");
        return true;
    }

private:
    index below(index n) { return index(random_() % std::uint64_t(n)); }
    bool pick(index of) { return below(of) != 0; }

    double parameter(index n) {
        const double any[] = {0,   0,  1,   1,    2,  3,  4,   5,       8,  17,   0.5,
                              0.2, -1, 1.5, 1e-3, 64, 65, 1e9, 1 << 20, -3, 1e16, std::nan(""),
                              20,  16, 10};
        switch (below(4)) {
            case 0: return double(below(n + 2));
            case 1: return double(n) / double(below(3) + 1);
            default: return pick(12) ? any[below(9)] : any[below(index(std::size(any)))];
        }
    }

    // Noise, steps, constants, extremes; some are not finite.
    void fill(Exact<double>& x, index n, index n_signals) {
        std::normal_distribution<double> normal;
        for (index l = 0; l < n_signals; ++l) {
            const index kind = below(8);
            const double scale = kind == 0 ? 1e300 : kind == 1 ? 1e-310 : 1, level = kind == 2 ? 7.3 : 0;
            for (index i = 0; i < n; ++i) {
                double value = level + (kind == 2 || kind == 3 ? 0 : scale * normal(random_));
                if (kind == 4) value = std::rint(value);
                x.data[std::size_t(i * kLanes + l)] = value;
            }
            if (kind == 5 && !pick(3))
                x.data[std::size_t(below(n) * kLanes + l)] =
                    pick(2) ? std::nan("") : std::numeric_limits<double>::infinity();
        }
    }

    static bool sound(const std::vector<double>& x, index n, index l) {
        for (index i = 0; i < n; ++i)
            if (!std::isfinite(x[std::size_t(i * kLanes + l)])) return false;
        return true;
    }

    std::mt19937_64 random_{7};
};

}  // namespace
}  // namespace test

int main() {
    test::Trials trials;
    for (const auto& kind : test::kKinds) {
        int ran = 0;
        for (int i = 0; i < 2000; ++i) ran += trials.run(kind);
        test::check(ran > 200, std::string(kind.name) + " ran");
    }
    return test::report();
}
