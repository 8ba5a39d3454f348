// Envelope, power, phase and frequency of bands, sample by sample, from causal analytic signals.
#include "analytic_bank.hpp"
#include "instantaneous.hpp"

namespace fastemo {

namespace {

class AnalyticOp final : public Op {
public:
    explicit AnalyticOp(const OpInit& init)
        : in_(init.input(Slot::signal)), bank_(init, in_), instant_(init, in_, bank_.n_bands()),
          z_(bank_.n_bands() * Instantaneous::kMost * 2 * in_.stride) {
        out = instant_.slot(init);
        bits = Bits::fusing;
        ns_per_sample = double(in_.stride * bank_.n_bands()) * 0.5 * double(bank_.n_poles()) + instant_.ns_per_sample();
    }

    index parts() const override { return bank_.n_bands(); }

    void process(const Frame& f, index p0, index p1) noexcept override {
        for (index band = p0; band < p1; ++band) {
            if (f.start == 0) bank_.start(band), instant_.start(band);
            double* const z = z_.data() + band * Instantaneous::kMost * 2 * in_.stride;
            for (index row = 0; row < f.n; row += Instantaneous::kMost) {
                const index n = std::min(f.n - row, Instantaneous::kMost);
                bank_.filter(band, in_.row(row), z, n, 2);
                instant_.write(band, z, n, out, row);
            }
        }
    }

private:
    const Slot& in_;
    AnalyticBank bank_;
    Instantaneous instant_;
    Buffer<double> z_;  // [n_bands][kMost][2][stride]
};

}  // namespace

std::unique_ptr<Op> make_analytic(const OpInit& init) { return std::make_unique<AnalyticOp>(init); }

}  // namespace fastemo
