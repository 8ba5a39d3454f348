// The moving sums of pair_sums.hpp for a list of pairs.
//
// Lanes are pairs. What a block of pairs needs of a sample is gathered side by side first, then the arithmetic is that
// of all pairs, in the same order: to the bit the same sums.
#pragma once

#include "../targets/pairs_kernels.hpp"
#include "pair_sums.hpp"

namespace fastemo::FASTEMO_NS {

inline index listed_sums_size(index n_pairs, index stride, unsigned measures) {
    const index planes = 2 + 2 * ((measures & kPhaseMeasures) != 0) + ((measures & kMagnitudeMeasures) != 0) +
                         ((measures & kSignMeasures) != 0);
    return stride + planes * n_pairs;  // powers first
}

constexpr index kGathered = 6 * kListed;  // of one sample: three parts of both signals

// The inverse roots of the powers and of the pairs, the planes of a block, and what is gathered.
inline index listed_sums_scratch(index stride) { return stride + (1 + 9) * kListed + PairSumsArgs::kMost * kGathered; }

template <bool kPhase>
FASTEMO_INLINE void gather(const PairListArgs& l, const double* const* samples, index n, index p0, double* to) {
    const index stride = l.sums.stride;
    for (index i = 0; i < n; ++i, to += kGathered)
        for (index part = 0; part < (kPhase ? 3 : 2); ++part) {
            const double* const from = samples[i] + part * stride;
            for (index p = 0; p < kListed; ++p) {
                to[part * kListed + p] = from[l.first[p0 + p]];
                to[(3 + part) * kListed + p] = from[l.second[p0 + p]];
            }
        }
}

template <Visit visit, bool kPhase, bool kMagnitude, bool kSign>
FASTEMO_INLINE void visit_listed(const double* gathered, const double* fading, index n,
                                 PairSums<kPhase, kMagnitude, kSign>& sums) {
    using Sums = PairSums<kPhase, kMagnitude, kSign>;
    const vd zero = vd::all(0), one = vd::all(1);
    vd(&s)[Sums::kPlanes] = sums.plane;
    for (index i = 0; i < n; ++i, gathered += kGathered) {
        const auto part = [&](index k) FASTEMO_INLINE_LAMBDA { return vd::load(gathered + k * kListed); };
        const vd x_re = part(0), x_im = part(1), y_re = part(3), y_im = part(4);
        const vd weight = visit == Visit::fade ? vd::all(fading[i]) : one;
        const vd re = fma(x_re, y_re, x_im * y_im);
        const vd im = x_im * y_re - x_re * y_im;
        s[0] = put_in<visit>(s[0], re, weight);
        s[1] = put_in<visit>(s[1], im, weight);
        if constexpr (kPhase) {
            const vd scale = part(2) * part(5);
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

template <bool kFading, bool kPhase, bool kMagnitude, bool kSign>
FASTEMO_NOINLINE void move_listed(const PairListArgs& l) {
    using Sums = PairSums<kPhase, kMagnitude, kSign>;
    constexpr index W = vd::width, kNatives = kListed / W;
    const PairSumsArgs& a = l.sums;
    double* const inverse_root = a.scratch;
    double* const of_pairs = inverse_root + a.stride;
    double* const planes = of_pairs + kListed;
    double* const gathered = planes + 9 * kListed;
    move_powers(a, inverse_root);
    const vd decay = vd::all(a.decay);
    for (index p0 = 0; p0 < l.n_pairs; p0 += kListed) {
        double* const at = a.sums + a.stride + p0;
        double* const fresh = a.fresh ? a.fresh + a.stride + p0 : nullptr;
        Sums sums[kNatives];
        gather<kPhase>(l, a.added, a.n_added, p0, gathered);
        for (index v = 0; v < kNatives; ++v) {
            for (int k = 0; k < Sums::kPlanes; ++k) sums[v].plane[k] = vd::all(0);
            visit_listed<kFading ? Visit::fade : Visit::add>(gathered + v * W, a.fading, a.n_added, sums[v]);
            for (int k = 0; fresh && k < Sums::kPlanes; ++k) {
                double* const to = fresh + k * l.n_pairs + v * W;
                (vd::load(to) + sums[v].plane[k]).store(to);
            }
        }
        if (!kFading && a.n_dropped > 0) {
            gather<kPhase>(l, a.dropped, a.n_dropped, p0, gathered);
            for (index v = 0; v < kNatives; ++v)
                visit_listed<Visit::drop>(gathered + v * W, nullptr, a.n_dropped, sums[v]);
        }
        for (index v = 0; v < kNatives; ++v)
            for (int k = 0; k < Sums::kPlanes; ++k) {
                const index of = k * l.n_pairs + v * W;
                vd& sum = sums[v].plane[k];
                sum = a.renew ? vd::load(fresh + of) : fma(vd::load(at + of), decay, sum);
                sum.store(at + of);
            }
        if (!a.out) continue;
        for (index p = 0; p < kListed; ++p)
            of_pairs[p] = inverse_root[l.first[p0 + p]] * inverse_root[l.second[p0 + p]];
        for (index v = 0; v < kNatives; ++v)
            add_measures<kPhase, kMagnitude || kSign>(a.measures, a.total, sums[v].sums(), vd::load(of_pairs + v * W),
                                                      true, false, 1.0, a.out + p0 + v * W, a.out_stride, nullptr, 0);
    }
}

template <bool kFading>
FASTEMO_INLINE void move_listed_of(const PairListArgs& l) {
    const unsigned m = l.sums.measures;
    const bool phase = m & kPhaseMeasures, magnitude = m & kMagnitudeMeasures, sign = m & kSignMeasures;
    if (phase)
        magnitude ? (sign ? move_listed<kFading, true, true, true>(l) : move_listed<kFading, true, true, false>(l))
                  : (sign ? move_listed<kFading, true, false, true>(l) : move_listed<kFading, true, false, false>(l));
    else
        magnitude ? (sign ? move_listed<kFading, false, true, true>(l) : move_listed<kFading, false, true, false>(l))
                  : (sign ? move_listed<kFading, false, false, true>(l) : move_listed<kFading, false, false, false>(l));
}

inline void listed_sums(const PairListArgs& l) { l.sums.fading ? move_listed_of<true>(l) : move_listed_of<false>(l); }

}  // namespace fastemo::FASTEMO_NS
