// Artifact subspace reconstruction of a stream (docs/program.md, `asr`): rows in, as many rows out, `delay` rows late.
#pragma once

#include <vector>

#include "../base/buffer.hpp"
#include "../targets/artefact_kernels.hpp"
#include "../targets/kernels.hpp"

namespace fastemo {

struct AsrDesign {
    std::vector<Section> sections;       // of the filter that shapes what is judged
    std::vector<double> zi;              // [n_sections][2]
    std::vector<double> limit, inverse;  // [n_channels][n_channels]
    index n_channels, n_blocks, hop, delay, most;

    // One sentence of what is wrong, or nothing.
    std::string fault() const;
};

class Asr {
public:
    Asr(const AsrDesign& design, index max_rows);

    // in and out [n][stride], n up to max_rows
    void process(const double* in, double* out, index n) noexcept;
    void reset() noexcept;
    // The next judgement is made by what the other has learnt.
    bool fits(const Asr& other) const noexcept { return other.limit_.size() == limit_.size(); }
    void exchange(Asr& other) noexcept { std::swap(limit_, other.limit_), std::swap(inverse_, other.inverse_); }
    index stride() const { return stride_; }
    double ns_per_sample() const;

private:
    void start(const double* first) noexcept;
    const double* delayed(const double* in, index n) noexcept;
    void clean(const double* raw, double* out, index n) noexcept;
    void close_block() noexcept;

    const AsrDesign design_;
    const index stride_, max_rows_;
    bool started_ = false;
    index in_block_ = 0, place_ = 0, n_seen_ = 0;  // samples in the open block, its place in the ring, blocks so far
    index late_ = 0;                               // row of the delay line that is due
    bool is_mapped_[2] = {false, false};           // else the map is the identity
    int newest_ = 0;
    std::vector<double> weights_;  // of the newest map, by the sample of the block
    std::vector<index> order_;
    Buffer<double> limit_, inverse_, state_, shaped_, raw_, line_, blocks_, sums_, map_[2], other_, gram_, scratch_;
};

}  // namespace fastemo
