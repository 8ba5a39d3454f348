// Sums of products of channels over a window, about their means.
//
// Samples are taken about the means of the first block, on their way in, and what these differ by from those of all
// samples is taken off the sums at the end (Chan, Golub, LeVeque, The American Statistician 37:242, 1983): everything is
// read once. As the first block's samples are among them, the sums are at most n / kBlock times what is left of them,
// whatever the channels' offsets and steps are, and no more digits than these are lost.
#pragma once

#include "../base/matrices.hpp"
#include "gram.hpp"
#include "pack.hpp"
#include "rows.hpp"

namespace fastemo::FASTEMO_NS {

constexpr index kBlock = 64;  // samples; 64 channels of them fill L1
constexpr index kPanel = kBlock * kLanes;

inline index scatter_scratch(index n_channels) { return (kBlock + 1) * ((n_channels + kLanes - 1) / kLanes * kLanes); }

// Samples [t, t + n) as panels.
FASTEMO_INLINE void window_panels(const ScatterArgs& args, index t, index n, index stride, double* panels) {
    Samples in = args.in;
    if (!args.ring.base) in.data = static_cast<const char*>(in.data) + t * in.sample_stride;
    for (index c = 0; c < stride; c += kLanes) {
        double* const panel = panels + c / kLanes * kPanel;
        if (!args.ring.base) {
            load_rows(in, args.n_channels, n, 1, panel - c, kLanes, c, c + kLanes);
            continue;
        }
        index at = (args.ring.first + t) % args.ring.size;
        for (index i = 0; i < n; ++i, at = at + 1 < args.ring.size ? at + 1 : 0)
            pack::load(args.ring.base + at * args.ring.stride + c).store(panel + i * kLanes);
    }
}

// Samples [t, t + n) of every channel, where these lie one after the other.
FASTEMO_INLINE Fetch samples_ahead(const Samples& in, index n_channels, index t, index n) {
    if (n <= 0 || in.sample_stride <= 0 || in.sample_stride > 16) return {};
    const index lines = (n * in.sample_stride + 63) / 64;
    return {static_cast<const char*>(in.data) + t * in.sample_stride, lines, in.channel_stride - 64 * lines,
            n_channels};
}

// Rows less `mean` in one native of channels, and their sum: four running ones, in the order of the rows.
struct CentredRows {
    const vd mean;
    vd sum[4] = {vd::all(0), vd::all(0), vd::all(0), vd::all(0)};

    FASTEMO_INLINE void put(vd x, index i, double* to) {
        const vd r = x - mean;
        r.store(to);
        sum[i & 3] = sum[i & 3] + r;
    }
    FASTEMO_INLINE void add_to(double* total) const {
        (vd::load(total) + ((sum[0] + sum[2]) + (sum[1] + sum[3]))).store(total);
    }
};

inline void centre_panels(index n, index stride, const double* mean, double* sums, double* panels) {
    for (index c = 0; c < stride; c += vd::width) {
        double* const panel = panels + c / kLanes * kPanel + c % kLanes;
        CentredRows centred{vd::load(mean + c)};
        for (index i = 0; i < n; ++i) centred.put(vd::load(panel + i * kLanes), i, panel + i * kLanes);
        centred.add_to(sums + c);
    }
}

// The same of samples that lie one after the other.
template <class T>
FASTEMO_INLINE void read_centred(const Samples& in, index n_channels, index n, index stride, const double* mean,
                                 double* sums, double* panels) {
    constexpr int W = vd::width;
    for (index c = 0; c < stride; c += W) {
        double* const panel = panels + c / kLanes * kPanel + c % kLanes;
        CentredRows centred{vd::load(mean + c)};
        const auto at = [&](index l, index i) {
            return element<const T>(in.data, in.channel_stride, in.sample_stride, c + l, i);
        };
        index i = 0;
        if (c + W <= n_channels)
            for (; i + kLanes <= n; i += kLanes) {
                FASTEMO_UNROLL
                for (int part = 0; part < int(kLanes); part += W) {
                    vd tile[W];
                    FASTEMO_UNROLL
                    for (int l = 0; l < W; ++l) tile[l] = widen(at(l, i + part));
                    transpose(tile);
                    FASTEMO_UNROLL
                    for (int k = 0; k < W; ++k) centred.put(tile[k], part + k, panel + (i + part + k) * kLanes);
                }
            }
        for (; i < n; ++i) {
            double x[W];
            for (index l = 0; l < W; ++l) x[l] = c + l < n_channels ? double(*at(l, i)) : 0;
            centred.put(vd::load(x), i, panel + i * kLanes);
        }
        centred.add_to(sums + c);
    }
}

// Samples [t, t + n) as panels less `mean`; their sums are added to `sums`.
FASTEMO_INLINE void centred_panels(const ScatterArgs& args, index t, index n, index stride, double* sums,
                                   double* panels) {
    const index item = args.in.dtype == Dtype::f64 ? 8 : 4;
    if (args.ring.base || args.in.sample_stride != item) {
        window_panels(args, t, n, stride, panels);
        return centre_panels(n, stride, args.mean, sums, panels);
    }
    Samples in = args.in;
    in.data = static_cast<const char*>(in.data) + t * item;
    if (args.in.dtype == Dtype::f64)
        read_centred<double>(in, args.n_channels, n, stride, args.mean, sums, panels);
    else
        read_centred<float>(in, args.n_channels, n, stride, args.mean, sums, panels);
}

inline void scatter(const ScatterArgs& args) {
    constexpr index W = vd::width;
    const index stride = (args.n_channels + kLanes - 1) / kLanes * kLanes;
    double *const panels = args.scratch, *const sums = panels + kBlock * stride;
    for (index c = 0; c < stride; c += W) vd::all(0).store(args.mean + c), vd::all(0).store(sums + c);
    for (index t = 0; t < args.n; t += kBlock) {
        const index n = args.n - t < kBlock ? args.n - t : kBlock;
        if (!args.centre || t == 0)
            window_panels(args, t, n, stride, panels);
        else
            centred_panels(args, t, n, stride, sums, panels);
        if (args.centre && t == 0) {
            for (index c = 0; c < stride; c += W) {
                const double* const panel = panels + c / kLanes * kPanel + c % kLanes;
                vd sum = vd::all(0);
                for (index i = 0; i < n; ++i) sum = sum + vd::load(panel + i * kLanes);
                (sum * vd::all(1 / double(n))).store(args.mean + c);
            }
            centre_panels(n, stride, args.mean, sums, panels);
        }
        const index next = t + kBlock, left = args.n - next < kBlock ? args.n - next : kBlock;
        Fetch ahead = args.ring.base ? Fetch() : samples_ahead(args.in, args.n_channels, next, left);
        gram_upper({panels, panels, kPanel, stride, stride, n, args.scatter, stride, t > 0}, ahead);
    }
    finish_upper(args.scatter, stride, stride);
    if (!args.centre) return;
    for (index c = 0; c < stride; c += W) {
        const vd delta = vd::load(sums + c) * vd::all(1 / double(args.n));
        delta.store(sums + c);
        (vd::load(args.mean + c) + delta).store(args.mean + c);
    }
    for (index i = 0; i < stride; ++i) {
        const vd all = vd::all(-double(args.n) * sums[i]);
        double* const row = args.scatter + i * stride;
        for (index j = i / W * W; j < stride; j += W) fma(all, vd::load(sums + j), vd::load(row + j)).store(row + j);
        if (row[i] < 0) row[i] = 0;  // by rounding, of a channel that does not change
    }
}

inline void fourth_moments(const FourthMoments& args) {
    const ScatterArgs& samples = args.samples;
    const index stride = (samples.n_channels + kLanes - 1) / kLanes * kLanes;
    double* const panels = samples.scratch;
    double of_rows = 0;
    pack of_values = pack::all(0);
    for (index t = 0; t < samples.n; t += kBlock) {
        const index n = samples.n - t < kBlock ? samples.n - t : kBlock;
        window_panels(samples, t, n, stride, panels);
        for (index i = 0; i < n; ++i) {
            pack sum = pack::all(0);
            for (index c = 0; c < stride; c += kLanes) {
                const pack x = pack::load(panels + c * kBlock + i * kLanes) - pack::load(samples.mean + c);
                const pack y = pack::load(args.weight + c) * (x * x);
                sum = sum + y;
                of_values = fma(y, y, of_values);
            }
            double lane[kLanes];
            sum.store(lane);
            const double row = tree_sum(lane);
            of_rows += row * row;
        }
    }
    double lane[kLanes];
    of_values.store(lane);
    args.sums[0] = of_rows, args.sums[1] = tree_sum(lane);
}

constexpr index kComplexBlock = 32, kComplexPanel = kComplexBlock * kLanes;

inline index hermitian_scratch(index n_channels) {
    const index stride = (n_channels + kLanes - 1) / kLanes * kLanes;
    return 5 * kComplexBlock * stride;
}

// With z = a + ib, P = (a + b)'(a - b) and S = a'a: the imaginary part is (P - P')/2, which of equal channels is 0, and
// the real part 2 S - (P + P')/2. That is three quarters of the multiplications of four real products.
inline void hermitian(const Samples& in, index imaginary, index n_channels, index n, double* real, double* imag,
                      double* scratch) {
    constexpr index W = vd::width;
    const index stride = (n_channels + kLanes - 1) / kLanes * kLanes;
    const bool interleaved = imaginary * 2 == in.sample_stride;
    double *const raw = scratch, *const a = raw + 2 * kComplexBlock * stride, *const plus = a + kComplexBlock * stride,
                  *const minus = plus + kComplexBlock * stride;
    for (index t = 0; t < n; t += kComplexBlock) {
        const index size = n - t < kComplexBlock ? n - t : kComplexBlock;
        Samples part = in;
        part.data = static_cast<const char*>(in.data) + t * in.sample_stride;
        const double *re = raw, *im = raw + stride;
        index step = 2 * stride;
        if (interleaved) {
            part.sample_stride = imaginary;
            load_rows(part, n_channels, 2 * size, 1, raw, stride, 0, stride);
        } else {
            load_rows(part, n_channels, size, 1, raw, stride, 0, stride);
            part.data = static_cast<const char*>(part.data) + imaginary;
            load_rows(part, n_channels, size, 1, raw + kComplexBlock * stride, stride, 0, stride);
            im = raw + kComplexBlock * stride, step = stride;
        }
        for (index i = 0; i < size; ++i)
            for (index c = 0; c < stride; c += W) {
                const vd x = vd::load(re + i * step + c), y = vd::load(im + i * step + c);
                const index at = c / kLanes * kComplexPanel + i * kLanes + c % kLanes;
                x.store(a + at);
                (x + y).store(plus + at);
                (x - y).store(minus + at);
            }
        const index next = t + kComplexBlock, left = n - next < kComplexBlock ? n - next : kComplexBlock;
        Fetch ahead = samples_ahead(in, n_channels, next, left);
        gram_upper({a, a, kComplexPanel, stride, stride, size, real, stride, t > 0}, ahead);
        gram({plus, minus, kComplexPanel, stride, stride, size, imag, stride, t > 0}, ahead);
    }
    finish_upper(real, stride, stride);
    for (index i = 0; i < n_channels; ++i)
        for (index j = i; j < n_channels; ++j) {
            const double p = imag[i * stride + j], q = imag[j * stride + i];
            real[i * stride + j] = 2 * real[i * stride + j] - 0.5 * (p + q);
            imag[i * stride + j] = 0.5 * (p - q);
        }
}

}  // namespace fastemo::FASTEMO_NS
