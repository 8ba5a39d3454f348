// Reductions of each column: of the channels of a window by sample, or of a vector's columns by row (a spectrum's bins).
// Any list of them shares one copy of the samples.
#include <cstring>

#include "op.hpp"
#include "reductions.hpp"

namespace fastemo {

namespace {

// Names joined by newlines, as bytes.
std::vector<std::string> names_of(const OpInit& init) {
    const Tensor* t = init.file.find(init.name("names"));
    if (!t || t->type != Tensor::Type::u8 || t->shape.size() != 1) init.fail("has no names as a row of U8");
    std::vector<std::string> names(1);
    for (index i = 0; i < index(t->size()); ++i) {
        const char c = char(t->data[i]);
        if (c == '\n')
            names.emplace_back();
        else
            names.back() += c;
    }
    return names;
}

class ReduceOp final : public Op {
public:
    explicit ReduceOp(const OpInit& init)
        : in_(input(init)), list_(in_.kind == Slot::window ? init.clock.length : in_.rows),
          groups_(in_.col_stride() / kLanes) {
        const auto names = names_of(init);
        const index n = index(names.size());
        const auto params = init.file.f64_array(init.name("params"), {n, ModelFile::any});
        const auto n_params = init.file.i64_array(init.name("n_params"), {n});
        const index width = index(params.size()) / n;
        for (index i = 0; i < n; ++i) {
            if (n_params[i] < 0 || n_params[i] > width)
                init.fail("has n_params " + std::to_string(n_params[i]) + " of at most " + std::to_string(width));
            try {
                list_.add(names[std::size_t(i)], params.subspan(std::size_t(i * width), std::size_t(n_params[i])));
            } catch (const std::invalid_argument& e) {
                init.fail(e.what());
            }
        }
        tile_ = list_.n_samples() * kLanes;
        memory_ = Buffer<double>(groups_ * (tile_ + list_.memory()));
        out = Slot::make(Slot::vector, list_.n_values(), in_.cols, init.clock.max_windows);
        per_window = true;
        ns_per_window = list_.ns() * double(groups_);
    }
    index parts() const override { return groups_; }
    void process(const Frame& f, index p0, index p1) noexcept override {
        for (index w = 0; w < f.n_windows; ++w) {
            const RingView from =
                in_.kind == Slot::window ? in_.ring->view(f, w) : RingView{in_.row(w), in_.rows, in_.col_stride(), 0};
            for (index g = p0; g < p1; ++g) {
                double* tile = memory_.data() + g * (tile_ + list_.memory());
                const double* rows = from.base + g * kLanes;
                index at = from.first;
                for (index i = 0; i < list_.n_samples(); ++i, at = at + 1 == from.size ? 0 : at + 1)
                    std::memcpy(tile + i * kLanes, rows + at * from.stride, sizeof(double) * kLanes);
                list_.run(tile, in_.cols - g * kLanes, tile + tile_, out.row(w) + g * kLanes, out.col_stride());
            }
        }
    }

private:
    static const Slot& input(const OpInit& init) {
        const bool vector = init.inputs.size() == 1 && init.inputs[0]->kind == Slot::vector;
        return init.input(vector ? Slot::vector : Slot::window);
    }

    const Slot& in_;
    ReductionList list_;
    const index groups_;
    index tile_;
    Buffer<double> memory_;  // of each group: the window, and what the reductions need
};

}  // namespace

std::unique_ptr<Op> make_reduce(const OpInit& init) { return std::make_unique<ReduceOp>(init); }

}  // namespace fastemo
