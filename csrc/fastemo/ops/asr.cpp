#include "asr.hpp"

#include <cstring>

#include "../base/roots.hpp"
#include "adaptable.hpp"
#include "op.hpp"
#include "sections.hpp"

namespace fastemo {

namespace {

constexpr index kMaxHop = index(1) << 20, kMaxBlocks = index(1) << 16, kMaxDelay = index(1) << 24;

Buffer<double> in_rows(const std::vector<double>& matrix, index n, index stride) {
    Buffer<double> rows(n * stride);
    for (index i = 0; i < n; ++i) std::copy_n(matrix.data() + i * n, n, rows.data() + i * stride);
    return rows;
}

}  // namespace

std::string AsrDesign::fault() const {
    const auto outside = [](const char* name, index value, index low, index high) {
        return std::string(name) + " is " + std::to_string(value) + ", expected " + std::to_string(low) + " to " +
               std::to_string(high);
    };
    if (hop < 1 || hop > kMaxHop) return outside("hop", hop, 1, kMaxHop);
    if (n_blocks < 1 || n_blocks > kMaxBlocks) return outside("n_blocks", n_blocks, 1, kMaxBlocks);
    if (delay < 0 || delay > kMaxDelay) return outside("delay", delay, 0, kMaxDelay);
    if (most < 1 || most > n_channels) return outside("most", most, 1, n_channels);
    return {};
}

Asr::Asr(const AsrDesign& design, index max_rows)
    : design_(design), stride_(padded(design.n_channels)), max_rows_(max_rows), order_(std::size_t(design.n_channels)),
      limit_(in_rows(design.limit, design.n_channels, stride_)),
      inverse_(in_rows(design.inverse, design.n_channels, stride_)),
      state_(2 * index(design.sections.size()) * stride_), shaped_(max_rows * stride_),
      raw_(design.delay > 0 ? max_rows * stride_ : 0), line_(design.delay * stride_),
      blocks_(design.n_blocks * design.n_channels * stride_), sums_(design.n_channels * stride_),
      map_{Buffer<double>(design.n_channels * stride_), Buffer<double>(design.n_channels * stride_)},
      other_(max_rows * stride_), gram_(design.most * design.most),
      scratch_(kernels().artefact->subspace_scratch(design.n_channels, stride_)) {
    weights_.reserve(std::size_t(design.hop));
    for (index j = 1; j <= design.hop; ++j) weights_.push_back((1 - root_of_unity(j, 2 * design.hop).re) / 2);
}

double Asr::ns_per_sample() const {
    const double area = double(design_.n_channels) * double(stride_);
    const double update = area * (double(design_.n_blocks) * 0.2 + double(design_.n_channels));
    return 0.12 * double(stride_) * double(design_.sections.size()) + 0.3 * area + update / double(design_.hop);
}

void Asr::process(const double* in, double* out, index n) noexcept {
    if (n == 0) return;
    if (!started_) start(in);
    for (index row = 0; row < n;) {
        const index rows = std::min({n - row, design_.hop - in_block_, max_rows_});
        const double* x = in + row * stride_;
        kernels().sosfilt_rows(design_.sections.data(), index(design_.sections.size()), state_.data(), x,
                               shaped_.data(), stride_, rows, 0, stride_);
        kernels().artefact->add_products(shaped_.data(), stride_, design_.n_channels, rows,
                                         blocks_.data() + place_ * design_.n_channels * stride_);
        clean(delayed(x, rows), out + row * stride_, rows);
        row += rows;
        in_block_ += rows;
        if (in_block_ == design_.hop) close_block();
    }
}

// As if the first sample had gone on for ever before.
void Asr::start(const double* first) noexcept {
    started_ = true;
    start_sections(design_.zi.data(), index(design_.sections.size()), first, state_.data(), stride_, 0, stride_);
    for (index i = 0; i < design_.delay; ++i) std::copy_n(first, stride_, line_.data() + i * stride_);
}

const double* Asr::delayed(const double* in, index n) noexcept {
    if (design_.delay == 0) return in;
    const std::size_t bytes = sizeof(double) * std::size_t(stride_);
    for (index i = 0; i < n; ++i) {
        double* const due = line_.data() + late_ * stride_;
        std::memcpy(raw_.data() + i * stride_, due, bytes);
        std::memcpy(due, in + i * stride_, bytes);
        late_ = late_ + 1 == design_.delay ? 0 : late_ + 1;
    }
    return raw_.data();
}

// From the map before to the newest one along half a cosine.
void Asr::clean(const double* raw, double* out, index n) noexcept {
    const auto apply = [&](int which, double* to) {
        if (is_mapped_[which])
            kernels().matrix(map_[which].data(), design_.n_channels, raw, stride_, to, stride_, n);
        else
            std::copy_n(raw, n * stride_, to);
    };
    apply(1 - newest_, out);
    if (!is_mapped_[0] && !is_mapped_[1]) return;
    apply(newest_, other_.data());
    for (index i = 0; i < n; ++i)
        kernels().lerp(weights_[std::size_t(in_block_ + i)], other_.data() + i * stride_, out + i * stride_, stride_);
}

void Asr::close_block() noexcept {
    const index size = design_.n_channels * stride_;
    in_block_ = 0;
    n_seen_ = std::min(n_seen_ + 1, design_.n_blocks);
    // Oldest first, so that the sum is the same wherever the ring begins.
    for (index k = 0; k < n_seen_; ++k) {
        const index at = (place_ + design_.n_blocks - (n_seen_ - 1) + k) % design_.n_blocks;
        if (k == 0)
            std::copy_n(blocks_.data() + at * size, size, sums_.data());
        else
            kernels().add(blocks_.data() + at * size, sums_.data(), size);
    }
    place_ = (place_ + 1) % design_.n_blocks;
    std::fill_n(blocks_.data() + place_ * size, size, 0.0);
    newest_ = 1 - newest_;
    is_mapped_[newest_] =
        kernels().artefact->subspace_map({sums_.data(), limit_.data(), inverse_.data(),
                                          1 / double(n_seen_ * design_.hop), design_.n_channels, stride_, design_.most,
                                          map_[newest_].data(), gram_.data(), order_.data(), scratch_.data()}) > 0;
}

void Asr::reset() noexcept {
    started_ = is_mapped_[0] = is_mapped_[1] = false;
    in_block_ = place_ = n_seen_ = late_ = 0;
    newest_ = 0;
    std::fill_n(blocks_.data(), design_.n_channels * stride_, 0.0);
}

namespace {

AsrDesign read_design(const OpInit& init) {
    AsrDesign d;
    d.n_channels = init.input(Slot::signal).cols;
    const auto coef = init.file.f64_array(init.name("coef"), {ModelFile::any, 6});
    const index n_sections = index(coef.size()) / 6;
    if (n_sections == 0) init.fail("has no sections");
    const auto copy = [&](const char* name, std::initializer_list<std::int64_t> shape) {
        const auto values = init.file.f64_array(init.name(name), shape);
        return std::vector<double>(values.begin(), values.end());
    };
    d.zi = copy("zi", {n_sections, 2});
    d.limit = copy("limit", {d.n_channels, d.n_channels});
    d.inverse = copy("inverse", {d.n_channels, d.n_channels});
    d.n_blocks = index(init.file.i64(init.name("n_blocks")));
    d.hop = index(init.file.i64(init.name("hop")));
    d.delay = index(init.file.i64(init.name("delay")));
    d.most = index(init.file.i64(init.name("most")));
    if (const std::string fault = d.fault(); !fault.empty()) init.fail("has a value out of range: " + fault);
    try {
        d.sections = make_sections(coef.data(), n_sections);
    } catch (const std::invalid_argument& e) {
        init.fail(e.what());
    }
    return d;
}

class AsrOp final : public Op, public Adaptable {
public:
    explicit AsrOp(const OpInit& init) : in_(init.input(Slot::signal)), asr_(read_design(init), init.clock.max_rows) {
        out = Slot::make(Slot::signal, 1, in_.cols, init.clock.max_rows);
        bits = Bits::fusing;
        ns_per_sample = asr_.ns_per_sample();
    }
    void process(const Frame& f, index, index) noexcept override {
        asr_.process(in_.data.data(), out.data.data(), f.n);
    }
    void reset() noexcept override { asr_.reset(); }
    bool fits(const Op& op) const noexcept override {
        const auto* other = dynamic_cast<const AsrOp*>(&op);
        return other && asr_.fits(other->asr_);
    }
    void exchange(Op& op) noexcept override { asr_.exchange(static_cast<AsrOp&>(op).asr_); }

private:
    const Slot& in_;
    Asr asr_;
};

}  // namespace

std::unique_ptr<Op> make_asr(const OpInit& init) { return std::make_unique<AsrOp>(init); }

}  // namespace fastemo
