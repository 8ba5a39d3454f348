// Sums over products of all pairs of analytic signals that move with time: new samples are added and old ones dropped.
//
// Lanes are second signals, a tile holds R first ones against a native of them. The sums of a tile lie together, in the
// order in which tiles are visited, and are read and written once per call. What is added is summed in registers first,
// then (for the copy that never drops anything) put into `fresh`, then what is dropped is taken off: neither costs a
// product twice. The imaginary part is a difference of two rounded products, so that copies of a channel have none.
#pragma once

#include "cross_spectra.hpp"

namespace fastemo::FASTEMO_NS {

// As many first signals as the registers hold the sums of.
constexpr int kPairRows = FASTEMO_VECTOR_BYTES == 64 ? 4 : 2;

constexpr unsigned kPhaseMeasures = 1u << CrossArgs::plv | 1u << CrossArgs::ciplv;
constexpr unsigned kMagnitudeMeasures = 1u << CrossArgs::wpli;
constexpr unsigned kSignMeasures = 1u << CrossArgs::pli | 1u << CrossArgs::dpli;

inline index pair_sums_size(index n_channels, index stride, unsigned measures) {
    const index planes = 2 + 2 * ((measures & kPhaseMeasures) != 0) + ((measures & kMagnitudeMeasures) != 0) +
                         ((measures & kSignMeasures) != 0);
    const index rows = (n_channels + kPairRows - 1) / kPairRows * kPairRows;
    return stride + planes * rows * stride;  // powers first
}

// The inverse roots of the powers, and the rows of a tile in each of the planes: eight measures, one of them in two parts.
inline index pair_sums_scratch(index stride) { return (1 + 9 * kPairRows) * stride; }

template <bool kPhase, bool kMagnitude, bool kSign>
struct PairSums {
    static constexpr int kPlanes = 2 + 2 * kPhase + kMagnitude + kSign;
    vd plane[kPlanes];

    static constexpr int kPhaseAt = 2, kMagnitudeAt = 2 + 2 * kPhase, kSignAt = kMagnitudeAt + kMagnitude;

    FASTEMO_INLINE CrossSums sums() const {
        const vd zero = vd::all(0);
        CrossSums s{plane[0], plane[1], zero, zero, zero, zero, zero};
        if constexpr (kPhase) s.phase_re = plane[kPhaseAt], s.phase_im = plane[kPhaseAt + 1];
        if constexpr (kMagnitude) s.magnitude = plane[kMagnitudeAt];
        if constexpr (kSign) s.sign = plane[kSignAt];
        return s;
    }
};

enum class Visit { add, drop, fade };

template <Visit visit>
FASTEMO_INLINE vd put_in(vd sum, vd value, vd weight) {
    if constexpr (visit == Visit::add) return sum + value;
    if constexpr (visit == Visit::drop) return sum - value;
    return fma(value, weight, sum);
}

template <Visit visit, bool kPhase, bool kMagnitude, bool kSign, int R>
FASTEMO_INLINE void visit_samples(const PairSumsArgs& a, index r0, index c,
                                  PairSums<kPhase, kMagnitude, kSign> (&sums)[R]) {
    using Sums = PairSums<kPhase, kMagnitude, kSign>;
    const double* const* samples = visit == Visit::drop ? a.dropped : a.added;
    const index n = visit == Visit::drop ? a.n_dropped : a.n_added;
    const vd zero = vd::all(0), one = vd::all(1);
    for (index i = 0; i < n; ++i) {
        const double* const at = samples[i];
        const vd y_re = vd::load(at + c), y_im = vd::load(at + a.stride + c);
        vd y_inverse = zero;
        if constexpr (kPhase) y_inverse = vd::load(at + 2 * a.stride + c);
        const vd weight = visit == Visit::fade ? vd::all(a.fading[i]) : one;
        FASTEMO_UNROLL
        for (int r = 0; r < R; ++r) {
            const double *const x = at + r0 + r, *const same = same_but_unknown(x);  // past the last: padding, finite
            const vd x_re = vd::all(x[0]), x_im = vd::all(x[a.stride]);
            const vd re = fma(x_re, y_re, x_im * y_im);
            const vd im = vd::all(same[a.stride]) * y_re - vd::all(same[0]) * y_im;
            vd(&s)[Sums::kPlanes] = sums[r].plane;
            s[0] = put_in<visit>(s[0], re, weight);
            s[1] = put_in<visit>(s[1], im, weight);
            if constexpr (kPhase) {
                const vd scale = vd::all(x[2 * a.stride]) * y_inverse;
                s[Sums::kPhaseAt] = put_in<visit>(s[Sums::kPhaseAt], re * scale, weight);
                s[Sums::kPhaseAt + 1] = put_in<visit>(s[Sums::kPhaseAt + 1], im * scale, weight);
            }
            if constexpr (kMagnitude) s[Sums::kMagnitudeAt] = put_in<visit>(s[Sums::kMagnitudeAt], abs(im), weight);
            if constexpr (kSign) {
                const vd sign = select(im > zero, one, select(im < zero, -one, zero));
                s[Sums::kSignAt] = put_in<visit>(s[Sums::kSignAt], sign, weight);
            }
        }
    }
}

// Powers of the channels, and the inverse of their roots.
inline void move_powers(const PairSumsArgs& a, double* inverse_root) {
    for (index c = 0; c < a.stride; c += vd::width) {
        vd sum = vd::all(0);
        const auto power = [&](const double* at) FASTEMO_INLINE_LAMBDA {
            const vd re = vd::load(at + c), im = vd::load(at + a.stride + c);
            return fma(re, re, im * im);
        };
        for (index i = 0; i < a.n_added; ++i)
            sum = a.fading ? fma(power(a.added[i]), vd::all(a.fading[i]), sum) : sum + power(a.added[i]);
        vd fresh = sum;
        if (a.fresh) {
            fresh = vd::load(a.fresh + c) + sum;
            fresh.store(a.fresh + c);
        }
        for (index i = 0; i < a.n_dropped; ++i) sum = sum - power(a.dropped[i]);
        sum = a.renew ? fresh : fma(vd::load(a.sums + c), vd::all(a.decay), sum);
        sum.store(a.sums + c);
        select(sum > vd::all(0), vd::all(1) / sqrt(sum), vd::all(0)).store(inverse_root + c);
    }
}

template <bool kFading, bool kPhase, bool kMagnitude, bool kSign>
FASTEMO_NOINLINE void move_pairs(const PairSumsArgs& a) {
    using Sums = PairSums<kPhase, kMagnitude, kSign>;
    constexpr int R = kPairRows;
    constexpr index W = vd::width, tile = R * Sums::kPlanes * W;
    double* const inverse_root = a.scratch;
    double* const planes = inverse_root + a.stride;
    move_powers(a, inverse_root);
    double* at = a.sums + a.stride;
    double* fresh = a.fresh ? a.fresh + a.stride : nullptr;
    double* out = a.out;
    const vd decay = vd::all(a.decay);
    for (index r0 = 0; r0 < a.n_channels; r0 += R) {
        const index last = r0 + R < a.n_channels ? r0 + R - 1 : a.n_channels - 1;
        for (index c = 0; c < last; c += W, at += tile) {
            Sums sums[R];
            FASTEMO_UNROLL
            for (int r = 0; r < R; ++r) {
                FASTEMO_UNROLL
                for (int p = 0; p < Sums::kPlanes; ++p) sums[r].plane[p] = vd::all(0);
            }
            visit_samples<kFading ? Visit::fade : Visit::add>(a, r0, c, sums);
            if (fresh) {
                FASTEMO_UNROLL
                for (int r = 0; r < R; ++r) {
                    FASTEMO_UNROLL
                    for (int p = 0; p < Sums::kPlanes; ++p) {
                        double* const to = fresh + (r * Sums::kPlanes + p) * W;
                        (vd::load(to) + sums[r].plane[p]).store(to);
                    }
                }
            }
            if constexpr (!kFading) visit_samples<Visit::drop>(a, r0, c, sums);
            FASTEMO_UNROLL
            for (int r = 0; r < R; ++r) {
                FASTEMO_UNROLL
                for (int p = 0; p < Sums::kPlanes; ++p) {
                    const index of = (r * Sums::kPlanes + p) * W;
                    vd& sum = sums[r].plane[p];
                    sum = a.renew ? vd::load(fresh + of) : fma(vd::load(at + of), decay, sum);
                    sum.store(at + of);
                }
            }
            if (fresh) fresh += tile;
            if (!out) continue;
            FASTEMO_UNROLL
            for (int r = 0; r < R; ++r)
                add_measures<kPhase, kMagnitude || kSign>(
                    a.measures, a.total, sums[r].sums(), vd::all(inverse_root[r0 + r]) * vd::load(inverse_root + c),
                    true, false, 1.0, planes + r * a.stride + c, R * a.stride, nullptr, 0);
        }
        if (!out) continue;
        for (index r = r0; r <= last; out += r++) {
            const double* from = planes + (r - r0) * a.stride;
            double* to = out;
            for (unsigned m = a.measures, plane = 0; m; m &= m - 1) {
                const bool two = (m & (~m + 1)) == 1u << CrossArgs::cohy;
                for (int part = 0; part <= two; ++part, ++plane, from += R * a.stride, to += a.out_stride)
                    for (index c = 0; c < r; ++c) to[c] = from[c];
            }
        }
    }
}

template <bool kFading>
FASTEMO_INLINE void move_pairs_of(const PairSumsArgs& a) {
    const bool phase = a.measures & kPhaseMeasures, magnitude = a.measures & kMagnitudeMeasures,
               sign = a.measures & kSignMeasures;
    if (phase)
        magnitude ? (sign ? move_pairs<kFading, true, true, true>(a) : move_pairs<kFading, true, true, false>(a))
                  : (sign ? move_pairs<kFading, true, false, true>(a) : move_pairs<kFading, true, false, false>(a));
    else
        magnitude ? (sign ? move_pairs<kFading, false, true, true>(a) : move_pairs<kFading, false, true, false>(a))
                  : (sign ? move_pairs<kFading, false, false, true>(a) : move_pairs<kFading, false, false, false>(a));
}

inline void pair_sums(const PairSumsArgs& a) { a.fading ? move_pairs_of<true>(a) : move_pairs_of<false>(a); }

}  // namespace fastemo::FASTEMO_NS
