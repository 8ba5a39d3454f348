// Correlation of envelopes after orthogonalisation in pairs (Hipp 2012): what of z_i is out of phase with z_j,
//   o_ij = abs Im(z_i conj z_j) / abs z_j,  correlated over time with abs z_j.
//
// Lanes are second signals j, a tile holds several first ones i; both directions share the product. The sum of o_ij times
// the centred envelope is that of abs Im(z_i conj z_j) less the mean times that of o_ij: five sums do for both directions.
// Logarithms have no such short cut.
#pragma once

#include "maths.hpp"
#include "pair_panels.hpp"

namespace fastemo::FASTEMO_NS {

constexpr index kEnvelopeSamples = 48;  // that all pairs go through before the next
constexpr index kLogSamples = 16;

inline index envelopes_scratch(index n, index stride) {
    return (2 * n + 2 + 6 * stride + 3 * kEnvelopeSamples) * stride;
}

// What is constant but for its rounding has no correlation.
FASTEMO_INLINE vd correlation_of(vd n, vd sum, vd square, vd product, vd norm) {
    const vd zero = vd::all(0), spread = square - sum * sum / n;
    return select(spread > square * vd::all(1e-12), product * norm / sqrt(max(spread, zero)), zero);
}

// Row x against channels [c, c + W), and the other direction.
FASTEMO_INLINE void put_correlations(const EnvelopeArgs& a, index x, index c, vd of_x, vd of_y) {
    constexpr index W = vd::width;
    of_x.store(a.out + x * a.stride + c);
    double other[W];
    of_y.store(other);
    for (index l = 0; l < W && c + l < x; ++l) a.out[(c + l) * a.stride + x] = other[l];
}

struct EnvelopeSums {
    static constexpr int kSums = 5, kRows = FASTEMO_VECTOR_BYTES == 64 ? 4 : 2;
    static constexpr bool kPaired = false;
    static constexpr Third kThird = Third::both;
    static FASTEMO_INLINE Parts second(Parts y) { return y; }
    template <class X>
    static FASTEMO_INLINE void add(const X& x, const Parts& y, vd* s) {
        const vd im = abs(x.im() * y.re - x.re() * y.im);
        const vd of_x = im * y.third, of_y = im * x.third();
        s[0] = s[0] + of_x;
        s[1] = s[1] + of_y;
        s[2] = fma(of_x, of_x, s[2]);
        s[3] = fma(of_y, of_y, s[3]);
        s[4] = s[4] + im;
    }
};

FASTEMO_NOINLINE inline void envelope_pairs(const EnvelopeArgs& a, double* scratch) {
    constexpr index W = vd::width, R = EnvelopeSums::kRows, S = EnvelopeSums::kSums;
    constexpr index parts = 3, panel = kEnvelopeSamples * parts * kLanes;
    const vd zero = vd::all(0), one = vd::all(1), n = vd::all(double(a.n));
    double *const sizes = scratch, *const means = sizes + a.n * a.stride, *const norms = means + a.stride;
    double *const panels = norms + a.stride, *const sums = panels + panel * (a.stride / kLanes);
    for (index c = 0; c < a.stride; c += W) {
        vd sum = zero, square = zero;
        for (index i = 0; i < a.n; ++i) {
            const double* z = a.spectra + 2 * i * a.stride + c;
            const vd re = vd::load(z), im = vd::load(z + a.stride), size = sqrt(fma(re, re, im * im));
            size.store(sizes + i * a.stride + c);
            sum = sum + size;
        }
        const vd mean = sum / n;
        for (index i = 0; i < a.n; ++i) {
            const vd centred = vd::load(sizes + i * a.stride + c) - mean;
            square = fma(centred, centred, square);
        }
        mean.store(means + c);
        select(square > zero, one / sqrt(square), zero).store(norms + c);
    }
    const auto visit = [&](auto f) FASTEMO_INLINE_LAMBDA {
        double* at = sums;
        for (index c = 0; c < a.n_channels; c += W)
            for (index r = c / R * R; r < a.n_channels; r += R, at += R * S * W) f(r, c, at);
    };
    visit([&](index, index, double* at) FASTEMO_INLINE_LAMBDA {
        for (index k = 0; k < R * S; ++k) zero.store(at + k * W);
    });
    PairPanelsArgs tile{};
    tile.panels = panels, tile.panel = panel, tile.parts = parts;
    for (index first = 0; first < a.n; first += kEnvelopeSamples) {
        tile.n = first + kEnvelopeSamples < a.n ? kEnvelopeSamples : a.n - first;
        for (index i = 0; i < tile.n; ++i)
            for (index c = 0; c < a.stride; c += W) {
                const double* z = a.spectra + 2 * (first + i) * a.stride + c;
                double* to = panels + c / kLanes * panel + i * parts * kLanes + c % kLanes;
                const vd size = vd::load(sizes + (first + i) * a.stride + c);
                vd::load(z).store(to);
                vd::load(z + a.stride).store(to + kLanes);
                select(size == zero, zero, one / size).store(to + 2 * kLanes);
            }
        visit([&](index r, index c, double* at) FASTEMO_INLINE_LAMBDA { panel_tile<EnvelopeSums>(tile, r, c, at); });
    }
    visit([&](index r0, index c, double* at) FASTEMO_INLINE_LAMBDA {
        for (index r = r0; r < r0 + R && r < a.n_channels; ++r, at += S * W) {
            const auto sum = [&](int k) FASTEMO_INLINE_LAMBDA { return vd::load(at + k * W); };
            const vd mean = vd::load(means + c), mean_of_x = vd::all(means[r]);
            put_correlations(a, r, c, correlation_of(n, sum(0), sum(2), sum(4) - mean * sum(0), vd::load(norms + c)),
                             correlation_of(n, sum(1), sum(3), sum(4) - mean_of_x * sum(1), vd::all(norms[r])));
        }
    });
}

FASTEMO_NOINLINE inline void log_envelope_pairs(const EnvelopeArgs& a, double* scratch) {
    constexpr int R = FASTEMO_VECTOR_BYTES == 64 ? 4 : 2;
    constexpr index W = vd::width;
    const vd zero = vd::all(0), one = vd::all(1), n = vd::all(double(a.n));
    // 1 / abs z and the centred logarithm of every sample, and 1 / norm of the latter.
    double *const rows = scratch, *const norms = rows + 2 * a.n * a.stride;
    for (index c = 0; c < a.stride; c += W) {
        vd sum = zero, square = zero;
        for (index i = 0; i < a.n; ++i) {
            const double* z = a.spectra + 2 * i * a.stride + c;
            double* to = rows + 2 * i * a.stride + c;
            const vd re = vd::load(z), im = vd::load(z + a.stride), power = fma(re, re, im * im), size = sqrt(power);
            select(size == zero, zero, one / size).store(to);
            const vd envelope = log(power);
            envelope.store(to + a.stride);
            sum = sum + envelope;
        }
        const vd mean = sum / n;
        for (index i = 0; i < a.n; ++i) {
            double* to = rows + (2 * i + 1) * a.stride + c;
            const vd centred = vd::load(to) - mean;
            centred.store(to);
            square = fma(centred, centred, square);
        }
        select(square > zero, one / sqrt(square), zero).store(norms + c);
    }
    for (index first = 0; first < a.n; first += kLogSamples) {
        const index stop = first + kLogSamples < a.n ? first + kLogSamples : a.n;
        double* sums = norms + a.stride;  // of the tiles, in the order in which they come
        for (index r0 = 0; r0 < a.n_channels; r0 += R) {
            for (index c = 0; c < r0 + R; c += W, sums += 6 * R * W) {
                vd s[6][R];  // sum, square and product of both directions
                FASTEMO_UNROLL
                for (int k = 0; k < 6; ++k) {
                    FASTEMO_UNROLL
                    for (int r = 0; r < R; ++r) s[k][r] = first == 0 ? zero : vd::load(sums + (k * R + r) * W);
                }
                for (index i = first; i < stop; ++i) {
                    const double *z = a.spectra + 2 * i * a.stride, *e = rows + 2 * i * a.stride;
                    const vd y_re = vd::load(z + c), y_im = vd::load(z + a.stride + c);
                    const vd y_inverse = vd::load(e + c), y_envelope = vd::load(e + a.stride + c);
                    FASTEMO_UNROLL
                    for (int r = 0; r < R; ++r) {
                        const index x = r0 + r;
                        const vd im = abs(vd::all(z[a.stride + x]) * y_re - vd::all(z[x]) * y_im);
                        const vd of_x = im * y_inverse, of_y = im * vd::all(e[x]);
                        const vd log_x = log(of_x * of_x), log_y = log(of_y * of_y);
                        s[0][r] = s[0][r] + log_x;
                        s[1][r] = s[1][r] + log_y;
                        s[2][r] = fma(log_x, log_x, s[2][r]);
                        s[3][r] = fma(log_y, log_y, s[3][r]);
                        s[4][r] = fma(log_x, y_envelope, s[4][r]);
                        s[5][r] = fma(log_y, vd::all(e[a.stride + x]), s[5][r]);
                    }
                }
                if (stop < a.n) {
                    FASTEMO_UNROLL
                    for (int k = 0; k < 6; ++k) {
                        FASTEMO_UNROLL
                        for (int r = 0; r < R; ++r) s[k][r].store(sums + (k * R + r) * W);
                    }
                    continue;
                }
                for (index r = 0; r < R && r0 + r < a.n_channels; ++r)
                    put_correlations(a, r0 + r, c, correlation_of(n, s[0][r], s[2][r], s[4][r], vd::load(norms + c)),
                                     correlation_of(n, s[1][r], s[3][r], s[5][r], vd::all(norms[r0 + r])));
            }
        }
    }
}

inline void envelope_correlations(const EnvelopeArgs& a, double* scratch) {
    a.log ? log_envelope_pairs(a, scratch) : envelope_pairs(a, scratch);
}

}  // namespace fastemo::FASTEMO_NS
