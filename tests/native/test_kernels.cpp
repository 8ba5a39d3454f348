// The kernels at the doors, of every table this machine runs: against scalar loops, in memory of exactly the right size.
#include "test.hpp"

#include "../../csrc/fastemo/ops/sections.hpp"

namespace test {
namespace {

// Arrays (n_channels, n) of T in one of four layouts, with their scalar view.
template <class T>
struct Array {
    Array(index n_channels, index n, int layout) : n_channels(n_channels), n(n) {
        const index item = sizeof(T), gap = layout / 2 * 3;
        channel = layout % 2 ? item : (n + gap) * item;
        sample = layout % 2 ? (n_channels + gap) * item : item;
        memory = std::make_unique<Exact<T>>(std::size_t(((n_channels - 1) * channel + (n - 1) * sample) / item + 1));
    }
    T& operator()(index c, index i) const {
        return memory->data[std::size_t((c * channel + i * sample) / index(sizeof(T)))];
    }
    Dtype dtype() const { return sizeof(T) == 8 ? Dtype::f64 : Dtype::f32; }
    Samples in() const { return {memory->data.get(), dtype(), channel, sample}; }
    SamplesOut out() const { return {memory->data.get(), dtype(), channel, sample}; }

    index n_channels, n, channel, sample;
    std::unique_ptr<Exact<T>> memory;
};

template <class T>
void fill(const Array<T>& x) {
    const auto values = random_values(std::size_t(x.n_channels * x.n), 1, 5);
    for (index c = 0; c < x.n_channels; ++c)
        for (index i = 0; i < x.n; ++i) x(c, i) = T(values[std::size_t(c * x.n + i)]);
}

std::string where(const Kernels& k, index n_channels, index n, int layout) {
    return std::string(k.target) + ", " + std::to_string(n_channels) + " channels x " + std::to_string(n) +
           ", layout " + std::to_string(layout);
}

template <class T>
void test_rows(const Kernels& k, index C, index n, int layout) {
    const Array<T> x(C, n, layout), y(C, n, layout);
    fill(x);
    const index stride = padded(C);
    Exact<double> rows(std::size_t(n * stride));
    check(k.load_rows(x.in(), C, n, 2.0, rows.data.get(), stride, 0, stride), "finite samples are called finite");
    k.store_rows(rows.data.get(), stride, C, n, y.out(), 0, stride);
    bool same = true;
    for (index i = 0; i < n; ++i)
        for (index c = 0; c < stride; ++c)
            same &= rows.data[std::size_t(i * stride + c)] == (c < C ? 2.0 * double(x(c, i)) : 0.0);
    for (index c = 0; c < C; ++c)
        for (index i = 0; i < n; ++i) same &= y(c, i) == T(2.0 * double(x(c, i)));
    check(same, "rows, " + where(k, C, n, layout));

    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        const T was = std::exchange(x(C - 1, n - 1), T(bad));
        check(!k.load_rows(x.in(), C, n, 1.0, rows.data.get(), stride, 0, stride),
              "a value that is not finite is seen");
        x(C - 1, n - 1) = was;
    }
}

// SciPy's order of operations, one channel at a time.
void sosfilt_scalar(const double (*sos)[6], index n_sections, double* z, double* x, index n) {
    for (index i = 0; i < n; ++i)
        for (index s = 0; s < n_sections; ++s) {
            const double* q = sos[s];
            const double v = x[i];
            x[i] = q[0] * v + z[2 * s];
            z[2 * s] = q[1] * v - q[4] * x[i] + z[2 * s + 1];
            z[2 * s + 1] = q[2] * v - q[5] * x[i];
        }
}

template <class In, class Out>
void test_sosfilt(const Kernels& k, index C, index n, int layout) {
    const auto sections = make_sections(kSections[0], 3);
    const index stride = padded(C);
    const Array<In> x(C, n, layout);
    fill(x);
    const Array<Out> y(C, n, (layout + 1) % 4);
    Buffer<double> state(6 * stride);
    k.sosfilt(sections.data(), 3, state.data(), stride, x.in(), y.out(), C, n, 0, stride);
    bool same = true;
    for (index c = 0; c < C; ++c) {
        std::vector<double> z(6), v(std::size_t(n), 0.0);
        for (index i = 0; i < n; ++i) v[std::size_t(i)] = double(x(c, i));
        sosfilt_scalar(kSections, 3, z.data(), v.data(), n);
        for (index i = 0; i < n; ++i) same &= y(c, i) == Out(v[std::size_t(i)]);
        for (index s = 0; s < 6; ++s) same &= state[s * stride + c] == z[std::size_t(s)];
    }
    check(same, "sosfilt, " + where(k, C, n, layout));

    if constexpr (std::is_same_v<In, Out>) {
        Buffer<double> again(6 * stride);
        k.sosfilt(sections.data(), 3, again.data(), stride, x.in(), x.out(), C, n, 0, stride);
        for (index c = 0; c < C; ++c)
            for (index i = 0; i < n; ++i) same &= x(c, i) == y(c, i);
        check(same, "sosfilt in place, " + where(k, C, n, layout));
    }
}

void test_maps(const Kernels& k) {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
    alignas(64) const double x[] = {nan, inf, -inf, 0, 1, 1e-310, 1e300, -2};
    alignas(64) double y[8];
    k.exp(x, y, 8);
    check(std::isnan(y[0]) && y[3] == 1 && std::fabs(y[4] - std::exp(1)) < 1e-15, "exp");
    check(y[1] > 1e307 && std::isfinite(y[1]) && y[2] > 0 && y[2] < 1e-307, "exp is clamped to normal numbers");
    k.log(x, 1, 0, 1e-300, y, 8);
    check(std::isnan(y[0]) && y[1] == inf && y[4] == 0 && y[3] == y[2] && std::fabs(y[3] + 690.77552789821368) < 1e-12,
          "log");
    k.sigmoid(x, y, 8);
    check(std::isnan(y[0]) && y[1] == 1 && y[2] > 0 && y[3] == 0.5, "sigmoid");
    alignas(64) const double by[] = {1, 1, 0, 0, 2, 1, 1, 1};
    k.divide(x, by, y, 8);
    check(y[2] == 0 && y[3] == 0 && y[4] == 0.5 && std::isnan(y[0]), "divide gives 0 where the divisor is 0");
}

}  // namespace
}  // namespace test

int main() {
    for (const fastemo::Kernels* const* k = fastemo::available_kernels(); *k; ++k) {
        for (const std::ptrdiff_t C : {1, 7, 8, 19, 62, 64, 65, 128})
            for (const std::ptrdiff_t n : {1, 2, 7, 16, 33})
                for (int layout = 0; layout < 4; ++layout) {
                    test::test_rows<double>(**k, C, n, layout);
                    test::test_rows<float>(**k, C, n, layout);
                    test::test_sosfilt<double, double>(**k, C, n, layout);
                    test::test_sosfilt<float, double>(**k, C, n, layout);
                    test::test_sosfilt<double, float>(**k, C, n, layout);
                    test::test_sosfilt<float, float>(**k, C, n, layout);
                }
        test::test_maps(**k);
    }
    return test::report();
}
