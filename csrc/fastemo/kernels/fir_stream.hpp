// FIR filters on a stream: what of the sum lies further back than a block is added up block by block, by the FFT.
//
// Uniformly partitioned overlap-save (Gardner 1995, J. Audio Eng. Soc. 43): blocks begin at multiples of `block` on the
// absolute grid of samples, so bits depend on the sample's number only. Taps from `block` on need no sample of the block
// they are wanted in: the whole block's share is there when it begins, and nothing is late.
#pragma once

#include "overlap_save.hpp"
#include "polyphase.hpp"

namespace fastemo::FASTEMO_NS {

inline index fir_tail_scratch(const FirTail& f) { return vd::width * f.plan->n + kLanes * (f.plan->rows + 1); }

// The spectrum of the newest 2 block rows takes the place of number `newest` in `past`; then out[i], i < block, are the
// sums of the next block over all taps from `block` on.
inline void fir_tail(const FirTail& f, const double* rows, double* past, index newest, double* out, double* scratch) {
    constexpr index W = vd::width;
    const FftPlan<double>& p = *f.plan;
    const index n_parts = f.n_parts, block = p.n / 2;
    double* const product = scratch;
    double* const passes = product + p.n * W;
    for (index c = 0; c < kLanes; c += W) {
        transform_rows(p, rows + c, kLanes, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index k = 0; k <= block; ++k) {
                const auto z = bin(k);
                double* to = past + (k * n_parts + newest) * 2 * kLanes + c;
                z.re.store(to);
                z.im.store(to + kLanes);
            }
        });
        hartley_rows(p.n, product, W, [&](index k) FASTEMO_INLINE_LAMBDA {
            const double* x = past + k * n_parts * 2 * kLanes + c;
            const double* h = f.spectra + k * n_parts * 2;
            // Four sums, so that none waits for another.
            vd rr = vd::all(0), ii = vd::all(0), ri = vd::all(0), ir = vd::all(0);
            const auto add = [&](index at, index part) FASTEMO_INLINE_LAMBDA {
                const vd re = vd::load(x + at * 2 * kLanes), im = vd::load(x + at * 2 * kLanes + kLanes);
                const vd h_re = vd::all(h[2 * part]), h_im = vd::all(h[2 * part + 1]);
                rr = fma(re, h_re, rr);
                ii = fma(im, h_im, ii);
                ri = fma(re, h_im, ri);
                ir = fma(im, h_re, ir);
            };
            for (index part = 0; part <= newest; ++part) add(newest - part, part);
            for (index part = newest + 1; part < n_parts; ++part) add(newest - part + n_parts, part);
            return cplx<vd>{rr - ii, ri + ir};
        });
        transform_rows(p, product, W, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index i = 1; i <= block; ++i) {
                const auto z = bin(i);
                (z.re + z.im).store(out + (block - i) * kLanes + c);
            }
        });
    }
}

// rows = in - level, both of one group
inline void take_off_level(const double* in, index stride, const double* level, double* rows, index n) {
    for (index c = 0; c < kLanes; c += vd::width) {
        const vd l = vd::load(level + c);
        for (index i = 0; i < n; ++i) (vd::load(in + i * stride + c) - l).store(rows + i * kLanes + c);
    }
}

// out = (out + tail) + level, without `tail` where that is null
inline void put_on_level(const double* tail, const double* level, double* out, index stride, index n) {
    for (index c = 0; c < kLanes; c += vd::width) {
        const vd l = vd::load(level + c);
        if (tail)
            for (index i = 0; i < n; ++i)
                ((vd::load(out + i * stride + c) + vd::load(tail + i * kLanes + c)) + l).store(out + i * stride + c);
        else
            for (index i = 0; i < n; ++i) (vd::load(out + i * stride + c) + l).store(out + i * stride + c);
    }
}

}  // namespace fastemo::FASTEMO_NS
