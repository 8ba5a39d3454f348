// Eigenvalues and eigenvectors of small symmetric matrices: Householder's tridiagonal form and the implicit QL method
// (Golub and Van Loan, Matrix Computations, 8.3).
//
// One text for two layouts. `Eight` keeps eight matrices side by side, an element of all of them in a pack; `Alone` has
// the columns of one matrix in packs. Everything that costs n^3 is written on whole rows, so both are full vectors, and
// every number goes through the same operations in the same order in both: a matrix has the same bits in either. The
// recurrence for the eigenvalues goes on for all eight until the last has converged, the others standing still.
//
// Rotations are kept and applied many sweeps at a time to a few columns, which then stay in registers and in L1.
#pragma once

#include "pack.hpp"

namespace fastemo::FASTEMO_NS {

struct Eight {
    using S = pack;  // a number per matrix
    static index packs(index n) { return n; }
    static index pack_of(index column) { return column; }
    static FASTEMO_INLINE pack spread(const pack& s) { return s; }
    // Of one row of something that all matrices share, [column].
    static FASTEMO_INLINE pack shared(const double* row, index p) { return pack::all(row[p]); }
};

struct Alone {
    using S = scalar;
    static index packs(index n) { return (n + kLanes - 1) / kLanes; }
    static index pack_of(index column) { return column / kLanes; }
    static FASTEMO_INLINE pack spread(scalar s) { return pack::all(s.v); }
    static FASTEMO_INLINE pack shared(const double* row, index p) { return pack::load(row + kLanes * p); }
};

template <class M>
FASTEMO_INLINE pack coef(const double* v, index i) {
    return M::spread(M::S::load(v + i * M::S::width));
}
template <class S>
FASTEMO_INLINE S number_of(const double* v, index i) {
    return S::load(v + i * S::width);
}
template <class M>
FASTEMO_INLINE typename M::S number(const double* v, index i) {
    return number_of<typename M::S>(v, i);
}
template <class S>
FASTEMO_INLINE void put(S x, double* v, index i) {
    x.store(v + i * S::width);
}

// sum_j a_j b_j from pack p0 on, through eight accumulators (column modulo eight) and the tree.
FASTEMO_INLINE pack dot(Eight, const double* a, const double* b, index p0, index packs) {
    pack sum[kLanes];
    FASTEMO_UNROLL
    for (int l = 0; l < int(kLanes); ++l) sum[l] = pack::all(0);
    for (index p = p0; p < packs; ++p) {
        pack& s = sum[p % kLanes];
        s = fma(pack::load(a + kLanes * p), pack::load(b + kLanes * p), s);
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}
FASTEMO_INLINE scalar dot(Alone, const double* a, const double* b, index p0, index packs) {
    pack sum = pack::all(0);
    for (index p = p0; p < packs; ++p) sum = fma(pack::load(a + kLanes * p), pack::load(b + kLanes * p), sum);
    double lane[kLanes];
    sum.store(lane);
    return {tree_sum(lane)};
}

constexpr int kColumns = pack::natives == 1 ? 4 : pack::natives == 2 ? 2 : 1;  // packs at a time, as registers allow

// Calls work(Count<P>, p) for runs of P packs of [p0, packs).
template <int P>
struct Count {
    static constexpr int value = P;
};
template <class F>
FASTEMO_INLINE void for_columns(index p0, index packs, F&& work) {
    index p = p0;
    for (; p + kColumns <= packs; p += kColumns) work(Count<kColumns>(), p);
    for (; p < packs; ++p) work(Count<1>(), p);
}

struct Vectors {  // of n numbers each, or a row
    double *d, *e, *beta, *w, *q, *f;
};

// Scales a by powers of two so that no square overflows or vanishes; the result is what undoes it.
template <class M>
FASTEMO_NOINLINE typename M::S scale_down(double* a, index n) {
    using S = typename M::S;
    constexpr int C = S::width;
    const index packs = M::packs(n), row = kLanes * packs;
    S large = S::all(0);
    for (index i = 0; i < n; ++i)
        for (index j = i; j < n; ++j) large = max(large, abs(number<M>(a + i * row, j)));
    double lane[C], up[C], down[C];
    large.store(lane);
    for (index l = 0; l < C; ++l) {
        std::int64_t bits;
        std::memcpy(&bits, &lane[l], 8);
        std::int64_t exponent = bits >> 52 & 0x7ff;
        exponent = exponent < 23 || exponent > 2023 ? 1023 : exponent;
        const std::int64_t u = exponent << 52, d = (2046 - exponent) << 52;
        std::memcpy(&up[l], &u, 8);
        std::memcpy(&down[l], &d, 8);
    }
    const pack factor = M::spread(S::load(down));
    for (index i = 0; i < n * packs; ++i) (factor * pack::load(a + kLanes * i)).store(a + kLanes * i);
    return S::load(up);
}

// a = Q T Q': the diagonal of T in d, what is beside it in e (n - 1, and a zero). Row k of a becomes v of the reflection
// 1 - beta v v' that cleared it.
template <class M>
FASTEMO_NOINLINE void tridiagonal(double* a, index n, const Vectors& x) {
    using S = typename M::S;
    const index packs = M::packs(n), row = kLanes * packs;
    double *const w = x.w, *const q = x.q;
    for (index j = 0; j < row; ++j) w[j] = 0;
    const double* before = w;  // v of the reflection that the rows from k on have not seen yet
    const auto update = [&](double* r, index k) FASTEMO_INLINE_LAMBDA {
        const pack v = coef<M>(before, k), u = coef<M>(w, k);
        for (index p = M::pack_of(k); p < packs; ++p) {
            pack y = pack::load(r + kLanes * p);
            y = fma(v, -pack::load(w + kLanes * p), y);
            y = fma(u, -pack::load(before + kLanes * p), y);
            y.store(r + kLanes * p);
        }
    };
    index k = 0;
    for (; k + 2 < n; ++k) {
        double* const r = a + k * row;
        update(r, k);
        put(number<M>(r, k), x.d, k);
        const index first = M::pack_of(k + 1);
        if constexpr (S::width == 1)
            for (index j = kLanes * first; j <= k; ++j) r[j] = 0;
        const S x0 = number<M>(r, k + 1), sigma = dot(M(), r, r, first, packs), norm = sqrt(sigma);
        const S zero = S::all(0), unit = S::all(1);
        const auto nothing = sigma < S::all(1e-200);  // where the largest element is about 1
        const S alpha = select(x0 >= zero, -norm, norm);
        const S beta = select(nothing, zero, unit / select(nothing, unit, fma(abs(x0), norm, sigma)));
        put(select(nothing, zero, alpha), x.e, k);
        put(beta, x.beta, k);
        put(x0 - alpha, r, k + 1);
        for_columns(first, packs, [&](auto count, index p) FASTEMO_INLINE_LAMBDA {
            constexpr int P = decltype(count)::value;
            pack w_[P], v_[P], sum[P];
            FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) {
                w_[c] = -pack::load(w + kLanes * (p + c));
                v_[c] = -pack::load(before + kLanes * (p + c));
                sum[c] = pack::all(0);
            }
            for (index i = k + 1; i < n; ++i) {
                const pack v = coef<M>(before, i), u = coef<M>(w, i), next = coef<M>(r, i);
                double* const at = a + i * row + kLanes * p;
                FASTEMO_UNROLL
                for (int c = 0; c < P; ++c) {
                    const pack y = fma(u, v_[c], fma(v, w_[c], pack::load(at + kLanes * c)));
                    y.store(at + kLanes * c);
                    sum[c] = fma(next, y, sum[c]);
                }
            }
            FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) sum[c].store(q + kLanes * (p + c));
        });
        const S half = S::all(0.5) * beta * dot(M(), r, q, first, packs) * beta;
        const pack b = M::spread(beta), h = M::spread(-half);
        for (index p = first; p < packs; ++p)
            fma(h, pack::load(r + kLanes * p), b * pack::load(q + kLanes * p)).store(w + kLanes * p);
        before = r;
    }
    for (; k < n; ++k) {
        double* const r = a + k * row;
        update(r, k);
        put(number<M>(r, k), x.d, k);
        put(k + 1 < n ? number<M>(r, k + 1) : S::all(0), x.e, k);
    }
}

// z = Q', by rows.
template <class M>
FASTEMO_NOINLINE void reflections(const double* a, index n, const double* beta, double* z) {
    const index packs = M::packs(n), row = kLanes * packs;
    for (index i = 0; i < n; ++i) {
        for (index j = 0; j < row; ++j) z[i * row + j] = 0;
        put(M::S::all(1), z + i * row, i);
    }
    for_columns(0, packs, [&](auto count, index p) FASTEMO_INLINE_LAMBDA {
        constexpr int P = decltype(count)::value;
        for (index k = 0; k + 2 < n; ++k) {
            const double* const v = a + k * row;
            pack sum[P];
            FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) sum[c] = pack::all(0);
            for (index i = k + 1; i < n; ++i) {
                const pack u = coef<M>(v, i);
                FASTEMO_UNROLL
                for (int c = 0; c < P; ++c) sum[c] = fma(u, pack::load(z + i * row + kLanes * (p + c)), sum[c]);
            }
            const pack b = -coef<M>(beta, k);
            FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) sum[c] = b * sum[c];
            for (index i = k + 1; i < n; ++i) {
                const pack u = coef<M>(v, i);
                double* const at = z + i * row + kLanes * p;
                FASTEMO_UNROLL
                for (int c = 0; c < P; ++c) fma(u, sum[c], pack::load(at + kLanes * c)).store(at + kLanes * c);
            }
        }
    });
}

// Rotations of rows i and i + 1, from the one below the top down to the bottom, sweep after sweep.
struct Sweep {
    index top, bottom, first;  // of the rotations that are kept, the top's
};
constexpr index kSweeps = 32, kRotationsPerRow = 8;

inline index rotations_size(index n) { return 2 * kRotationsPerRow * n; }

template <class S>
struct Rotations {
    const index n;
    double *cosines, *sines;  // [kRotationsPerRow n] of S
    Sweep sweeps[kSweeps];
    double tops[kSweeps][S::width];  // of each matrix, whose rotations above are none
    index n_sweeps = 0, n_rotations = 0;

    Rotations(index n, double* memory) : n(n), cosines(memory), sines(memory + kRotationsPerRow * n * S::width) {}
    bool is_full(index more) const { return n_sweeps == kSweeps || n_rotations + more > kRotationsPerRow * n; }
    void add(index top, index bottom, S of_each) {
        of_each.store(tops[n_sweeps]);
        sweeps[n_sweeps++] = {top, bottom, n_rotations};
    }
    FASTEMO_INLINE void add(S cosine, S sine) {
        put(cosine, cosines, n_rotations);
        put(sine, sines, n_rotations++);
    }
    void clear() { n_sweeps = n_rotations = 0; }
};

// Turns rows of z, of all matrices or of one (`lane`) with its cosines and sines alone.
template <class M, class S>
FASTEMO_NOINLINE void rotate(const Rotations<S>& rotations, int lane, const double* cosines, const double* sines,
                             double* z, index packs) {
    const index row = kLanes * packs;
    for_columns(0, packs, [&](auto count, index p) FASTEMO_INLINE_LAMBDA {
        constexpr int P = decltype(count)::value;
        for (index k = 0; k < rotations.n_sweeps; ++k) {
            const Sweep sweep = rotations.sweeps[k];
            const index top = M::S::width == S::width ? sweep.top : index(rotations.tops[k][lane]);
            if (top <= sweep.bottom) continue;
            double* at = z + top * row + kLanes * p;
            pack x[P];
            FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) x[c] = pack::load(at + kLanes * c);
            index r = sweep.first + sweep.top - top;
            for (index i = top; i > sweep.bottom; --i, ++r, at -= row) {
                const pack cosine = coef<M>(cosines, r), sine = coef<M>(sines, r);
                FASTEMO_UNROLL
                for (int c = 0; c < P; ++c) {
                    const pack y = pack::load(at - row + kLanes * c);
                    fma(sine, y, cosine * x[c]).store(at + kLanes * c);
                    x[c] = fma(cosine, y, -(sine * x[c]));
                }
            }
            FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) x[c].store(at + kLanes * c);
        }
    });
}

// What ql does with its rotations: keeps them, and hands many at a time to `apply`,
template <class S, class Apply>
struct Kept {
    Rotations<S> rotations;
    Apply apply;

    Kept(index n, double* memory, Apply apply) : rotations(n, memory), apply(apply) {}
    void begin(index top, index bottom, S of_each) {
        if (rotations.is_full(top - bottom)) end();
        rotations.add(top, bottom, of_each);
    }
    FASTEMO_INLINE void operator()(index, S cosine, S sine) { rotations.add(cosine, sine); }
    void end() {
        if (rotations.n_sweeps) apply(rotations);
        rotations.clear();
    }
};

// or turns the rows of one small matrix at once: it has the time while the next rotation waits for roots and divisions.
struct AtOnce {
    double* z;
    index packs;

    void begin(index, index, scalar) {}
    FASTEMO_INLINE void operator()(index i, scalar cosine_, scalar sine_) {
        const pack cosine = pack::all(cosine_.v), sine = pack::all(sine_.v);
        double *const y = z + i * kLanes * packs, *const x = y + kLanes * packs;
        for (index p = 0; p < kLanes * packs; p += kLanes) {
            const pack above = pack::load(x + p), below = pack::load(y + p);
            fma(sine, below, cosine * above).store(x + p);
            fma(cosine, below, -(sine * above)).store(y + p);
        }
    }
    void end() {}
};
constexpr index kAtOnceUpTo = 64;  // of larger ones the rows do not stay in L1

constexpr int kIterations = 60;
constexpr double kEpsilon = 0x1p-52;

// Whether row i takes part where a sweep begins at m: of one matrix every one does.
template <class S>
FASTEMO_INLINE typename S::mask is_below(index i, S m) {
    if constexpr (S::width == 1)
        return true;
    else
        return S::all(double(i)) < m;
}

// d becomes the eigenvalues of the tridiagonal matrix, and `turn` gets the rotations that make it diagonal. Where it did
// not converge the result is 1, else 0.
template <class S, class Turn>
FASTEMO_NOINLINE S ql(double* d, double* e, index n, Turn&& turn) {
    const S zero = S::all(0), unit = S::all(1), two = S::all(2), tiny = S::all(1e-290);
    S failed = zero, norm = S::all(1e-100);
    for (index i = 0; i < n; ++i) norm = max(norm, abs(number_of<S>(d, i)) + abs(number_of<S>(e, i)));
    const S least = S::all(kEpsilon) * norm;  // what is beside the diagonal and below is nothing
    for (index l = 0; l + 1 < n; ++l) {
        for (int iteration = 0;; ++iteration) {
            // the first off-diagonal from l on that is nothing, and the diagonal there
            S m = S::all(double(n - 1)), at_m = number_of<S>(d, n - 1);
            for (index j = n - 2; j >= l; --j) {
                const auto split = least >= abs(number_of<S>(e, j));
                m = select(split, S::all(double(j)), m);
                at_m = select(split, number_of<S>(d, j), at_m);
            }
            const index top = index(largest(m));
            if (top == l) break;
            const auto active = S::all(double(l)) < m;
            if (iteration == kIterations) {
                failed = select(active, unit, failed);
                break;
            }
            const S dl = number_of<S>(d, l), el = select(active, number_of<S>(e, l), unit);
            S g = (number_of<S>(d, l + 1) - dl) / (two * el);
            const S root = sqrt(fma(g, g, unit));
            g = at_m - dl + el / (g + select(g >= zero, root, -root));
            S sine = unit, cosine = unit, p = zero;
            turn.begin(top, l, m);
            for (index i = top - 1; i >= l; --i) {
                const S next = S::all(double(i + 1));
                const auto on = is_below<S>(i, m);
                const S ei = number_of<S>(e, i), f = sine * ei, b = cosine * ei;
                const S square = fma(g, g, f * f), length = sqrt(square), inverse = unit / length;
                const auto nothing = square < tiny;
                const S s = select(nothing, zero, f * inverse), c = select(nothing, unit, g * inverse);
                put(select(on, select(m == next, zero, select(nothing, zero, length)), number_of<S>(e, i + 1)), e,
                    i + 1);
                const S upper = number_of<S>(d, i + 1), h = upper - p;
                const S t = fma(number_of<S>(d, i) - h, s, two * (c * b)), moved = s * t;
                put(select(on, h + moved, upper), d, i + 1);
                p = select(on, moved, p);
                g = select(on, fma(c, t, -b), g);
                sine = select(on, s, sine);
                cosine = select(on, c, cosine);
                turn(i, select(on, c, unit), select(on, s, zero));
            }
            put(select(active, number_of<S>(d, l) - p, dl), d, l);
            put(select(active, g, number_of<S>(e, l)), e, l);
        }
    }
    turn.end();
    return failed;
}

// The same with the rows of z turned along; `memory` has room for rotations_size(n) of S.
template <class M>
FASTEMO_INLINE typename M::S ql_of_rows(double* d, double* e, index n, double* z, double* memory) {
    using S = typename M::S;
    const index packs = M::packs(n);
    if constexpr (S::width == 1)
        if (n <= kAtOnceUpTo) return ql<S>(d, e, n, AtOnce{z, packs});
    const auto apply = [&](const Rotations<S>& r) { rotate<M>(r, 0, r.cosines, r.sines, z, packs); };
    return ql<S>(d, e, n, Kept<S, decltype(apply)>(n, memory, apply));
}

// The same for eigenvalues alone, without square roots (Pal, Walker and Kahan; Parlett, The Symmetric Eigenvalue Problem,
// 8.15): what the next rotation waits for is a division and not a root and a division.
template <class S>
FASTEMO_NOINLINE S eigenvalues(double* d, double* e, index n) {
    const S zero = S::all(0), unit = S::all(1), two = S::all(2), tiny = S::all(1e-290);
    S failed = zero, seen = S::all(1e-100);
    for (index i = 0; i < n; ++i) put(number_of<S>(e, i) * number_of<S>(e, i), e, i);
    for (index l = 0; l + 1 < n; ++l) {
        seen = max(seen, abs(number_of<S>(d, l)) + sqrt(number_of<S>(e, l)));
        for (int iteration = 0;; ++iteration) {
            S m = S::all(double(n - 1)), at_m = number_of<S>(d, n - 1);
            for (index j = n - 2; j >= l; --j) {
                const S size = abs(number_of<S>(d, j)) + abs(number_of<S>(d, j + 1));
                const S least = S::all(kEpsilon) * max(size, seen);
                const auto split = least * least >= number_of<S>(e, j);
                m = select(split, S::all(double(j)), m);
                at_m = select(split, number_of<S>(d, j), at_m);
            }
            const index top = index(largest(m));
            if (top == l) break;
            const auto active = S::all(double(l)) < m;
            if (iteration == kIterations) {
                failed = select(active, unit, failed);
                break;
            }
            const S dl = number_of<S>(d, l), el = sqrt(select(active, number_of<S>(e, l), unit));
            const S g = (number_of<S>(d, l + 1) - dl) / (two * el), root = sqrt(fma(g, g, unit));
            const S shift = dl - el / (g + select(g >= zero, root, -root));
            S gamma = at_m - shift, p = gamma * gamma, sine = zero, cosine = unit;
            for (index i = top - 1; i >= l; --i) {
                const auto on = is_below<S>(i, m);
                const S b = number_of<S>(e, i), r = p + b;
                const S beyond = select(m == S::all(double(i + 1)), zero, sine * r);
                put(select(on, beyond, number_of<S>(e, i + 1)), e, i + 1);
                const S c = p / r, s = b / r, inverse = r / p, alpha = number_of<S>(d, i);
                const S next = fma(c, alpha - shift, -(s * gamma));
                put(select(on, gamma + (alpha - next), number_of<S>(d, i + 1)), d, i + 1);
                const S q = select(p < tiny, cosine * b, (next * next) * inverse);
                p = select(on, q, p);
                gamma = select(on, next, gamma);
                sine = select(on, s, sine);
                cosine = select(on, c, cosine);
            }
            put(select(active, sine * p, number_of<S>(e, l)), e, l);
            put(select(active, shift + gamma, dl), d, l);
        }
    }
    return failed;
}

// out[i][p] = sum_k x(i, k) y(k, p) over k < n, from the diagonal's pack on if `upper`. One chain per element.
template <class M, class X, class Y>
FASTEMO_INLINE void product(index n, bool upper, double* out, const X& x, const Y& y) {
    constexpr int R = pack::natives == 1 ? 4 : 2;
    const index packs = M::packs(n), row = kLanes * packs;
    const auto rows = [&](auto height, index i) FASTEMO_INLINE_LAMBDA {
        constexpr int H = decltype(height)::value;
        for_columns(upper ? M::pack_of(i) : 0, packs, [&](auto count, index p) FASTEMO_INLINE_LAMBDA {
            constexpr int P = decltype(count)::value;
            pack sum[H][P];
            FASTEMO_UNROLL
            for (int h = 0; h < H; ++h) FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) sum[h][c] = pack::all(0);
            for (index k = 0; k < n; ++k) {
                pack right[P];
                FASTEMO_UNROLL
                for (int c = 0; c < P; ++c) right[c] = y(k, p + c);
                FASTEMO_UNROLL
                for (int h = 0; h < H; ++h) {
                    const pack left = x(i + h, k);
                    FASTEMO_UNROLL
                    for (int c = 0; c < P; ++c) sum[h][c] = fma(left, right[c], sum[h][c]);
                }
            }
            FASTEMO_UNROLL
            for (int h = 0; h < H; ++h) FASTEMO_UNROLL
            for (int c = 0; c < P; ++c) sum[h][c].store(out + (i + h) * row + kLanes * (p + c));
        });
    };
    index i = 0;
    for (; i + R <= n; i += R) rows(Count<R>(), i);
    for (; i < n; ++i) rows(Count<1>(), i);
}

// Below the diagonal what is above it.
template <class M>
FASTEMO_INLINE void mirror(double* a, index n) {
    const index row = kLanes * M::packs(n);
    for (index i = 0; i < n; ++i)
        for (index j = i + 1; j < n; ++j) put(number<M>(a + i * row, j), a + j * row, i);
}

// out = W C W' from C and W' (rows of M::packs packs where it is of one matrix, else n long: see Whitening).
template <class M>
FASTEMO_NOINLINE void congruence_of(const double* c, const double* whitening, index stride, index n, double* t,
                                    double* out) {
    const index row = kLanes * M::packs(n);
    product<M>(
        n, false, t, [&](index i, index j) FASTEMO_INLINE_LAMBDA { return coef<M>(c + i * row, j); },
        [&](index j, index p) FASTEMO_INLINE_LAMBDA { return M::shared(whitening + j * stride, p); });
    product<M>(
        n, true, out, [&](index o, index i) FASTEMO_INLINE_LAMBDA { return pack::all(whitening[i * stride + o]); },
        [&](index i, index p) FASTEMO_INLINE_LAMBDA { return pack::load(t + i * row + kLanes * p); });
    mirror<M>(out, n);
}

}  // namespace fastemo::FASTEMO_NS
