// The analytic signal of one long signal at a time: the lanes are its residues modulo eight, so that a row is eight
// samples as they come and only this signal has to stay in the cache.
//
// With the transforms Y_l of the residues, m = n/8 points each, and w = exp(-2 pi i/n), the signal's own transform is
// X[k + m j] = sum_l w^(l k) exp(-2 pi i l j/8) Y_l[k]. Its turning by a quarter, -i for positive and i for negative
// frequencies, and the way back to residues leave a circulant of what belongs to one k,
//     U_l[k] = w^(-l k) 1/4 sum of (cot(pi (l - l')/8) - i) w^(l' k) Y_l'[k] over odd l - l',
// so X itself is never made. Of k = 0 the mean and the highest frequency vanish, which are the -i there.
#pragma once

#include "complex_rows.hpp"
#include "fft.hpp"

namespace fastemo::FASTEMO_NS {

inline index hilbert_alone_scratch(const FftPlan<double>& p) { return kLanes * (3 * p.n + p.rows + 4); }

// Of values at W successive k of the eight residues: what is to be transformed back, but for the factor w^(-l k).
FASTEMO_INLINE void turn_residues(const vd (&t)[kLanes], vd near, vd far, vd (&u)[kLanes]) {
    FASTEMO_UNROLL
    for (int odd = 0; odd < 2; ++odd) {  // the inputs' parity; the outputs have the other
        vd d[4];
        FASTEMO_UNROLL
        for (int q = 0; q < 4; ++q) d[q] = t[2 * q + odd] - t[(2 * q + odd + 2) % 8];
        FASTEMO_UNROLL
        for (int q = 0; q < 4; ++q) {
            const int i = odd ? (q + 3) % 4 : q;
            u[2 * q + 1 - odd] = fma(near, d[i], far * d[(i + 2) % 4]);
        }
    }
}

// parts [m/2 + 1][re, im][8] of the residues' transforms; turned [m + 1][8] gets the Hartley transforms of the results.
// twiddles: cosines of w^k, k <= m/2, rounded up to whole groups, and after them as many sines.
inline void turn_quarter(const double* parts, const double* twiddles, index m, double* turned) {
    constexpr int W = vd::width;
    constexpr double kNear = 2.414213562373095, kFar = 0.41421356237309503;  // cot(pi/8), cot(3 pi/8)
    const index n_bins = m / 2 + 1, sines = (n_bins + kLanes - 1) / kLanes * kLanes;
    const double scale = 1 / (4 * double(m));
    const vd near = vd::all(kNear * scale), far = vd::all(-kFar * scale);
    for (index tile = 0; tile < n_bins; tile += W) {
        const index k = tile + W <= n_bins ? tile : n_bins - W;  // the last one overlaps the one before
        vd re[kLanes], im[kLanes];
        FASTEMO_UNROLL
        for (int h = 0; h < int(kLanes); h += W) {
            vd a[W], b[W];
            FASTEMO_UNROLL
            for (int i = 0; i < W; ++i) {
                a[i] = vd::load(parts + (k + i) * 2 * kLanes + h);
                b[i] = vd::load(parts + (k + i) * 2 * kLanes + kLanes + h);
            }
            transpose(a);
            transpose(b);
            FASTEMO_UNROLL
            for (int i = 0; i < W; ++i) re[h + i] = a[i], im[h + i] = b[i];
        }
        cplx<vd> w[kLanes];
        w[1] = {vd::load(twiddles + k), vd::load(twiddles + sines + k)};
        FASTEMO_UNROLL
        for (int l = 2; l < int(kLanes); ++l) {
            const cplx<vd> a = w[l / 2], b = w[l - l / 2];
            w[l] = {fma(a.re, b.re, -(a.im * b.im)), fma(a.re, b.im, a.im * b.re)};
        }
        FASTEMO_UNROLL
        for (int l = 1; l < int(kLanes); ++l) {
            const vd x = re[l], y = im[l];
            re[l] = fma(x, w[l].re, -(y * w[l].im));
            im[l] = fma(x, w[l].im, y * w[l].re);
        }
        vd quarter = vd::all(scale), spread = vd::all(0);
        if (k == 0) {
            double of_lane[W];
            FASTEMO_UNROLL
            for (int i = 0; i < W; ++i) of_lane[i] = i ? scale : 0;
            quarter = vd::load(of_lane);
            FASTEMO_UNROLL
            for (int l = 0; l < int(kLanes); ++l)
                spread = fma(re[l], vd::all(0), spread);  // what is not finite: to all
        }
        vd u[kLanes], v[kLanes];
        turn_residues(re, near, far, u);
        turn_residues(im, near, far, v);
        FASTEMO_UNROLL
        for (int odd = 0; odd < 2; ++odd) {
            const vd sum_re = (re[odd] + re[odd + 2]) + (re[odd + 4] + re[odd + 6]);
            const vd sum_im = (im[odd] + im[odd + 2]) + (im[odd + 4] + im[odd + 6]);
            FASTEMO_UNROLL
            for (int l = 1 - odd; l < int(kLanes); l += 2) {
                u[l] = fma(quarter, sum_im, u[l]) + spread;
                v[l] = fma(-quarter, sum_re, v[l]);
            }
        }
        FASTEMO_UNROLL
        for (int l = 1; l < int(kLanes); ++l) {
            const vd x = u[l], y = v[l];
            u[l] = fma(x, w[l].re, y * w[l].im);
            v[l] = fma(y, w[l].re, -(x * w[l].im));
        }
        FASTEMO_UNROLL
        for (int h = 0; h < int(kLanes); h += W) {
            vd a[W], b[W];
            FASTEMO_UNROLL
            for (int i = 0; i < W; ++i) a[i] = u[h + i] - v[h + i], b[i] = u[h + i] + v[h + i];
            transpose(a);
            transpose(b);
            FASTEMO_UNROLL
            for (int i = 0; i < W; ++i) {
                a[i].store(turned + (k + i) * kLanes + h);
                b[i].store(turned + (m - k - i) * kLanes + h);
            }
        }
    }
}

template <class T>
inline void write_analytic(const double* x, const double* h, index n, T* out, index stride) {
    index i = 0;
#if FASTEMO_VECTORS
    if (stride == 2 * index(sizeof(T)))
        for (; i + vd::width <= n; i += vd::width) {
            vd low, high;
            interleave(vd::load(x + i), vd::load(h + i), low, high, std::make_index_sequence<vd::width>());
            narrow(low, out + 2 * i);
            narrow(high, out + 2 * i + vd::width);
        }
#endif
    for (; i < n; ++i) {
        T* to = reinterpret_cast<T*>(reinterpret_cast<char*>(out) + i * stride);
        to[0] = T(x[i]);
        to[1] = T(h[i]);
    }
}

// Of lane 0: 8 p.n samples, those beyond `n_samples` zero, and as many complex results; p.n is at least 15.
inline void hilbert_alone(const FftPlan<double>& p, const double* twiddles, const LanesIn& in, index n_samples,
                          const LanesOut& out, double* scratch) {
    constexpr index W = vd::width;
    const index m = p.n, n = kLanes * m, n_bins = m / 2 + 1;
    double* const parts = scratch;  // and the result
    double* const turned = parts + 2 * kLanes * n_bins;
    double* const samples = turned + kLanes * (m + 1);
    double* const passes = samples + n;
    const double* x = samples;
    if (in.dtype == Dtype::f64 && in.stride == index(sizeof(double)) && n_samples >= n) {
        x = reinterpret_cast<const double*>(in.at[0]);
    } else {
        const index there = n_samples < n ? n_samples : n;
        read_lanes<Single>(in, 0, there, samples);
        for (index i = there; i < n; ++i) samples[i] = 0;
    }
    for (index c = 0; c < kLanes; c += W) {
        first_pass_of_rows<vd>(p, x + c, kLanes, p.leaves, AsIs<vd>(), passes);
        finish<vd>(p, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index k = 0; k < n_bins; ++k) {
                const cplx<vd> z = bin(k);
                z.re.store(parts + k * 2 * kLanes + c);
                (z.im * vd::all(p.signs[k])).store(parts + k * 2 * kLanes + kLanes + c);
            }
        });
    }
    turn_quarter(parts, twiddles, m, turned);
    for (index c = 0; c < kLanes; c += W) {
        first_pass_of_rows<vd>(p, static_cast<const double*>(turned + c), kLanes, p.leaves, AsIs<vd>(), passes);
        finish<vd>(p, passes, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index i = 0; i < n_bins; ++i) {
                const cplx<vd> z = bin(i);
                const vd im = z.im * vd::all(p.signs[i]);
                (z.re - im).store(parts + i * kLanes + c);
                if (i > 0) (z.re + im).store(parts + (m - i) * kLanes + c);
            }
        });
    }
    if (out.dtype == Dtype::f64)
        write_analytic(x, parts, n, sample<double>(out, 0, 0), out.stride);
    else
        write_analytic(x, parts, n, sample<float>(out, 0, 0), out.stride);
}

}  // namespace fastemo::FASTEMO_NS
