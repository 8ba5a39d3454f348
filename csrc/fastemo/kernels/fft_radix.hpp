// Discrete Fourier transforms of a few points, in registers.
//
// Odd primes pair the points n and R - n; the other radices are composed of two smaller ones: where these are coprime as
// Good and Thomas do it, which needs no twiddles, else as Cooley and Tukey do it. e^(-2 pi i/R) throughout.
//
// Points are asked for where they are needed and bins handed out where they are made, so that loads, twiddles, sums and
// stores mix and keep all units of the processor busy.
#pragma once

#include <numeric>
#include <utility>

#include "../base/roots.hpp"
#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

template <class V>
struct value_of;
template <class T, int W>
struct value_of<simd<T, W>> {
    using type = T;
};
template <class V>
using value_type = typename value_of<V>::type;

template <class V>
struct cplx {
    V re, im;

    friend FASTEMO_INLINE cplx operator+(cplx a, cplx b) { return {a.re + b.re, a.im + b.im}; }
    friend FASTEMO_INLINE cplx operator-(cplx a, cplx b) { return {a.re - b.re, a.im - b.im}; }
    friend FASTEMO_INLINE cplx operator*(V s, cplx a) { return {s * a.re, s * a.im}; }
    friend FASTEMO_INLINE cplx fma(V s, cplx a, cplx b) { return {fma(s, a.re, b.re), fma(s, a.im, b.im)}; }
};

// z w
template <class V>
FASTEMO_INLINE cplx<V> times(cplx<V> z, V re, V im) {
    return {fma(z.re, re, -(z.im * im)), fma(z.im, re, z.re * im)};
}

// Calls f with the compile-time integers 0 .. N-1.
template <int N, class F>
FASTEMO_INLINE void static_for(F&& f) {
    [&]<int... I>(std::integer_sequence<int, I...>)
        FASTEMO_INLINE_LAMBDA { (f(std::integral_constant<int, I>()), ...); }(std::make_integer_sequence<int, N>());
}

template <int I>
constexpr std::integral_constant<int, I> at{};

template <int R>
struct Roots {
    double re[R], im[R];
    constexpr Roots() : re{}, im{} {
        for (int k = 0; k < R; ++k) re[k] = root_of_unity(k, R).re, im[k] = root_of_unity(k, R).im;
    }
};
template <int R>
constexpr Roots<R> roots{};

// z e^(-2 pi i K/R)
template <int K, int R, class V>
FASTEMO_INLINE cplx<V> rotate(cplx<V> z) {
    if constexpr (K == 0) {
        return z;
    } else if constexpr (4 * K == R) {
        return {z.im, -z.re};
    } else if constexpr (8 * K == R) {
        return V::all(roots<8>.re[1]) * cplx<V>{z.im + z.re, z.im - z.re};
    } else if constexpr (8 * K == 3 * R) {
        return V::all(roots<8>.re[3]) * cplx<V>{z.re - z.im, z.re + z.im};
    } else {
        return times(z, V::all(roots<R>.re[K]), V::all(roots<R>.im[K]));
    }
}

// How a radix is composed: R = A B; A = R for those that are not.
constexpr int inner_radix(int r) {
    for (int a : {4, 2, 3, 5, 7})
        if (r > a && r % a == 0) return a;
    return r;
}

template <int R>
struct Composition {
    static constexpr int A = inner_radix(R), B = R / A;
    static constexpr bool coprime = std::gcd(A, B) == 1;
    // Point b of the inner transform number a, and bin of the outer one, among R.
    static constexpr int point(int a, int b) { return (B * a + (coprime ? A * b : b)) % R; }
    static constexpr int bin(int a, int b) {
        if (!coprime) return a + A * b;
        int k = a;
        while (k % B != b) k += A;
        return k;
    }
};

// The part that complex and real points share, for odd prime R: E is cplx<V> or V.
//   even[q] = t_0 + sum_j cos(2 pi j q/R) (t_j + t_{R-j}),  odd[q] = sum_j -sin(2 pi j q/R) (t_j - t_{R-j})
// so that bins q and R - q are even[q] +- i odd[q]; even[0] is bin 0.
template <int R, class V, class E>
FASTEMO_INLINE void even_odd(const E (&t)[R], E (&even)[R / 2 + 1], E (&odd)[R / 2 + 1]) {
    E sum[R / 2 + 1], difference[R / 2 + 1];
    even[0] = t[0];
    static_for<R / 2>([&](auto i) FASTEMO_INLINE_LAMBDA {
        constexpr int j = i + 1;
        sum[j] = t[j] + t[R - j];
        difference[j] = t[j] - t[R - j];
        even[0] = even[0] + sum[j];
    });
    static_for<R / 2>([&](auto i) FASTEMO_INLINE_LAMBDA {
        constexpr int q = i + 1;
        even[q] = fma(V::all(roots<R>.re[q]), sum[1], t[0]);
        odd[q] = V::all(roots<R>.im[q]) * difference[1];
        static_for<R / 2 - 1>([&](auto k) FASTEMO_INLINE_LAMBDA {
            constexpr int j = k + 2, turn = j * q % R;
            even[q] = fma(V::all(roots<R>.re[turn]), sum[j], even[q]);
            odd[q] = fma(V::all(roots<R>.im[turn]), difference[j], odd[q]);
        });
    });
}

// Complex points: reads each in(n) once and writes each out(k, bin) once, all that is read before all that is written.
template <int R, class In, class Out>
FASTEMO_INLINE void dft(In&& in, Out&& out) {
    using C = Composition<R>;
    using Z = decltype(in(at<0>));
    using V = decltype(Z::re);
    if constexpr (R == 1) {
        out(at<0>, in(at<0>));
    } else if constexpr (R == 2) {
        const Z a = in(at<0>), b = in(at<1>);
        out(at<0>, a + b);
        out(at<1>, a - b);
    } else if constexpr (R == 4) {
        const Z t0 = in(at<0>), t2 = in(at<2>), s02 = t0 + t2, d02 = t0 - t2;
        const Z t1 = in(at<1>), t3 = in(at<3>), s13 = t1 + t3, d13 = rotate<1, 4>(t1 - t3);
        out(at<0>, s02 + s13);
        out(at<1>, d02 + d13);
        out(at<2>, s02 - s13);
        out(at<3>, d02 - d13);
    } else if constexpr (C::A == R) {
        Z t[R], even[R / 2 + 1], odd[R / 2 + 1];
        static_for<R>([&](auto j) FASTEMO_INLINE_LAMBDA { t[j] = in(j); });
        even_odd<R, V>(t, even, odd);
        out(at<0>, even[0]);
        static_for<R / 2>([&](auto i) FASTEMO_INLINE_LAMBDA {
            constexpr int q = i + 1;
            out(at<q>, Z{even[q].re - odd[q].im, even[q].im + odd[q].re});
            out(at<R - q>, Z{even[q].re + odd[q].im, even[q].im - odd[q].re});
        });
    } else {
        constexpr int A = C::A, B = C::B;
        Z inner[B][A];
        static_for<B>([&](auto b) FASTEMO_INLINE_LAMBDA {
            dft<A>([&](auto a) FASTEMO_INLINE_LAMBDA { return in(at<C::point(a, b)>); },
                   [&](auto a, Z z) FASTEMO_INLINE_LAMBDA { inner[b][a] = z; });
        });
        static_for<A>([&](auto a) FASTEMO_INLINE_LAMBDA {
            dft<B>([&](auto b) FASTEMO_INLINE_LAMBDA { return rotate<C::coprime ? 0 : a * b, R>(inner[b][a]); },
                   [&](auto b, Z z) FASTEMO_INLINE_LAMBDA { out(at<C::bin(a, b)>, z); });
        });
    }
}

// Real points: writes bins 0..R/2.
template <int R, class In, class Out>
FASTEMO_INLINE void real_dft(In&& in, Out&& out) {
    using C = Composition<R>;
    using V = decltype(in(at<0>));
    using Z = cplx<V>;
    const V zero = V::all(0);
    if constexpr (R == 1) {
        out(at<0>, Z{in(at<0>), zero});
    } else if constexpr (R == 2) {
        const V a = in(at<0>), b = in(at<1>);
        out(at<0>, Z{a + b, zero});
        out(at<1>, Z{a - b, zero});
    } else if constexpr (R == 4) {
        const V t0 = in(at<0>), t2 = in(at<2>), s02 = t0 + t2;
        const V t1 = in(at<1>), t3 = in(at<3>), s13 = t1 + t3;
        out(at<0>, Z{s02 + s13, zero});
        out(at<1>, Z{t0 - t2, t3 - t1});
        out(at<2>, Z{s02 - s13, zero});
    } else if constexpr (C::A == R) {
        V t[R], even[R / 2 + 1], odd[R / 2 + 1];
        static_for<R>([&](auto j) FASTEMO_INLINE_LAMBDA { t[j] = in(j); });
        even_odd<R, V>(t, even, odd);
        out(at<0>, Z{even[0], zero});
        static_for<R / 2>([&](auto i) FASTEMO_INLINE_LAMBDA { out(at<i + 1>, Z{even[i + 1], odd[i + 1]}); });
    } else {
        constexpr int A = C::A, B = C::B;
        Z inner[B][A / 2 + 1];
        static_for<B>([&](auto b) FASTEMO_INLINE_LAMBDA {
            real_dft<A>([&](auto a) FASTEMO_INLINE_LAMBDA { return in(at<C::point(a, b)>); },
                        [&](auto a, Z z) FASTEMO_INLINE_LAMBDA { inner[b][a] = z; });
        });
        static_for<A / 2 + 1>([&](auto a) FASTEMO_INLINE_LAMBDA {
            constexpr bool is_real = a == 0 || 2 * a == A;
            if constexpr (is_real && (a == 0 || C::coprime)) {
                real_dft<B>([&](auto b) FASTEMO_INLINE_LAMBDA { return inner[b][a].re; },
                            [&](auto b, Z z) FASTEMO_INLINE_LAMBDA {
                                constexpr int k = C::bin(a, b);
                                if constexpr (2 * k <= R)
                                    out(at<k>, z);
                                else
                                    out(at<R - k>, Z{z.re, -z.im});
                            });
            } else {
                dft<B>(
                    [&](auto b) FASTEMO_INLINE_LAMBDA {
                        const Z z = {inner[b][a].re, is_real ? zero : inner[b][a].im};
                        return rotate<C::coprime ? 0 : a * b, R>(z);
                    },
                    [&](auto b, Z z) FASTEMO_INLINE_LAMBDA {
                        constexpr int k = C::bin(a, b);
                        if constexpr (2 * k <= R)
                            out(at<k>, z);
                        else if constexpr (!is_real)
                            out(at<R - k>, Z{z.re, -z.im});
                    });
            }
        });
    }
}

}  // namespace fastemo::FASTEMO_NS
