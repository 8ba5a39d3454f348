// Transforms of any length as a cyclic convolution with a chirp (Bluestein), at a length that factors well.
//
// A real signal times a complex chirp is complex: its real and imaginary part are two real transforms of the longer
// length, and so are those of the product on the way back. Four areas of scratch: the signal's rows, later the real part
// of the product; its imaginary part; the real and the imaginary part of the chirped signal.
#pragma once

#include "fft_passes.hpp"

namespace fastemo::FASTEMO_NS {

template <class V, class T>
FASTEMO_INLINE T* convolution_area(const FftPlan<T>& p, T* scratch, int area) {
    return scratch + area * p.convolution->rows * V::width;
}

// Row of sample i.
template <class T>
FASTEMO_INLINE index row_of(const FftPlan<T>& p, index i) {
    return i / p.leaves * p.leaf_stride + i % p.leaves;
}

// Takes the place of the first pass, with leaves of one point.
template <class V, class T, class Prepare>
FASTEMO_NOINLINE void chirp_pass(const FftPlan<T>& p, index i, index count, const T* from, index from_stride,
                                 const Prepare& prepare, T* scratch) {
    T* re = convolution_area<V>(p, scratch, 2);
    T* im = convolution_area<V>(p, scratch, 3);
    for (index t = i; t < i + count; ++t, from += from_stride) {
        const index at = row_of(*p.convolution, t) * V::width;
        const V x = prepare(V::load(from), t);
        (x * V::all(p.chirp[2 * t])).store(re + at);
        (x * V::all(p.chirp[2 * t + 1])).store(im + at);
    }
}

template <class V, class T>
FASTEMO_INLINE void transform_in_place(const FftPlan<T>& p, T* rows) {
    const T* base[kMaxFftRadix];
    for (int j = 0; j < p.first_radix; ++j) base[j] = rows + j * p.leaf_stride * V::width;
    first_pass<V>(p, 0, p.leaves, base, V::width, AsIs<V>(), rows);
    middle_passes<V>(p, rows);
}

template <class V, class T>
FASTEMO_INLINE cplx<V> signed_bin(const FftPlan<T>& p, const T* rows, index i) {
    const cplx<V> z = last_pass<1, V>(p, rows, i);
    return {z.re, z.im * V::all(p.signs[i])};
}

// Takes the place of the middle passes.
template <class V, class T>
FASTEMO_NOINLINE void convolve(const FftPlan<T>& plan, T* scratch) {
    constexpr index W = V::width;
    using Z = cplx<V>;
    const FftPlan<T>& p = *plan.convolution;
    T *out_re = convolution_area<V>(plan, scratch, 0), *out_im = convolution_area<V>(plan, scratch, 1);
    T *re = convolution_area<V>(plan, scratch, 2), *im = convolution_area<V>(plan, scratch, 3);
    for (index i = plan.n; i < p.n; ++i) {
        V::all(0).store(re + row_of(p, i) * W);
        V::all(0).store(im + row_of(p, i) * W);
    }
    transform_in_place<V>(p, re);
    transform_in_place<V>(p, im);

    // The transform back is that of the conjugate.
    const auto put = [&](index f, Z z) FASTEMO_INLINE_LAMBDA {
        const T* w = plan.chirp_spectrum + 2 * f;
        const Z product = times(z, V::all(w[0]), V::all(w[1]));
        product.re.store(out_re + row_of(p, f) * W);
        (-product.im).store(out_im + row_of(p, f) * W);
    };
    for (index f = 0; 2 * f <= p.n; ++f) {
        const Z a = signed_bin<V>(p, re, f), b = signed_bin<V>(p, im, f);
        put(f, Z{a.re - b.im, a.im + b.re});
        if (f > 0 && 2 * f < p.n) put(p.n - f, Z{a.re + b.im, b.re - a.im});
    }
    transform_in_place<V>(p, out_re);
    transform_in_place<V>(p, out_im);
}

// Takes the place of the last pass, for wanted bin number i.
template <class V, class T>
FASTEMO_INLINE cplx<V> convolved_bin(const FftPlan<T>& plan, const T* scratch, index i) {
    const FftPlan<T>& p = *plan.convolution;
    const cplx<V> a = signed_bin<V>(p, scratch, i), b = signed_bin<V>(p, scratch + p.rows * V::width, i);
    const T* w = plan.output_chirp + 2 * i;
    return times(cplx<V>{a.re - b.im, -(a.im + b.re)}, V::all(w[0]), V::all(w[1]));
}

}  // namespace fastemo::FASTEMO_NS
