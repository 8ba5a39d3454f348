#include "reductions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "../base/buffer.hpp"
#include "../targets/kernels.hpp"

namespace fastemo {

namespace {

constexpr double kMost = 1e15;

struct Rule {
    double low, high;
    bool whole = true;
};

using Params = std::span<const double>;

// Sizes as functions of the parameters and the number of samples.
using Size = index (*)(Params, index n);

index one(Params, index) { return 1; }
index none(Params, index) { return 0; }
index order_of(Params p) { return index(p[0]); }
template <index K>
index samples(Params, index) {
    return K;
}
index embedded(Params p, index) { return (order_of(p) - 1) * index(p[1]) + 1; }
index template_row(index n) { return round_up(n, kLanes) + kLanes; }
index templates(Params p, index n) { return n * kLanes + (order_of(p) + 4) * template_row(n); }
index patterns(Params p, index n) {
    index codes = 1;
    for (index k = 2; k <= order_of(p); ++k) codes *= k;
    return (codes + n) * kLanes;
}
index embedding(Params p, index) { return (order_of(p) * order_of(p) + 33 * order_of(p)) * kLanes; }
index taps_of(Params p) { return index(p.size()) - 1; }
index wavelet_samples(Params p, index) { return (taps_of(p) - 1) << order_of(p); }
index wavelet(Params p, index n) { return (n + 2 * taps_of(p) + 2 * ((n + taps_of(p)) / 2 + 1)) * kLanes; }
index longest(Params p, index) { return index(*std::max_element(p.begin(), p.begin() + std::ptrdiff_t(p.size() / 2))); }
index last_bin(Params p, index) { return index(*std::max_element(p.begin() + 2, p.end())); }
template <index Extra>
index rows(Params, index n) {
    return (n + Extra) * kLanes;
}

struct Row {
    const char* name;
    Reduction ReductionKernels::* kernel;
    double ns_per_sample;
    std::vector<Rule> rules;
    bool repeats = false;  // the last rule holds for all parameters after it, in any number
    Size n_values = one, least = samples<1>, scratch = none;
};

const std::vector<Row>& table() {
    using R = ReductionKernels;
    constexpr double inf = std::numeric_limits<double>::infinity();
    const Rule flag{0, 1}, bin{0, 1 << 27}, ddof{0, 1}, order{1, 64}, delay{1, 1 << 20}, real{-inf, inf, false},
        tolerance{-1, inf, false};
    const auto by_order = [](Params p, index) { return order_of(p); };
    const auto twice_levels = [](Params p, index) { return 2 * (order_of(p) + 1); };
    const auto per_param = [](Params p, index) { return index(p.size()); };
    static const std::vector<Row> rows_of_table = {
        {"mean", &R::mean, 1, {}},
        {"variance", &R::variance, 2, {ddof}, false, one, [](Params p, index) { return order_of(p) + 1; }},
        {"std", &R::standard_deviation, 2, {ddof}, false, one, [](Params p, index) { return order_of(p) + 1; }},
        {"ptp_amp", &R::ptp_amp, 1, {}},
        {"rms", &R::rms, 1, {}},
        {"skewness", &R::skewness, 3, {}},
        {"kurtosis", &R::kurtosis, 3, {flag}},
        {"quantile", &R::quantile, 60, {{0, 1, false}}, true, per_param, samples<1>, rows<0>},
        {"hjorth_mobility",
         &R::hjorth_mobility,
         6,
         {flag},
         false,
         one,
         samples<2>,
         [](Params, index n) { return 2 * (n + 1) * kLanes; }},
        {"hjorth_complexity",
         &R::hjorth_complexity,
         9,
         {flag},
         false,
         one,
         samples<3>,
         [](Params, index n) { return 2 * (n + 1) * kLanes; }},
        {"num_zerocross", &R::num_zerocross, 2, {flag}},
        {"zero_crossings", &R::zero_crossings, 4, {{0, inf, false}}},
        {"higher_order_crossings",
         &R::higher_order_crossings,
         20,
         {{1, 64}},
         false,
         by_order,
         [](Params p, index) { return order_of(p) + 1; },
         rows<0>},
        {"line_length", &R::line_length, 1, {}, false, one, samples<2>},
        {"teager_energy", &R::teager_energy, 2, {}, false, one, samples<3>},
        {"katz_fd", &R::katz_fd, 3, {}, false, one, samples<3>},
        {"petrosian_fd", &R::petrosian_fd, 2, {}, false, one, samples<3>},
        {"higuchi_fd",
         &R::higuchi_fd,
         20,
         {{2, 1 << 20}, flag},
         false,
         one,
         [](Params p, index) { return order_of(p) * 2; },
         [](Params p, index) { return order_of(p) * kLanes; }},
        {"detrended_fluctuation", &R::detrended_fluctuation, 60, {}, false, one, samples<58>, rows<0>},
        {"hurst_exp", &R::hurst_exp, 300, {real}, true, one, longest},
        {"decorr_time", &R::decorr_time, 40, {{0, inf, false}}, false, one, samples<2>, rows<50>},
        {"sample_entropy",
         &R::sample_entropy,
         150,
         {order, tolerance, ddof, flag},
         false,
         one,
         [](Params p, index) { return order_of(p) + 2; },
         templates},
        {"app_entropy",
         &R::app_entropy,
         200,
         {order, tolerance, ddof},
         false,
         one,
         [](Params p, index) { return order_of(p) + 2; },
         templates},
        {"perm_entropy", &R::perm_entropy, 20, {{2, 8}, delay, flag}, false, one, embedded, patterns},
        {"svd_entropy", &R::svd_entropy, 100, {{2, 64}, delay, flag}, false, one, embedded, embedding},
        {"svd_fisher_info", &R::svd_fisher_info, 100, {{2, 64}, delay}, false, one, embedded, embedding},
        {"lempel_ziv",
         &R::lempel_ziv,
         150,
         {{0, 2}, real, flag},
         false,
         one,
         samples<2>,
         [](Params, index n) { return n * kLanes + (n + (2 * n + 2) * 4) / 2 + 1; }},
        {"wavelet_coef_energy",
         &R::wavelet_coef_energy,
         30,
         {{1, 20}, real, real},
         true,
         by_order,
         wavelet_samples,
         wavelet},
        {"teager_kaiser_energy",
         &R::teager_kaiser_energy,
         40,
         {{1, 20}, real, real},
         true,
         twice_levels,
         wavelet_samples,
         wavelet},
        {"pow_freq_bands",
         &R::pow_freq_bands,
         1,
         {flag, flag, bin},
         true,
         [](Params p, index) { return (index(p.size()) - 2) / 2; },
         last_bin},
        {"spect_moment", &R::spect_moment, 1, {{1, 8}, flag, real}},
        {"spect_entropy", &R::spect_entropy, 20, {bin, flag}},
        {"spect_slope",
         &R::spect_slope,
         60,
         {bin, bin, flag, real},
         false,
         [](Params p, index) { return index(4 - p[2]); },
         [](Params p, index) { return index(p[1]); },
         rows<0>},
        {"spect_edge_freq",
         &R::spect_edge_freq,
         4,
         {bin, real, {0, 1, false}},
         true,
         [](Params p, index) { return index(p.size()) - 2; },
         [](Params p, index) { return index(p[0]); }},
    };
    return rows_of_table;
}

std::string shown_number(double x) {
    std::string text = std::to_string(x);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

const Row& checked(const std::string& name, Params params, index n) {
    const auto row = std::find_if(table().begin(), table().end(), [&](const Row& r) { return name == r.name; });
    if (row == table().end())
        throw std::invalid_argument("names no reduction this version knows: " + name.substr(0, 40));
    const std::size_t least = row->rules.size();
    if (params.size() < least || (params.size() > least && !row->repeats))
        throw std::invalid_argument(name + " has " + std::to_string(params.size()) + " parameters, expected " +
                                    std::to_string(least) + (row->repeats ? " or more" : ""));
    for (std::size_t i = 0; i < params.size(); ++i) {
        const Rule& rule = row->rules[std::min(i, least - 1)];
        const double p = params[i];
        if (!(p >= rule.low && p <= rule.high && std::abs(p) <= kMost) || (rule.whole && p != std::floor(p)))
            throw std::invalid_argument(name + " has parameter " + std::to_string(i) + " = " + shown_number(p) +
                                        ", which it cannot take");
    }
    if (name == "hurst_exp") {
        if (params.size() % 2) throw std::invalid_argument("hurst_exp has an odd number of parameters");
        for (std::size_t i = 0; i < params.size() / 2; ++i)
            if (!(params[i] >= 2 && params[i] <= double(n) && params[i] == std::floor(params[i])))
                throw std::invalid_argument("hurst_exp has the length " + shown_number(params[i]) + ", expected 2 to " +
                                            std::to_string(n));
    }
    if (name == "pow_freq_bands" && params.size() % 2) throw std::invalid_argument("pow_freq_bands has half a band");
    if (name == "spect_slope" && params[1] < params[0] + 2)
        throw std::invalid_argument("spect_slope has fewer than two bins");
    if (n < row->least(params, n))
        throw std::invalid_argument(name + " needs at least " + std::to_string(row->least(params, n)) +
                                    " samples, the window has " + std::to_string(n));
    return *row;
}

}  // namespace

void ReductionList::add(const std::string& name, std::span<const double> params) {
    const Row& row = checked(name, params, n_samples_);
    Entry e{kernels().reductions->*row.kernel, {params.begin(), params.end()}, row.n_values(params, n_samples_)};
    n_values_ += e.n_values;
    most_values_ = std::max(most_values_, e.n_values);
    scratch_ = std::max(scratch_, round_up(row.scratch(params, n_samples_), kLanes));
    memory_ = scratch_ + most_values_ * kLanes;
    ns_ += row.ns_per_sample * double(n_samples_);
    entries_.push_back(std::move(e));
}

void ReductionList::run(double* x, index n_signals, double* memory, double* out, index out_stride) const noexcept {
    const unsigned bad = kernels().reductions->zero_non_finite(x, n_samples_);
    double *values = memory, *scratch = memory + most_values_ * kLanes;
    for (const Entry& e : entries_) {
        e.kernel({x, n_samples_, e.params.data(), index(e.params.size()), scratch, values});
        for (index v = 0; v < e.n_values; ++v, out += out_stride)
            for (index l = 0; l < kLanes; ++l) {
                const double value = bad >> l & 1 ? std::numeric_limits<double>::quiet_NaN() : values[v * kLanes + l];
                out[l] = l < n_signals ? value : 0;
            }
    }
}

}  // namespace fastemo
