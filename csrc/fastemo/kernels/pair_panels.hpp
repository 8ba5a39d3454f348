// Sums over the products of all pairs of signals, from panels: the parts of eight channels lie together, sample after
// sample.
//
// Lanes are second signals; a tile holds a few first ones against a native of them, its sums in registers over all samples
// of a call, which are as many as leave its panels in L1. Of the pairs within a native, which would take a tile twice as
// large as they are, each is visited once: lanes against themselves, turned by one to four places. Only the sums that the measures are made of are taken. Copies of a
// channel have no imaginary part: it is a difference of rounded products, or of two sums of the same; where it only
// counts as part of a magnitude, three products do for four (Gauss).
#pragma once

#include "analytic.hpp"
#include "cross_spectra.hpp"
#include "turned.hpp"

namespace fastemo::FASTEMO_NS {

struct Parts {
    vd re, im, third;
};

// A first signal: one of a tile, a factor of whole natives, or one for each lane.
struct OneOfTile {
    const double *at, *same;
    FASTEMO_INLINE vd re() const { return vd::all(at[0]); }
    FASTEMO_INLINE vd im() const { return vd::all(at[kLanes]); }
    FASTEMO_INLINE vd third() const { return vd::all(at[2 * kLanes]); }
    FASTEMO_INLINE vd re_again() const { return vd::all(same[0]); }
    FASTEMO_INLINE vd im_again() const { return vd::all(same[kLanes]); }
};
struct OnePerLane {
    Parts parts;
    FASTEMO_INLINE vd re() const { return parts.re; }
    FASTEMO_INLINE vd im() const { return parts.im; }
    FASTEMO_INLINE vd third() const { return parts.third; }
    FASTEMO_INLINE vd re_again() const { return parts.re; }
    FASTEMO_INLINE vd im_again() const { return parts.im; }
};

// Kept in a register, lest what it is multiplied by be broadcast.
FASTEMO_INLINE vd kept(vd x) {
#if FASTEMO_VECTORS && defined(__x86_64__)
    asm("" : "+v"(x.v));
#endif
    return x;
}

// Which signals of a pair have their third part read.
enum class Third { none, both, first };

// A kind of sums: how many values, rows of a tile, what is summed within a group (where either signal may come first:
// swapping them changes but signs).
struct ProductSums {
    static constexpr int kSums = 3, kRows = 4;
    using Within = ProductSums;
    static constexpr bool kPaired = false;
    static constexpr Third kThird = Third::none;
    static FASTEMO_INLINE Parts second(Parts y) { return y; }
    template <class X>
    static FASTEMO_INLINE void add(const X& x, const Parts& y, vd* s) {
        const vd re = x.re(), im = x.im();
        s[0] = fma(re, y.re, fma(im, y.im, s[0]));
        s[1] = fma(im, y.re, s[1]);
        s[2] = fma(re, y.im, s[2]);
    }
    static FASTEMO_INLINE CrossSums sums(const vd* s, bool units) {
        const vd zero = vd::all(0), im = s[1] - s[2];
        return units ? CrossSums{zero, zero, s[0], im, zero, zero, zero}
                     : CrossSums{s[0], im, zero, zero, zero, zero, zero};
    }
};

// x conj(y) = (a + ib)(c - id) from ac, bd and (a + b)(c - d). All factors come from memory: a sum that is made here would
// cost an addition and a broadcast.
struct SquareSums {
    static constexpr int kSums = 3, kRows = FASTEMO_VECTOR_BYTES == 64 ? 8 : 4;
    using Within = ProductSums;
    static constexpr bool kPaired = false;
    static constexpr Third kThird = Third::first;
    static FASTEMO_INLINE Parts second(Parts y) { return {y.re, y.im, y.re - y.im}; }
    template <class X>
    static FASTEMO_INLINE void add(const X& x, const Parts& y, vd* s) {
        s[0] = fma(x.re(), y.re, s[0]);
        s[1] = fma(x.im(), y.im, s[1]);
        s[2] = fma(x.third(), y.third, s[2]);
    }
    static FASTEMO_INLINE CrossSums sums(const vd* s, bool units) {
        const vd zero = vd::all(0), re = s[0] + s[1], im = (s[2] - s[0]) + s[1];
        return units ? CrossSums{zero, zero, re, im, zero, zero, zero}
                     : CrossSums{re, im, zero, zero, zero, zero, zero};
    }
};

// The same of signals of like size, two samples at a time: x1 y1 + x2 y2 = (x1 + y2)(x2 + y1) - x1 x2 - y1 y2 (Winograd 1968)
// has half of the products, and its additions go to pipes of their own. What is taken off belongs to one signal each and
// is summed once (own_products); where one signal were much larger it would bury the other.
struct PairedSums : SquareSums {
    static constexpr int kRows = FASTEMO_VECTOR_BYTES == 64 ? 8 : 2;  // the parts of two samples need registers too
    static constexpr bool kPaired = true;
    static FASTEMO_INLINE void add_two(const OneOfTile& x1, const OneOfTile& x2, const Parts& y1, const Parts& y2,
                                       vd* s) {
        s[0] = fma(x1.re() + y2.re, x2.re() + y1.re, s[0]);
        s[1] = fma(x1.im() + y2.im, x2.im() + y1.im, s[1]);
        s[2] = fma(x2.third(), y2.third, fma(x1.third(), y1.third, s[2]));
    }
};

// One more, or one less, or as many where x is 0.
FASTEMO_INLINE vd add_sign(vd sum, vd x) {
#if FASTEMO_VECTORS
    const vd::mask minus = (vd::mask)vd::all(-0.0).v;
    const vd one = {(vd::raw)(((vd::mask)x.v & minus) | (vd::mask)vd::all(1).v)};
#else
    const vd one = vd::all(x.v < 0 ? -1 : 1);
#endif
    return select(x == vd::all(0), sum, sum + one);
}

template <bool kSign>
struct ImaginarySums {
    static constexpr int kSums = 2 + kSign, kRows = FASTEMO_VECTOR_BYTES == 64 && !kSign ? 8 : 4;
    using Within = ImaginarySums;
    static constexpr bool kPaired = false;
    static constexpr Third kThird = Third::none;
    static FASTEMO_INLINE Parts second(Parts y) { return y; }
    template <class X>
    static FASTEMO_INLINE void add(const X& x, const Parts& y, vd* s) {
        const vd im = x.im() * y.re - x.re() * y.im;
        s[0] = s[0] + im;
        s[1] = s[1] + abs(im);
        if constexpr (kSign) s[2] = add_sign(s[2], im);
    }
    static FASTEMO_INLINE CrossSums sums(const vd* s, bool) {
        const vd zero = vd::all(0);
        return {zero, s[0], zero, zero, kSign ? s[2] : zero, s[1], zero};
    }
};

struct AllSums {
    static constexpr int kSums = 6, kRows = 2;
    using Within = AllSums;
    static constexpr bool kPaired = false;
    static constexpr Third kThird = Third::both;
    static FASTEMO_INLINE Parts second(Parts y) { return {y.re, y.im, kept(y.third)}; }
    template <class X>
    static FASTEMO_INLINE void add(const X& x, const Parts& y, vd* s) {
        const vd re = fma(x.re(), y.re, x.im() * y.im);
        const vd im = x.im_again() * y.re - x.re_again() * y.im;
        const vd scale = x.third() * y.third;
        s[0] = s[0] + re;
        s[1] = s[1] + im;
        s[2] = fma(re, scale, s[2]);
        s[3] = fma(im, scale, s[3]);
        s[4] = add_sign(s[4], im);
        s[5] = s[5] + abs(im);
    }
    static FASTEMO_INLINE CrossSums sums(const vd* s, bool) { return {s[0], s[1], s[2], s[3], s[4], s[5], vd::all(0)}; }
};

FASTEMO_INLINE const double* panel_of(const PairPanelsArgs& a, index c) {
    return a.panels + c / kLanes * a.panel + c % kLanes;
}

// Adds n samples of first signals x, x + 1, .. against a native of second ones.
template <class F>
FASTEMO_INLINE void add_tile(const double* x, const double* y, index n, index row, vd (&s)[F::kRows][F::kSums]) {
    if constexpr (F::kPaired)
        for (; n > 1; n -= 2, x += 2 * row, y += 2 * row) {
            const Parts one = F::second({vd::load(y), vd::load(y + kLanes), vd::all(0)});
            const Parts two = F::second({vd::load(y + row), vd::load(y + row + kLanes), vd::all(0)});
            FASTEMO_UNROLL
            for (int r = 0; r < F::kRows; ++r)
                F::add_two(OneOfTile{x + r, x + r}, OneOfTile{x + row + r, x + row + r}, one, two, s[r]);
        }
    const double* same = same_but_unknown(x);
    for (index i = 0; i < n; ++i, x += row, same += row, y += row) {
        const Parts second = F::second(
            {vd::load(y), vd::load(y + kLanes), F::kThird == Third::both ? vd::load(y + 2 * kLanes) : vd::all(0)});
        FASTEMO_UNROLL
        for (int r = 0; r < F::kRows; ++r) F::add(OneOfTile{x + r, same + r}, second, s[r]);
    }
}

// Rows [r0, r0 + R) against channels [c, c + W).
template <class F>
FASTEMO_NOINLINE void panel_tile(const PairPanelsArgs& a, index r0, index c, double* sums) {
    constexpr int R = F::kRows, S = F::kSums;
    constexpr index W = vd::width;
    vd s[R][S];
    FASTEMO_UNROLL
    for (int r = 0; r < R; ++r) {
        FASTEMO_UNROLL
        for (int k = 0; k < S; ++k) s[r][k] = vd::load(sums + (r * S + k) * W);
    }
    add_tile<F>(panel_of(a, r0), panel_of(a, c), a.n, a.parts * kLanes, s);
    FASTEMO_UNROLL
    for (int r = 0; r < R; ++r) {
        FASTEMO_UNROLL
        for (int k = 0; k < S; ++k) s[r][k].store(sums + (r * S + k) * W);
    }
}

// Pairs within a native that is a whole group: lane l + K, round the end, against lane l.
template <class F, int... K>
FASTEMO_INLINE void add_turns(const double* y, index n, index row, vd (&s)[sizeof...(K)][F::kSums],
                              std::integer_sequence<int, K...>) {
    for (index i = 0; i < n; ++i, y += row) {
        const Parts z = {vd::load(y), vd::load(y + kLanes),
                         F::kThird == Third::both ? vd::load(y + 2 * kLanes) : vd::all(0)};
        int k = 0;
        (F::add(OnePerLane{{turned<K>(z.re), turned<K>(z.im), turned<K>(z.third)}}, z, s[k++]), ...);
    }
}

template <class F, int... K>
FASTEMO_NOINLINE void turn_panel(const PairPanelsArgs& a, index c, double* sums, std::integer_sequence<int, K...> by) {
    constexpr int S = F::kSums, N = sizeof...(K);
    constexpr index W = vd::width;
    vd s[N][S];
    FASTEMO_UNROLL
    for (int n = 0; n < N; ++n) {
        FASTEMO_UNROLL
        for (int k = 0; k < S; ++k) s[n][k] = vd::load(sums + (n * S + k) * W);
    }
    add_turns<F>(panel_of(a, c), a.n, a.parts * kLanes, s, by);
    FASTEMO_UNROLL
    for (int n = 0; n < N; ++n) {
        FASTEMO_UNROLL
        for (int k = 0; k < S; ++k) s[n][k].store(sums + (n * S + k) * W);
    }
}

template <class F>
FASTEMO_INLINE void pairs_within(const PairPanelsArgs& a, index c, double* sums) {
    turn_panel<F>(a, c, sums, std::integer_sequence<int, 1, 2>());
    turn_panel<F>(a, c, sums + 2 * F::kSums * vd::width, std::integer_sequence<int, 3, 4>());
}

template <class F>
FASTEMO_INLINE void measures_within(const PairPanelsArgs& a, const double* inverse_root, index c, const double* sums) {
    constexpr index W = vd::width;
    for (index turn = 1; turn <= kLanes / 2; ++turn, sums += F::kSums * W) {
        vd s[F::kSums];
        FASTEMO_UNROLL
        for (int k = 0; k < F::kSums; ++k) s[k] = vd::load(sums + k * W);
        double roots[W], round[W], values[9 * W];
        for (index l = 0; l < W; ++l) {
            roots[l] = inverse_root[c + l] * inverse_root[c + (l + turn) % W];
            round[l] = l + turn < W ? 0 : 1;  // the second signal came first
        }
        CrossSums of = F::sums(s, a.units);
        const auto back = vd::load(round) > vd::all(0);
        for (vd* part : {&of.im, &of.phase_im, &of.sign}) *part = select(back, vd::all(0) - *part, *part);
        add_measures<true, true>(a.measures, a.total, of, vd::load(roots), true, false, 1.0, values, W, nullptr, 0);
        for (index l = 0; l < (turn < kLanes / 2 ? W : W / 2); ++l) {
            const index other = (l + turn) % W, r = c + (l > other ? l : other), column = c + (l > other ? other : l);
            if (r >= a.n_channels) continue;
            double* to = a.out + r * (r - 1) / 2 + column;
            for (index plane = 0; plane < a.n_planes; ++plane) to[plane * a.out_stride] = values[plane * W + l];
        }
    }
}

// What PairedSums have too much of, one channel's share, less: sums of products of the parts of two samples, over those of
// a panel that make two. `own` has a row of channels for each of the parts.
FASTEMO_INLINE void add_own_products(const double* z, index n, index row, double* own, index stride) {
    vd re = vd::load(own), im = vd::load(own + stride);
    for (; n > 1; n -= 2, z += 2 * row) {
        re = fma(-vd::load(z), vd::load(z + row), re);
        im = fma(-vd::load(z + kLanes), vd::load(z + row + kLanes), im);
    }
    re.store(own);
    im.store(own + stride);
}

// Measures of row r against channels [c, c + W), as far as they are before it.
template <class F>
FASTEMO_INLINE void panel_measures(const PairPanelsArgs& a, const double* inverse_root, const double* own, index stride,
                                   index r, index c, const double* sums) {
    constexpr index W = vd::width;
    vd s[F::kSums];
    FASTEMO_UNROLL
    for (int k = 0; k < F::kSums; ++k) s[k] = vd::load(sums + k * W);
    if constexpr (F::kPaired) {
        FASTEMO_UNROLL
        for (int k = 0; k < 2; ++k) s[k] = s[k] + (vd::all(own[k * stride + r]) + vd::load(own + k * stride + c));
    }
    double values[9 * W];  // eight measures, one of them in two parts
    add_measures<true, true>(a.measures, a.total, F::sums(s, a.units),
                             vd::all(inverse_root[r]) * vd::load(inverse_root + c), true, false, 1.0, values, W,
                             nullptr, 0);
    double* to = a.out + r * (r - 1) / 2 + c;
    for (index plane = 0; plane < a.n_planes; ++plane, to += a.out_stride) {
        const double* from = values + plane * W;
        if (c + W <= r)
            vd::load(from).store(to);
        else
            for (index l = 0; c + l < r; ++l) to[l] = from[l];
    }
}

inline void add_powers(const PairPanelsArgs& a, double* powers) {
    for (index c = 0; c < a.n_channels; c += vd::width) {
        const double* z = panel_of(a, c);
        vd sum = vd::load(powers + c);
        for (index i = 0; i < a.n; ++i, z += a.parts * kLanes) {
            const vd re = vd::load(z), im = vd::load(z + kLanes);
            sum = sum + fma(re, re, im * im);
        }
        sum.store(powers + c);
    }
}

// Pairs with a second signal in [c0, c1), in the order in which their sums lie: within(c, sums) for each native that is a
// whole group, or else tile(r, c, sums, kind) for the rows of the same group; then tile(...) for the rows after it.
constexpr bool kTurns = FASTEMO_VECTORS && vd::width == kLanes;

template <class F, class InGroup, class Tile>
FASTEMO_INLINE void visit_pairs(index n_channels, index c0, index c1, double* sums, InGroup&& within, Tile&& tile) {
    using Within = typename F::Within;
    constexpr index W = vd::width, R = F::kRows, R0 = Within::kRows;
    for (index c = c0; c < c1; c += W) {
        const index next = (c / kLanes + 1) * kLanes;
        if constexpr (kTurns) {
            within(c, sums);
            sums += kLanes / 2 * Within::kSums * W;
        } else {
            for (index r = c / R0 * R0; r < next && r < n_channels; r += R0, sums += R0 * Within::kSums * W)
                tile(r, c, sums, Within());
        }
        for (index r = next; r < n_channels; r += R, sums += R * F::kSums * W) tile(r, c, sums, F());
    }
}

template <class F>
FASTEMO_INLINE void pair_panels_of(const PairPanelsArgs& a) {
    constexpr index W = vd::width;
    using Within = typename F::Within;
    const index stride = (a.n_channels + kLanes - 1) / kLanes * kLanes;
    double *const powers = a.sums, *const own = powers + stride, *const sums = own + (F::kPaired ? 2 : 0) * stride;
    constexpr unsigned of_power = 1u << CrossArgs::coh | 1u << CrossArgs::cohy | 1u << CrossArgs::imcoh;
    if (a.measures & of_power) add_powers(a, powers);
    if constexpr (F::kPaired)
        for (index c = 0; c < a.n_channels; c += W)
            add_own_products(panel_of(a, c), a.n, a.parts * kLanes, own + c, stride);
    visit_pairs<F>(
        a.n_channels, 0, a.n_channels, sums,
        [&](index c, double* at) FASTEMO_INLINE_LAMBDA { pairs_within<Within>(a, c, at); },
        [&](index r, index c, double* at, auto kind)
            FASTEMO_INLINE_LAMBDA { panel_tile<decltype(kind)>(a, r, c, at); });
    if (!a.out) return;
    for (index c = 0; c < stride; c += W) {
        const vd power = vd::load(powers + c);
        select(power > vd::all(0), vd::all(1) / sqrt(power), vd::all(0)).store(powers + c);
    }
    visit_pairs<F>(
        a.n_channels, 0, a.n_channels, sums,
        [&](index c, double* at) FASTEMO_INLINE_LAMBDA { measures_within<Within>(a, powers, c, at); },
        [&](index r0, index c, double* at, auto kind) FASTEMO_INLINE_LAMBDA {
            using Kind = decltype(kind);
            for (index r = r0; r < r0 + Kind::kRows && r < a.n_channels; ++r, at += Kind::kSums * W)
                if (c < r) panel_measures<Kind>(a, powers, own, stride, r, c, at);
        });
}

// The sums that do, and the form of the signals that they are taken of.
template <class Call>
FASTEMO_INLINE auto with_panel_sums(unsigned measures, Call&& call) {
    constexpr unsigned plv = 1u << CrossArgs::plv, coh = 1u << CrossArgs::coh;
    constexpr unsigned phase = plv | 1u << CrossArgs::ciplv;
    constexpr unsigned cross = coh | 1u << CrossArgs::cohy | 1u << CrossArgs::imcoh;
    constexpr unsigned weighted = 1u << CrossArgs::wpli | 1u << CrossArgs::imcoh;
    constexpr unsigned signs = weighted | 1u << CrossArgs::pli | 1u << CrossArgs::dpli;
    const auto only = [&](unsigned set) { return (measures & ~set) == 0; };
    if (only(plv)) return call(PairedSums());
    if (only(coh)) return call(SquareSums());
    if (only(phase) || only(cross)) return call(ProductSums());
    if (only(weighted)) return call(ImaginarySums<false>());
    if (only(signs)) return call(ImaginarySums<true>());
    return call(AllSums());
}

inline AnalyticArgs::Form panel_form(unsigned measures) {
    constexpr unsigned phase = 1u << CrossArgs::plv | 1u << CrossArgs::ciplv;
    const bool unit = (measures & ~phase) == 0;
    switch (with_panel_sums(measures, [](auto sums) { return sums.kThird; })) {
        case Third::both: return AnalyticArgs::with_inverse;
        case Third::first: return unit ? AnalyticArgs::unit_with_sum : AnalyticArgs::with_sum;
        default: return unit ? AnalyticArgs::unit : AnalyticArgs::signal;
    }
}

inline void panel_of_pairs(const double* pairs, index n, index step, AnalyticArgs::Form form, double* panel) {
    const index parts = form < AnalyticArgs::with_inverse ? 2 : 3;
    for (index i = 0; i < n; ++i, pairs += 2 * step * kLanes, panel += parts * kLanes)
        for (index c = 0; c < kLanes; c += vd::width)
            store_analytic(vd::load(pairs + c), vd::load(pairs + kLanes + c), form, panel + c, kLanes);
}

// Values of `sums`: powers, own products if need be, then those of the tiles in the order in which they come.
inline index pair_panels_size(index n_channels, unsigned measures) {
    return with_panel_sums(measures, [&](auto sums) {
        using F = decltype(sums);
        constexpr index W = vd::width;
        index size = (F::kPaired ? 3 : 1) * ((n_channels + kLanes - 1) / kLanes * kLanes);
        visit_pairs<F>(
            n_channels, 0, n_channels, nullptr, [&](index, double*) { size += kLanes / 2 * F::Within::kSums * W; },
            [&](index, index, double*, auto kind) { size += decltype(kind)::kRows * decltype(kind)::kSums * W; });
        return size;
    });
}

inline void pair_panels(const PairPanelsArgs& a) {
    with_panel_sums(a.measures, [&](auto sums) { pair_panels_of<decltype(sums)>(a); });
}

}  // namespace fastemo::FASTEMO_NS
