// Envelope, power, phase and frequency of two signals a quarter of a cycle apart, of which the first waits for the
// second: what an FIR Hilbert transformer makes is as late as half its length.
#include "instantaneous.hpp"

namespace fastemo {

namespace {

constexpr index kMostDelay = index(1) << 22;

class QuadratureOp final : public Op {
public:
    explicit QuadratureOp(const OpInit& init)
        : real_(part(init, 0)), imaginary_(part(init, 1)), instant_(init, real_, 1), delay_(delay(init)) {
        if (real_.cols != imaginary_.cols)
            init.fail("reads signals of " + std::to_string(real_.cols) + " and " + std::to_string(imaginary_.cols) +
                      " channels, expected as many");
        if (real_.rate != imaginary_.rate) init.fail("reads signals of two sampling rates, expected one");
        out = instant_.slot(init);
        bits = Bits::fusing;
        past_ = Buffer<double>(Slot::checked(delay_ + 1, real_.stride));
        z_ = Buffer<double>(2 * Instantaneous::kMost * real_.stride);
        ns_per_sample = 0.3 * double(real_.stride) + instant_.ns_per_sample();
    }

    void process(const Frame& f, index, index) noexcept override {
        const index stride = real_.stride;
        const auto copy = [&](const double* from, double* to) { std::copy_n(from, stride, to); };
        if (f.start == 0) {
            instant_.start(0);
            for (index i = 0; i <= delay_; ++i) copy(real_.row(0), past(i));
        }
        for (index row = 0; row < f.n; row += Instantaneous::kMost) {
            const index n = std::min(f.n - row, Instantaneous::kMost);
            for (index i = 0; i < n; ++i) {
                const index at = f.start + row + i;
                copy(real_.row(row + i), past(at % (delay_ + 1)));
                copy(past((at + 1) % (delay_ + 1)), z_.data() + 2 * i * stride);  // the oldest
                copy(imaginary_.row(row + i), z_.data() + (2 * i + 1) * stride);
            }
            instant_.write(0, z_.data(), n, out, row);
        }
    }

private:
    static const Slot& part(const OpInit& init, std::size_t i) {
        if (init.inputs.size() != 2)
            init.fail("takes two inputs, the file gives " + std::to_string(init.inputs.size()));
        if (init.inputs[i]->kind != Slot::signal) init.fail("reads what is no signal");
        return *init.inputs[i];
    }
    static index delay(const OpInit& init) {
        const std::int64_t value = init.file.i64(init.name("delay"));
        if (value < 0 || value > kMostDelay)
            init.fail("has delay " + std::to_string(value) + ", expected 0 to " + std::to_string(kMostDelay));
        return value;
    }
    double* past(index i) const { return past_.data() + i * real_.stride; }

    const Slot &real_, &imaginary_;
    Instantaneous instant_;
    const index delay_;
    Buffer<double> past_, z_;  // [delay + 1][stride], sample i at i % (delay + 1); [kMost][2][stride]
};

}  // namespace

std::unique_ptr<Op> make_quadrature(const OpInit& init) { return std::make_unique<QuadratureOp>(init); }

}  // namespace fastemo
