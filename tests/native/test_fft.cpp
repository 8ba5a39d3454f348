// The FFT of every table this machine runs: against sums in long double, from every layout and from a ring, in memory of
// exactly the right size.
#include "test.hpp"

#include "../../csrc/fastemo/base/roots.hpp"
#include "../../csrc/fastemo/ops/fft_plan.hpp"

namespace test {
namespace {

using real = long double;
constexpr real kTwoPi = 6.283185307179586476925286766559005768L;

void test_roots() {
    static_assert(root_of_unity(0, 7).re == 1 && root_of_unity(1, 4).im == -1 && root_of_unity(1, 2).re == -1);
    static_assert(root_of_unity(1, 8).re == -root_of_unity(1, 8).im && root_of_unity(-1, 4).im == 1);
    for (const index n : {1, 2, 3, 5, 8, 12, 97, 1000, 1024, 99991}) {
        bool right = true;
        for (index k = 0; k < n; ++k) {
            const Root r = root_of_unity(k, n);
            const real angle = kTwoPi * real(k) / real(n);
            // The long double's own error may tip a tie, never more.
            right &= std::fabs(real(r.re) - std::cos(angle)) < 1.2e-16L && std::fabs(real(r.im) + std::sin(angle)) < 1.2e-16L;
        }
        check(right, "roots of unity, n = " + std::to_string(n));
    }
}

// |X_k|^2 of taper (x - mean)
real power(const std::vector<double>& x, const std::vector<double>& taper, bool detrend, index k) {
    const index n = index(x.size());
    real mean = 0, re = 0, im = 0;
    for (const double v : x) mean += v;
    mean = detrend ? mean / real(n) : 0;
    for (index i = 0; i < n; ++i) {
        const real v = (x[std::size_t(i)] - mean) * taper[std::size_t(i)], angle = kTwoPi * real(k * i % n) / real(n);
        re += v * std::cos(angle), im -= v * std::sin(angle);
    }
    return re * re + im * im;
}

struct Case {
    index n, n_channels, first, stop;
    bool detrend;
};

std::vector<double> run(const Kernels& k, const Fft<double>& fft, const FftInput& in, const std::vector<double>& taper,
                        bool detrend, index step) {
    const index n_bins = fft.plan().stop - fft.plan().first, stride = padded(in.n_channels);
    const std::vector<double> scale(std::size_t(n_bins), 0.25);
    Exact<double> scratch(std::size_t(fft.scratch_size()));
    std::vector<double> out(std::size_t(n_bins * stride));
    for (index c = 0; c < stride; c += step)
        k.fft_power(fft.plan(), in, taper.data(), detrend, scale.data(), out.data(), stride, scratch.data.get(), c,
                    std::min(c + step, stride));
    return out;
}

void test_power(const Kernels& k, const Case& t) {
    const index stride = padded(t.n_channels), n_bins = t.stop - t.first;
    const std::string where = std::string(k.target) + ", " + std::to_string(t.n_channels) + " channels x " +
                              std::to_string(t.n) + ", bins " + std::to_string(t.first) + " to " + std::to_string(t.stop);
    std::vector<std::vector<double>> x;
    for (index c = 0; c < t.n_channels; ++c) {
        x.push_back(random_values(std::size_t(t.n), unsigned(c + 1), 3));
        for (double& v : x.back()) v += double(c);
    }
    const std::vector<double> taper = random_values(std::size_t(t.n), 99);
    const Fft<double> fft(t.n, t.first, t.stop);

    Exact<double> rows(std::size_t(t.n * t.n_channels)), columns(std::size_t(t.n * t.n_channels));
    Exact<float> single(std::size_t(t.n * t.n_channels));
    Exact<double> widened(std::size_t(t.n * t.n_channels));
    for (index c = 0; c < t.n_channels; ++c)
        for (index i = 0; i < t.n; ++i) {
            const double v = x[std::size_t(c)][std::size_t(i)];
            rows.data[std::size_t(c * t.n + i)] = columns.data[std::size_t(i * t.n_channels + c)] = v;
            single.data[std::size_t(c * t.n + i)] = float(v);
            widened.data[std::size_t(c * t.n + i)] = double(float(v));
        }
    const FftInput channels_first{{rows.data.get(), Dtype::f64, 8 * t.n, 8}, {}, t.n_channels};
    const auto out = run(k, fft, channels_first, taper, t.detrend, stride);

    real error = 0, largest = 0;
    for (index c = 0; c < t.n_channels; c += std::max<index>(t.n_channels / 3, 1))
        for (index b = 0; b < n_bins; b += std::max<index>(n_bins / 20, 1)) {
            const real truth = power(x[std::size_t(c)], taper, t.detrend, t.first + b);
            largest = std::max(largest, truth);
            error = std::max(error, std::fabs(4 * real(out[std::size_t(b * stride + c)]) - truth));
        }
    check(error <= 3e-15L * largest + 1e-25L, "power, " + where);

    const auto same = [&](const char* what, const std::vector<double>& other) {
        bool equal = true;
        for (index b = 0; b < n_bins; ++b)
            for (index c = 0; c < t.n_channels; ++c)
                equal &= out[std::size_t(b * stride + c)] == other[std::size_t(b * stride + c)];
        check(equal, std::string(what) + " gives the same bits, " + where);
    };
    same("group by group", run(k, fft, channels_first, taper, t.detrend, kLanes));
    const FftInput samples_first{{columns.data.get(), Dtype::f64, 8, 8 * t.n_channels}, {}, t.n_channels};
    same("samples first", run(k, fft, samples_first, taper, t.detrend, stride));
    for (const index size : {t.n, t.n + 1, 2 * t.n + 5})
        for (const index first : {index(0), size / 2, size - 1}) {
            Exact<double> ring(std::size_t(size * stride));
            for (index i = 0; i < t.n; ++i)
                for (index c = 0; c < t.n_channels; ++c)
                    ring.data[std::size_t((first + i) % size * stride + c)] = x[std::size_t(c)][std::size_t(i)];
            const FftInput in{{nullptr, Dtype::f64, 0, 0}, {ring.data.get(), size, stride, first}, t.n_channels};
            same("a ring", run(k, fft, in, taper, t.detrend, stride));
        }
    const FftInput narrow{{single.data.get(), Dtype::f32, 4 * t.n, 4}, {}, t.n_channels};
    const FftInput wide{{widened.data.get(), Dtype::f64, 8 * t.n, 8}, {}, t.n_channels};
    check(run(k, fft, narrow, taper, t.detrend, stride) == run(k, fft, wide, taper, t.detrend, stride),
          "float32 is widened, " + where);
}

template <class T, class Kernel>
void test_rfft(const Kernels& k, Kernel kernel, index n_channels, index n) {
    const Dtype dtype = sizeof(T) == 8 ? Dtype::f64 : Dtype::f32;
    const index item = sizeof(T), n_bins = n / 2 + 1;
    const auto values = random_values(std::size_t(n_channels * n), 7);
    Exact<T> x(values.size()), scratch(std::size_t(Fft<T>(n).scratch_size()));
    std::copy(values.begin(), values.end(), x.data.get());
    const Fft<T> fft(n);
    // Packed, and with a gap after each bin.
    Exact<T> packed(std::size_t(2 * n_channels * n_bins)), apart(std::size_t(3 * n_channels * n_bins));
    const Samples in{x.data.get(), dtype, item * n, item};
    kernel(fft.plan(), in, n_channels, {packed.data.get(), dtype, 2 * item * n_bins, 2 * item}, scratch.data.get(), 0,
           padded(n_channels));
    kernel(fft.plan(), in, n_channels, {apart.data.get(), dtype, 3 * item * n_bins, 3 * item}, scratch.data.get(), 0,
           padded(n_channels));
    bool equal = true;
    real error = 0, largest = 0;
    for (index c = 0; c < n_channels; ++c)
        for (index b = 0; b < n_bins; ++b) {
            const T* bin = &packed.data[std::size_t(2 * (c * n_bins + b))];
            equal &= bin[0] == apart.data[std::size_t(3 * (c * n_bins + b))];
            equal &= bin[1] == apart.data[std::size_t(3 * (c * n_bins + b) + 1)];
            if (b % 7 || c % 5) continue;
            real re = 0, im = 0;
            for (index i = 0; i < n; ++i) {
                const real angle = kTwoPi * real(b * i % n) / real(n);
                re += real(x.data[std::size_t(c * n + i)]) * std::cos(angle);
                im -= real(x.data[std::size_t(c * n + i)]) * std::sin(angle);
            }
            largest = std::max({largest, std::fabs(re), std::fabs(im)});
            error = std::max({error, std::fabs(re - bin[0]), std::fabs(im - bin[1])});
        }
    const std::string where = std::string(k.target) + ", " + std::to_string(n_channels) + " x " + std::to_string(n);
    check(error <= (sizeof(T) == 8 ? 2e-15L : 1e-6L) * largest, "rfft, " + where);
    check(equal, "rfft with a gap after each bin, " + where);
}

void test_factors() {
    for (index n = 1; n <= 3000; ++n) {
        if (!fft_factorable(n)) continue;
        for (const index n_bins : {index(1), n / 10 + 1, n / 2 + 1}) {
            const FftFactors f = fft_factors(n, n_bins);
            index product = index(f.first) * f.last;
            for (const int r : f.passes) product *= r;
            check(product == n, "factors of " + std::to_string(n));
        }
    }
}

}  // namespace
}  // namespace test

int main() {
    test::test_roots();
    test::test_factors();
    for (const fastemo::Kernels* const* k = fastemo::available_kernels(); *k; ++k) {
        for (const std::ptrdiff_t n : {1, 2, 3, 5, 7, 8, 9, 16, 17, 20, 34, 60, 100, 143, 250, 256, 509, 512, 1000})
            for (const std::ptrdiff_t n_channels : {1, 8, 11, 19}) {
                const std::ptrdiff_t all = n / 2 + 1;
                test::test_power(**k, {n, n_channels, 0, all, n % 2 == 0});
                test::test_power(**k, {n, n_channels, all / 5, all / 3 + 1, true});
                test::test_rfft<double>(**k, (*k)->rfft_f64, n_channels, n);
                test::test_rfft<float>(**k, (*k)->rfft_f32, n_channels, n);
            }
    }
    return test::report();
}
