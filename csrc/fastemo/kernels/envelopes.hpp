// Correlation of envelopes after orthogonalisation in pairs (Hipp 2012): what of z_i is out of phase with z_j,
//   o_ij = abs Im(z_i conj z_j) / abs z_j,  correlated over time with abs z_j.
//
// Lanes are second signals j, a tile holds R first ones i; both directions share the product. The envelope has no mean,
// so three sums per direction are all that a correlation takes.
#pragma once

#include "maths.hpp"

namespace fastemo::FASTEMO_NS {

// Samples that all pairs go through before the next: as many as L1 holds.
constexpr index kEnvelopeSamples = 16;

inline index envelopes_scratch(index n, index stride) { return (2 * n + 1 + 6 * stride) * stride; }

// 1 / abs z and the centred envelope (or its logarithm) of every sample, and 1 / norm of the latter.
template <bool kLog>
FASTEMO_INLINE void envelope_rows(const EnvelopeArgs& a, double* rows, double* inverse_norm) {
    const vd zero = vd::all(0), one = vd::all(1);
    for (index c = 0; c < a.stride; c += vd::width) {
        vd sum = zero, square = zero;
        for (index i = 0; i < a.n; ++i) {
            const double* z = a.spectra + 2 * i * a.stride + c;
            double* to = rows + 2 * i * a.stride + c;
            const vd re = vd::load(z), im = vd::load(z + a.stride), power = fma(re, re, im * im), size = sqrt(power);
            select(size == zero, zero, one / size).store(to);
            const vd envelope = kLog ? log(power) : size;
            envelope.store(to + a.stride);
            sum = sum + envelope;
        }
        const vd mean = sum / vd::all(double(a.n));
        for (index i = 0; i < a.n; ++i) {
            double* to = rows + (2 * i + 1) * a.stride + c;
            const vd centred = vd::load(to) - mean;
            centred.store(to);
            square = fma(centred, centred, square);
        }
        select(square > zero, one / sqrt(square), zero).store(inverse_norm + c);
    }
}

template <bool kLog>
FASTEMO_NOINLINE void envelope_pairs(const EnvelopeArgs& a, double* scratch) {
    constexpr int R = FASTEMO_VECTOR_BYTES == 64 ? 4 : 2;
    constexpr index W = vd::width;
    double* const rows = scratch;
    double* const inverse_norm = rows + 2 * a.n * a.stride;
    envelope_rows<kLog>(a, rows, inverse_norm);
    const vd zero = vd::all(0), n = vd::all(double(a.n));
    const auto correlation = [&](vd sum, vd square, vd product, vd norm) FASTEMO_INLINE_LAMBDA {
        const vd spread = square - sum * sum / n;
        // What is constant but for its rounding has no correlation.
        return select(spread > square * vd::all(1e-12), product * norm / sqrt(max(spread, zero)), zero);
    };
    for (index first = 0; first < a.n; first += kEnvelopeSamples) {
        const index stop = first + kEnvelopeSamples < a.n ? first + kEnvelopeSamples : a.n;
        double* sums = inverse_norm + a.stride;  // of the tiles, in the order in which they come
        for (index r0 = 0; r0 < a.n_channels; r0 += R) {
            for (index c = 0; c < r0 + R; c += W, sums += 6 * R * W) {
                vd s[6][R];  // sum, square and product of both directions
                FASTEMO_UNROLL
                for (int k = 0; k < 6 * R; ++k) s[k / R][k % R] = first == 0 ? zero : vd::load(sums + k * W);
                for (index i = first; i < stop; ++i) {
                    const double *z = a.spectra + 2 * i * a.stride, *e = rows + 2 * i * a.stride;
                    const vd y_re = vd::load(z + c), y_im = vd::load(z + a.stride + c);
                    const vd y_inverse = vd::load(e + c), y_envelope = vd::load(e + a.stride + c);
                    FASTEMO_UNROLL
                    for (int r = 0; r < R; ++r) {
                        const index x = r0 + r;
                        const vd im = abs(vd::all(z[a.stride + x]) * y_re - vd::all(z[x]) * y_im);
                        vd of_x = im * y_inverse, of_y = im * vd::all(e[x]);
                        if constexpr (kLog) of_x = log(of_x * of_x), of_y = log(of_y * of_y);
                        s[0][r] = s[0][r] + of_x;
                        s[1][r] = s[1][r] + of_y;
                        s[2][r] = fma(of_x, of_x, s[2][r]);
                        s[3][r] = fma(of_y, of_y, s[3][r]);
                        s[4][r] = fma(of_x, y_envelope, s[4][r]);
                        s[5][r] = fma(of_y, vd::all(e[a.stride + x]), s[5][r]);
                    }
                }
                if (stop < a.n) {
                    FASTEMO_UNROLL
                    for (int k = 0; k < 6 * R; ++k) s[k / R][k % R].store(sums + k * W);
                    continue;
                }
                for (index r = 0; r < R && r0 + r < a.n_channels; ++r) {
                    const index x = r0 + r;
                    correlation(s[0][r], s[2][r], s[4][r], vd::load(inverse_norm + c)).store(a.out + x * a.stride + c);
                    double other[W];
                    correlation(s[1][r], s[3][r], s[5][r], vd::all(inverse_norm[x])).store(other);
                    for (index l = 0; l < W && c + l < x; ++l) a.out[(c + l) * a.stride + x] = other[l];
                }
            }
        }
    }
}

inline void envelope_correlations(const EnvelopeArgs& a, double* scratch) {
    a.log ? envelope_pairs<true>(a, scratch) : envelope_pairs<false>(a, scratch);
}

}  // namespace fastemo::FASTEMO_NS
