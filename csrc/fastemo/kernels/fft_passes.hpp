// The passes of a real FFT over rows, in place (base/fft_plan.hpp says how the rows are used).
#pragma once

#include "../base/fft_plan.hpp"
#include "fft_radix.hpp"

namespace fastemo::FASTEMO_NS {

// R real points, in(j), into R rows: bin 0, pairs, bin R/2.
template <int R, class In, class T>
FASTEMO_INLINE void real_dft_rows(In&& in, T* rows, index step) {
    using Z = cplx<decltype(in(at<0>))>;
    real_dft<R>(in, [&](auto k, Z z) FASTEMO_INLINE_LAMBDA {
        z.re.store(rows + (k == 0 ? 0 : 2 * k - 1) * step);
        if constexpr (k != 0 && 2 * k != R) z.im.store(rows + 2 * k * step);
    });
}

// What becomes of a sample on the way in: nothing, or the mean is taken off and a taper put on.
template <class V>
struct AsIs {
    FASTEMO_INLINE V operator()(V x, index) const { return x; }
};
template <class V>
struct Tapered {
    const value_type<V>* taper;
    bool detrend;
    V mean;

    // x - mean, by the pipes that multiply: those that add have more to do in the pass.
    FASTEMO_INLINE V operator()(V x, index i) const { return fma(x, V::all(1), -mean) * V::all(taper[i]); }
};

// Leaves [i, i + count). Their point j is read from base[j] on, one leaf `from_stride` after the other, and becomes row
// j of the leaf.
template <int R, class V, class T, class Prepare>
FASTEMO_NOINLINE void first_pass(const FftPlan<T>& p, index i, index count, const T* const* base, index from_stride,
                                 const Prepare& given, T* scratch) {
    const Prepare prepare = given;  // a copy of its own stays in registers, whatever is stored
    const index step = p.leaf_stride * V::width;
    T* to = scratch + i * V::width;
    for (index t = 0; t < count; ++t, to += V::width)
        real_dft_rows<R>(
            [&](auto j)
                FASTEMO_INLINE_LAMBDA { return prepare(V::load(base[j] + t * from_stride), i + t + j * p.leaves); },
            to, step);
}

template <class V, class T, class Prepare>
inline void first_pass(const FftPlan<T>& p, index i, index count, const T* const* base, index from_stride,
                       const Prepare& prepare, T* scratch) {
    const auto with = [&](auto radix) FASTEMO_INLINE_LAMBDA {
        first_pass<radix, V>(p, i, count, base, from_stride, prepare, scratch);
    };
    switch (p.first_radix) {
        case 1: return with(at<1>);
        case 2: return with(at<2>);
        case 3: return with(at<3>);
        case 4: return with(at<4>);
        case 5: return with(at<5>);
        case 6: return with(at<6>);
        case 7: return with(at<7>);
        case 8: return with(at<8>);
        case 9: return with(at<9>);
        case 10: return with(at<10>);
        case 11: return with(at<11>);
        case 12: return with(at<12>);
        case 13: return with(at<13>);
        case 15: return with(at<15>);
        case 16: return with(at<16>);
        case 20: return with(at<20>);
    }
}

// R blocks into one of R times the length: real(k, z) gets bin k of what is real in each block, half(q, z) the bins that
// their middle ones become, pair(i, q, z, re, im) those of pair i, which was read from re and im on.
template <int R, class V, class T, class Real, class Half, class Pair>
FASTEMO_INLINE void combine(const FftPass<T>& p, T* block, Real&& real, Half&& half, Pair&& pair) {
    constexpr index W = V::width;
    using Z = cplx<V>;
    const index step = p.stride * W;
    real_dft<R>([&](auto j) FASTEMO_INLINE_LAMBDA { return V::load(block + j * step); }, real);
    if (p.half_row >= 0) {
        T* row = block + p.half_row * W;
        dft<R>(
            [&](auto j) FASTEMO_INLINE_LAMBDA {
                const V x = V::load(row + j * step);
                if constexpr (j == 0) return Z{x, V::all(0)};
                const T* w = p.half_twiddles + 2 * j;
                return Z{x * V::all(w[-2]), x * V::all(w[-1])};
            },
            [&](auto q, Z z) FASTEMO_INLINE_LAMBDA {
                if constexpr (2 * q < R) half(q, z);
            });
    }
    const T* w = p.twiddles;
    for (index i = 0; i < p.n_pairs; ++i, w += 2 * (R - 1)) {
        T* re = block + p.rows[2 * i] * W;
        T* im = block + p.rows[2 * i + 1] * W;
        dft<R>(
            [&](auto j) FASTEMO_INLINE_LAMBDA {
                const Z z = {V::load(re + j * step), V::load(im + j * step)};
                if constexpr (j == 0) return z;
                return times(z, V::all(w[2 * j - 2]), V::all(w[2 * j - 1]));
            },
            [&](auto q, Z z) FASTEMO_INLINE_LAMBDA { pair(i, q, z, re, im); });
    }
}

// In place.
template <int R, class V, class T>
FASTEMO_NOINLINE void combine(const FftPass<T>& p, T* block) {
    constexpr index W = V::width;
    using Z = cplx<V>;
    const index step = p.stride * W;
    T* const row = block + p.half_row * W;
    combine<R, V>(
        p, block,
        [&](auto k, Z z) FASTEMO_INLINE_LAMBDA {
            z.re.store(block + (k == 0 ? 0 : 2 * k - 1) * step);
            if constexpr (k != 0 && 2 * k != R) z.im.store(block + 2 * k * step);
        },
        [&](auto q, Z z) FASTEMO_INLINE_LAMBDA {
            z.re.store(row + 2 * q * step);
            if constexpr (2 * q + 1 < R) z.im.store(row + (2 * q + 1) * step);
        },
        [&](index, auto q, Z z, T* re, T* im) FASTEMO_INLINE_LAMBDA {
            z.re.store(re + q * step);
            z.im.store(im + q * step);
        });
}

// Each bin, as it is made, to f(bin, z), or its conjugate.
template <int R, class V, class T, class F>
FASTEMO_NOINLINE void combine_into(const FftPass<T>& p, const std::int32_t* bins, T* block, F f) {
    using Z = cplx<V>;
    constexpr int reals = R / 2 + 1;
    const std::int32_t* const of_halves = bins + reals;
    const std::int32_t* const of_pairs = of_halves + (p.half_row >= 0 ? (R + 1) / 2 : 0);
    combine<R, V>(
        p, block, [&](auto k, Z z) FASTEMO_INLINE_LAMBDA { f(bins[k], z); },
        [&](auto q, Z z) FASTEMO_INLINE_LAMBDA {
            if constexpr (2 * q + 1 == R) z.im = V::all(0);
            f(of_halves[q], z);
        },
        [&](index i, auto q, Z z, T*, T*) FASTEMO_INLINE_LAMBDA { f(of_pairs[R * i + q], z); });
}

// Passes 0..level of one block. Depth first: its parts are still in the cache when they are combined.
template <class V, class T>
inline void transform(const FftPlan<T>& plan, int level, T* block) {
    if (level < 0) return;
    const FftPass<T>& p = plan.passes[level];
    for (int j = 0; j < p.radix && level > 0; ++j) transform<V>(plan, level - 1, block + j * p.stride * V::width);
    switch (p.radix) {
        case 2: return combine<2, V>(p, block);
        case 3: return combine<3, V>(p, block);
        case 4: return combine<4, V>(p, block);
        case 5: return combine<5, V>(p, block);
        case 6: return combine<6, V>(p, block);
        case 7: return combine<7, V>(p, block);
        case 8: return combine<8, V>(p, block);
        case 9: return combine<9, V>(p, block);
        case 10: return combine<10, V>(p, block);
        case 11: return combine<11, V>(p, block);
        case 13: return combine<13, V>(p, block);
    }
}

// All passes after the first, of a plan whose bins are given in the order they are made in: f as in combine_into.
template <class V, class T, class F>
FASTEMO_INLINE void finish_in_order(const FftPlan<T>& plan, T* scratch, F&& f) {
    const int level = plan.n_passes - 1;
    const FftPass<T>& p = plan.passes[level];
    for (int j = 0; j < p.radix && level > 0; ++j) transform<V>(plan, level - 1, scratch + j * p.stride * V::width);
    const auto with = [&](auto radix) FASTEMO_INLINE_LAMBDA { combine_into<radix, V>(p, plan.order, scratch, f); };
    switch (p.radix) {
        case 2: return with(at<2>);
        case 3: return with(at<3>);
        case 4: return with(at<4>);
        case 5: return with(at<5>);
        case 6: return with(at<6>);
        case 7: return with(at<7>);
        case 8: return with(at<8>);
        case 9: return with(at<9>);
        case 10: return with(at<10>);
        case 11: return with(at<11>);
        case 13: return with(at<13>);
    }
}

// All passes between the first and the last.
template <class V, class T>
FASTEMO_INLINE void middle_passes(const FftPlan<T>& plan, T* scratch) {
    for (int j = 0; j < plan.last_radix; ++j) transform<V>(plan, plan.n_passes - 1, scratch + j * V::width);
}

// The last pass for wanted bin number i: sum_j w^j (bin i of block j) by Horner's rule. Where the plan's sign is -1 it
// gives the conjugate.
template <int R, class V, class T>
FASTEMO_INLINE cplx<V> last_pass(const FftPlan<T>& plan, const T* scratch, index i) {
    constexpr index W = V::width;
    const V wr = V::all(plan.last_twiddles[2 * i]), wi = V::all(plan.last_twiddles[2 * i + 1]);
    const T* re = scratch + plan.bins[i].re * W;
    if (plan.bins[i].im < 0) {
        cplx<V> sum = {V::load(re + (R - 1) * W), V::all(0)};
        for (index j = R - 2; j >= 0; --j)
            sum = {fma(sum.re, wr, fma(-sum.im, wi, V::load(re + j * W))), fma(sum.re, wi, sum.im * wr)};
        return sum;
    }
    const T* im = scratch + plan.bins[i].im * W;
    cplx<V> sum = {V::load(re + (R - 1) * W), V::load(im + (R - 1) * W)};
    static_for<R - 1>([&](auto step) FASTEMO_INLINE_LAMBDA {
        constexpr index block = (R - 2 - step) * W;
        sum = {fma(sum.re, wr, fma(-sum.im, wi, V::load(re + block))),
               fma(sum.re, wi, fma(sum.im, wr, V::load(im + block)))};
    });
    return sum;
}

// Calls f(r) with the radix of the last pass at compile time.
template <class T, class F>
FASTEMO_INLINE void with_last_radix(const FftPlan<T>& plan, F&& f) {
    switch (plan.last_radix) {
        case 1: return f(at<1>);
        case 2: return f(at<2>);
        case 3: return f(at<3>);
        case 4: return f(at<4>);
        case 5: return f(at<5>);
        case 8: return f(at<8>);
    }
}

}  // namespace fastemo::FASTEMO_NS
