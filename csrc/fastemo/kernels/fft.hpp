// The batched real FFT: lanes are channels, one native holds the same point or bin of W of them.
#pragma once

#include "fft_input.hpp"

namespace fastemo::FASTEMO_NS {

// After the first pass; f(bin) is called once, bin(i) computes wanted bin number i (see last_pass).
template <class V, class T, class F>
FASTEMO_INLINE void finish(const FftPlan<T>& p, T* scratch, F&& f) {
    if (p.convolution) {
        convolve<V>(p, scratch);
        f([&](index i) FASTEMO_INLINE_LAMBDA { return convolved_bin<V>(p, scratch, i); });
    } else {
        middle_passes<V>(p, scratch);
        with_last_radix(p, [&](auto r) FASTEMO_INLINE_LAMBDA {
            f([&](index i) FASTEMO_INLINE_LAMBDA { return last_pass<r, V>(p, scratch, i); });
        });
    }
}

// out[bin - first][channel] = scale[bin - first] |X_bin|^2, X the transform of taper (x - mean).
inline void fft_power(const FftPlan<double>& p, const FftInput& in, const double* taper, bool detrend,
                      const double* scale, double* out, index out_stride, double* scratch, index c0, index c1) {
    for (index c = c0; c < c1; c += vd::width) {
        const Tapered<vd> prepare = {taper, detrend, vd::all(0)};
        if (!in.samples.data)
            first_pass_of_ring(p, in.ring, c, prepare, scratch);
        else if (in.samples.dtype == Dtype::f64)
            first_pass_of_samples<vd, double>(p, in.samples, c, in.n_channels, prepare, scratch);
        else
            first_pass_of_samples<vd, float>(p, in.samples, c, in.n_channels, prepare, scratch);
        finish<vd>(p, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index i = 0; i < p.stop - p.first; ++i) {
                const cplx<vd> z = bin(i);
                (vd::all(scale[i]) * fma(z.re, z.re, z.im * z.im)).store(out + i * out_stride + c);
            }
        });
    }
}

// The wanted bins of every channel. A bin is a pair of T; strides of `out` are in bytes.
template <class T>
inline void rfft(const FftPlan<T>& p, const Samples& in, index n_channels, const SamplesOut& out, T* scratch, index c0,
                 index c1) {
    using V = simd<T, native_width<T>>;
    constexpr int W = V::width, together = W > 1 ? W / 2 : 1;
    const index n_bins = p.stop - p.first;
    const bool packed = out.sample_stride == 2 * index(sizeof(T)) && n_bins >= together && W > 1;
    for (index c = c0; c < c1 && c < n_channels; c += W) {
        const index end = n_channels < c1 ? n_channels : c1;
        const int lanes = end - c < W ? int(end - c) : W;
        first_pass_of_samples<V, T>(p, in, c, end, AsIs<V>(), scratch);
        const auto to = [&](int l, index i) {
            return reinterpret_cast<T*>(static_cast<char*>(out.data) + (c + l) * out.channel_stride +
                                        i * out.sample_stride);
        };
        finish<V>(p, scratch, [&](auto bin) FASTEMO_INLINE_LAMBDA {
            for (index tile = 0; tile < n_bins; tile += together) {
                // The last tile of packed bins overlaps the one before it.
                const index i = packed && tile + together > n_bins ? n_bins - together : tile;
                const int count = n_bins - i < together ? int(n_bins - i) : together;
                V r[2 * together];
                for (int k = 0; k < together; ++k) {
                    const index of = k < count ? i + k : n_bins - 1;
                    const cplx<V> z = bin(of);
                    r[2 * k] = z.re;
                    r[2 * k + 1] = z.im * V::all(p.signs[of]);
                }
                if (packed) {
                    if constexpr (W > 1) transpose(r);
                    for (int l = 0; l < lanes; ++l) r[l].store(to(l, i));
                    continue;
                }
                for (int k = 0; k < count; ++k) {
                    T re[W], im[W];
                    r[2 * k].store(re);
                    r[2 * k + 1].store(im);
                    for (int l = 0; l < lanes; ++l) to(l, i + k)[0] = re[l], to(l, i + k)[1] = im[l];
                }
            }
        });
    }
}

inline void rfft_f64(const FftPlan<double>& p, const Samples& in, index n_channels, const SamplesOut& out,
                     double* scratch, index c0, index c1) {
    rfft(p, in, n_channels, out, scratch, c0, c1);
}
inline void rfft_f32(const FftPlan<float>& p, const Samples& in, index n_channels, const SamplesOut& out,
                     float* scratch, index c0, index c1) {
    rfft(p, in, n_channels, out, scratch, c0, c1);
}

}  // namespace fastemo::FASTEMO_NS
