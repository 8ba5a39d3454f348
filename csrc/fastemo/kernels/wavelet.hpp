// Energies of a discrete wavelet transform (Mallat 1989, doi:10.1109/34.192463), ends mirrored with the end repeated.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// scratch: the approximation with its mirrored ends, and two rows of coefficients per level's sample.
constexpr index wavelet_scratch(index n, index taps) { return (n + 2 * taps + (n + taps) / 2 * 2 + 2) * kLanes; }

// params: levels, then the low-pass taps of the decomposition; the high-pass ones alternate in sign, reversed.
// f(level from 0, is the approximation, coefficients, how many), the details from the finest on, the approximation last.
template <class F>
FASTEMO_INLINE void for_wavelet_levels(const ReduceArgs& a, int l, F&& f) {
    const index levels = index(a.params[0]), taps = a.n_params - 1;
    const double* low = a.params + 1;
    double* padded = a.scratch + l;
    double* detail = padded + (a.n + 2 * taps) * kLanes;
    double* rough = detail + ((a.n + taps) / 2 + 1) * kLanes;
    index n = a.n;
    for (index i = 0; i < n; ++i) vd::load(a.x + i * kLanes + l).store(padded + (taps - 1 + i) * kLanes);
    for (index level = 0; level < levels; ++level) {
        const Column x{padded + (taps - 1) * kLanes};
        for (index i = 0; i < taps - 1; ++i) {
            x(i).store(padded + (taps - 2 - i) * kLanes);
            x(n - 1 - i).store(padded + (taps - 1 + n + i) * kLanes);
        }
        const index half = (n + taps - 1) / 2;
        for (index k = 0; k < half; ++k) {
            vd smooth = vd::all(0), rest = vd::all(0);
            for (index j = 0; j < taps; ++j) {
                const vd v = x(2 * k + 1 - j);
                smooth = smooth + vd::all(low[j]) * v;
                rest = rest + vd::all((j & 1 ? 1.0 : -1.0) * low[taps - 1 - j]) * v;
            }
            smooth.store(rough + k * kLanes);
            rest.store(detail + k * kLanes);
        }
        f(level, false, Column{detail}, half);
        n = half;
        for (index k = 0; k < n; ++k) vd::load(rough + k * kLanes).store(padded + (taps - 1 + k) * kLanes);
    }
    f(levels, true, Column{padded + (taps - 1) * kLanes}, n);
}

// Sum of the squared details of each level, the finest first.
inline void wavelet_coef_energy(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        for_wavelet_levels(a, l, [&](index level, bool rough, Column c, index n) {
            if (!rough) sum(0, n, [&](index i) { return c(i) * c(i); }).store(a.out + level * kLanes + l);
        });
    });
}

// Mean and unbiased standard deviation of the Teager-Kaiser energy of the approximation and of each level's details,
// the coarsest first; NaN where a level is too short.
inline void teager_kaiser_energy(const ReduceArgs& a) {
    const index levels = index(a.params[0]);
    for_natives_of_group([&](int l) {
        for_wavelet_levels(a, l, [&](index level, bool rough, Column c, index n) {
            const auto energy = [&](index i) { return c(i + 1) * c(i + 1) - c(i) * c(i + 2); };
            double* out = a.out + 2 * (rough ? 0 : levels - level) * kLanes + l;
            (n > 2 ? mean_of(n - 2, energy) : vd::all(kNaN)).store(out);
            (n > 3 ? sqrt(variance_of(n - 2, 1, energy)) : vd::all(kNaN)).store(out + kLanes);
        });
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
