// Plain types shared by every layer. No functions: this header is compiled for several CPU targets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastemo {

using index = std::ptrdiff_t;
static_assert(sizeof(index) == 8, "sizes are computed in 64 bits");

// Signals are kept time-major: one row of channels per sample, padded to whole groups of kLanes channels.
// A group is the unit of work for threads, and the number of logical accumulators of every reduction.
constexpr index kLanes = 8;

enum class Dtype { f32, f64 };

// Samples where the caller keeps them: any strides (in bytes), float32 or float64.
struct Samples {
    const void* data;
    Dtype dtype;
    index channel_stride;
    index sample_stride;
};

struct SamplesOut {
    void* data;
    Dtype dtype;
    index channel_stride;
    index sample_stride;
};

// Rows [first, first + n) of a ring of `size` rows of `stride` values.
struct RingView {
    const double* base;
    index size;
    index stride;
    index first;
};

// y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]
struct Section {
    double b0, b1, b2, a1, a2;
    // Where b1 = c1 b0 with c1 in {-2, 0, 2} and b2 = c2 b0 with c2 in {-1, 1}, multiplying by c1 and c2 is exact, and
    // fused or not, the result has the same bits. Butterworth sections are of this form.
    double c1, c2;
    enum Form : int { general, scaled, scaled_plus, unit, unit_plus } form;
};

}  // namespace fastemo
