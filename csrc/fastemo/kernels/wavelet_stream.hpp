// Power of wavelets on a stream: partitioned convolution as in fir_stream.hpp, of many filters with one spectrum of the past.
#pragma once

#include "fir_stream.hpp"

namespace fastemo::FASTEMO_NS {

// The shares of parts [first, first + count) of one filter in the block after that of the newest spectrum: `spectra`
// [block + 1][count][2], `past` as fir_tail keeps it.
inline void fir_part_sums(const FirParts& f, const double* past, index newest, double* out, double* scratch) {
    constexpr index W = vd::width;
    const FftPlan<double>& p = *f.plan;
    const index block = p.n / 2;
    double* const product = scratch;
    double* const passes = product + p.n * W;
    const index from = newest >= f.first ? newest - f.first : newest - f.first + f.n_past;
    for (index c = 0; c < kLanes; c += W) {
        hartley_rows(p.n, product, W, [&](index k) FASTEMO_INLINE_LAMBDA {
            const double* x = past + k * f.n_past * 2 * kLanes + c;
            const double* h = f.spectra + k * f.count * 2;
            vd rr = vd::all(0), ii = vd::all(0), ri = vd::all(0), ir = vd::all(0);
            for (index part = 0, at = from; part < f.count; ++part, at = at > 0 ? at - 1 : f.n_past - 1) {
                const vd re = vd::load(x + at * 2 * kLanes), im = vd::load(x + at * 2 * kLanes + kLanes);
                const vd h_re = vd::all(h[2 * part]), h_im = vd::all(h[2 * part + 1]);
                rr = fma(re, h_re, rr);
                ii = fma(im, h_im, ii);
                ri = fma(re, h_im, ri);
                ir = fma(im, h_re, ir);
            }
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

// The spectrum of 2 block rows takes the place of number `newest` in `past`.
inline void fir_past(const FirParts& f, const double* rows, double* past, index newest, double* scratch) {
    const FftPlan<double>& p = *f.plan;
    for (index c = 0; c < kLanes; c += vd::width)
        transform_rows(p, rows + c, kLanes, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index k = 0; 2 * k <= p.n; ++k) {
                const auto z = bin(k);
                double* to = past + (k * f.n_past + newest) * 2 * kLanes + c;
                z.re.store(to);
                z.im.store(to + kLanes);
            }
        });
}

inline index fir_parts_scratch(const FirParts& f) { return vd::width * f.plan->n + kLanes * (f.plan->rows + 1); }

// sum += weight |z|^2 of rows of kLanes, z = (re + re_more) + level; what is more may be null.
inline void add_power(const PowerRows& a) {
    for (index c = 0; c < kLanes; c += vd::width) {
        const vd l_re = vd::load(a.level[0] + c), l_im = vd::load(a.level[1] + c), weight = vd::all(a.weight);
        for (index i = 0; i < a.n; ++i) {
            const index at = i * kLanes + c;
            vd re = vd::load(a.z[0] + at), im = vd::load(a.z[1] + at);
            if (a.more[0]) re = re + vd::load(a.more[0] + at), im = im + vd::load(a.more[1] + at);
            re = re + l_re, im = im + l_im;
            fma(weight, fma(re, re, im * im), vd::load(a.sum + at)).store(a.sum + at);
        }
    }
}

inline void root_rows(const double* rows, double* out, index stride, index n) {
    for (index c = 0; c < kLanes; c += vd::width)
        for (index i = 0; i < n; ++i) sqrt(vd::load(rows + i * kLanes + c)).store(out + i * stride + c);
}

}  // namespace fastemo::FASTEMO_NS
