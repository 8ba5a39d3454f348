// The analytic signal: the signal and, as imaginary part, its Hilbert transform over the whole of it.
//
// The spectrum turned by a quarter, -i X for positive frequencies, goes back as in overlap_save.hpp, through its Hartley
// transform.
#pragma once

#include "complex_rows.hpp"
#include "fft.hpp"
#include "stretches.hpp"

namespace fastemo::FASTEMO_NS {

inline index hilbert_scratch(const FftPlan<double>& p) { return kLanes * (3 * p.n + p.rows + 1); }

// n = p.n samples, those that are not there zero, and as many complex results.
inline void hilbert_lanes(const FftPlan<double>& p, const StretchIn& in, const LanesOut& out, double* scratch) {
    constexpr index W = vd::width;
    const index n = p.n;
    double* const pairs = scratch;  // rows of the result
    double* const turned = pairs + 2 * n * kLanes;
    double* const passes = turned + n * kLanes;
    read_stretches(in, 0, n, pairs + n * kLanes);
    const vd factor = vd::all(1 / double(n));
    for (index i = 0; i < n; ++i)  // apart, so that every second row is free
        for (index c = 0; c < kLanes; c += W) vd::load(pairs + (n + i) * kLanes + c).store(pairs + 2 * i * kLanes + c);
    for (index c = 0; c < kLanes; c += W) {
        first_pass_of_rows<vd>(p, static_cast<const double*>(pairs + c), 2 * kLanes, p.leaves, AsIs<vd>(), passes);
        finish<vd>(p, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            vd::all(0).store(turned);
            if (n % 2 == 0) vd::all(0).store(turned + n / 2 * W);
            for (index k = 1; 2 * k < n; ++k) {
                const cplx<vd> z = bin(k);
                const vd im = z.im * vd::all(p.signs[k]);
                (factor * (im + z.re)).store(turned + k * W);
                (factor * (im - z.re)).store(turned + (n - k) * W);
            }
        });
        first_pass_of_rows<vd>(p, static_cast<const double*>(turned), W, p.leaves, AsIs<vd>(), passes);
        finish<vd>(p, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index i = 0; 2 * i <= n; ++i) {
                const cplx<vd> z = bin(i);
                const vd im = z.im * vd::all(p.signs[i]);
                (z.re - im).store(pairs + (2 * i + 1) * kLanes + c);
                if (i > 0) (z.re + im).store(pairs + (2 * (n - i) + 1) * kLanes + c);
            }
        });
    }
    write_complex(pairs, n, out);
}

}  // namespace fastemo::FASTEMO_NS
