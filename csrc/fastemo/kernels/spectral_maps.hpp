// Functions, tangent vectors and distances of symmetric matrices by their eigenvalues.
#pragma once

#include "../base/matrices.hpp"
#include "eigen.hpp"
#include "lanes.hpp"

namespace fastemo::FASTEMO_NS {

constexpr index kEightUpTo = 64;     // of larger ones eight do not fit the cache
constexpr index kEightFrom = 3;      // matrices; for fewer each alone is faster
constexpr double kAsymmetry = 1e-6;  // of a matrix of float32, relative to its largest element

FASTEMO_INLINE index result_size(const MatrixJob& job) {
    switch (job.what) {
        case MatrixJob::function: return job.n * job.n;
        case MatrixJob::tangent: return job.n * (job.n + 1) / 2;
        case MatrixJob::distances: return job.n_whitenings;
        default: return job.n_whitenings * job.n;
    }
}

FASTEMO_INLINE index padded_row(index n) { return kLanes * Alone::packs(n); }

FASTEMO_INLINE index layout_scratch(const MatrixJob& job, bool eight) {
    const index row = eight ? kLanes * job.n : padded_row(job.n), lanes = eight ? kLanes : 1;
    return 3 * job.n * row + 6 * row + 2 * (kRotationsPerRow + 1) * job.n * lanes + lanes * result_size(job);
}
FASTEMO_INLINE bool in_eights(const MatrixJob& job, index width) { return width >= kEightFrom && job.n <= kEightUpTo; }
inline index spectral_scratch(const MatrixJob& job, index width) { return layout_scratch(job, in_eights(job, width)); }

template <class M>
struct Spectrum {
    using S = typename M::S;
    static constexpr index C = S::count;

    const MatrixJob& job;
    const index n = job.n, packs = M::packs(n), row = kLanes * packs;
    double *given, *work, *z, *rotations, *result;
    Vectors x;
    S fault, scale;

    Spectrum(const MatrixJob& job, double* scratch) : job(job) {
        given = scratch, work = given + n * row, z = work + n * row;
        double* const v = z + n * row;
        x = {v, v + row, v + 2 * row, v + 3 * row, v + 4 * row, v + 5 * row};
        rotations = v + 6 * row;
        result = rotations + 2 * (kRotationsPerRow + 1) * n * C;
    }

    void read(const double* matrices, index width) {
        if constexpr (C == 1) {
            (void)width;
            for (index i = 0; i < n; ++i) {
                for (index j = 0; j < n; ++j) given[i * row + j] = matrices[i * n + j];
                for (index j = n; j < row; ++j) given[i * row + j] = 0;
            }
        } else {
            LanesIn in;
            in.stride = sizeof(double), in.dtype = Dtype::f64, in.width = int(width), in.adjacent = false;
            for (index l = 0; l < kLanes; ++l)
                in.at[l] = reinterpret_cast<const char*>(matrices + (l < width ? l : width - 1) * n * n);
            read_lanes<Wide>(in, 0, n * n, given);
        }
        check();
    }

    // Symmetric to rounding, and finite; made so exactly. A matrix that is not becomes zero.
    void check() {
        const S zero = S::all(0), half = S::all(0.5);
        S finite = zero, large = zero, apart = zero;
        for (index i = 0; i < n; ++i)
            for (index j = i; j < n; ++j) {
                const S a = number<M>(given + i * row, j), b = number<M>(given + j * row, i),
                        mean = half * a + half * b;
                finite = finite + zero * a + zero * b;
                large = max(large, abs(mean));
                apart = max(apart, abs(a - b));
                put<M>(mean, given + i * row, j);
                put<M>(mean, given + j * row, i);
            }
        fault = select(S::all(kAsymmetry) * large >= apart, zero, S::all(kNotSymmetric));
        fault = select(finite == zero, fault, S::all(kNotFinite));
        for (index i = 0; i < n; ++i)
            for (index j = 0; j < n; ++j)
                put<M>(select(fault == zero, number<M>(given + i * row, j), zero), given + i * row, j);
    }

    // The eigenvalues of the matrix under a whitening go to x.d, the vectors to the rows of z.
    void solve(index k, bool vectors) {
        if (job.whitening) {
            const index stride = padded_row(n);
            congruence_of<M>(given, job.whitening + k * n * stride, stride, n, z, work);
        } else {
            for (index i = 0; i < n * row; ++i) work[i] = given[i];
        }
        scale_down();
        tridiagonal<M>(work, n, x);
        if (vectors) reflections<M>(work, n, x.beta, z);
        const S failed = vectors ? ql<M>(x.d, x.e, n, z, rotations) : eigenvalues<M>(x.d, x.e, n);
        fault = select(fault == S::all(0), S::all(kNotConverged) * failed, fault);
        S low = S::all(__builtin_inf()), high = S::all(0);
        for (index i = 0; i < n; ++i) {
            const S value = scale * number<M>(x.d, i);
            put<M>(value, x.d, i);
            low = min(low, value);
            high = max(high, abs(value));
        }
        require(low, high);
    }

    // By a power of two, so that no square overflows or vanishes.
    void scale_down() {
        S large = S::all(0);
        for (index i = 0; i < n; ++i)
            for (index j = i; j < n; ++j) large = max(large, abs(number<M>(work + i * row, j)));
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
        scale = S::load(up);
        const pack factor = M::spread(S::load(down));
        for (index i = 0; i < n * packs; ++i) (factor * pack::load(work + kLanes * i)).store(work + kLanes * i);
    }

    void require(S low, S high) {
        const bool log_of_them = job.what == MatrixJob::tangent || job.what == MatrixJob::distances;
        if (job.what == MatrixJob::values) return;
        if (!log_of_them && job.f == Spectral::exp) {
            const auto fits = S::all(700) >= high;
            fault = select(fault == S::all(0), select(fits, S::all(0), S::all(kTooLarge)), fault);
            return;
        }
        if (job.floor > 0) {
            clip(job.floor);
            return;
        }
        const S least = S::all(double(n) * 0x1p-52) * high, zero = S::all(0);
        const bool or_zero = !log_of_them && job.f == Spectral::sqrt;
        const auto positive = or_zero ? low >= -least : least < low;
        fault = select(fault == zero, select(positive, zero, S::all(kNotPositive)), fault);
        if (or_zero) clip(0);
    }
    void clip(double floor) {
        for (index i = 0; i < n; ++i) put<M>(max(number<M>(x.d, i), S::all(floor)), x.d, i);
    }

    FASTEMO_INLINE pack value(pack v) const {
        // what is not positive has a fault already; a logarithm of it must still be a number
        const pack safe = max(v, pack::all(1e-300));
        switch (job.what == MatrixJob::function ? job.f : Spectral::log) {
            case Spectral::exp: return exp(v);
            case Spectral::sqrt: return sqrt(max(v, pack::all(0)));
            case Spectral::inverse_sqrt: return pack::all(1) / sqrt(safe);
            case Spectral::power: return exp(pack::all(job.exponent) * log(safe));
            default: return log(safe);
        }
    }

    void run(double* out, index width, unsigned char* faults) {
        const bool vectors = job.what == MatrixJob::function || job.what == MatrixJob::tangent;
        for (index k = 0; k < job.n_whitenings; ++k) {
            solve(k, vectors);
            if (job.what == MatrixJob::values) {
                for (index i = 0; i < n; ++i) put<M>(number<M>(x.d, i), result, k * n + i);
                continue;
            }
            for (index p = 0; p < packs; ++p) value(pack::load(x.d + kLanes * p)).store(x.f + kLanes * p);
            if (vectors) {
                rebuild();
                continue;
            }
            S sum = S::all(0);
            for (index i = 0; i < n; ++i) sum = fma(number<M>(x.f, i), number<M>(x.f, i), sum);
            put<M>(sum, result, k);
        }
        write(out, width, faults);
    }

    void rebuild() {
        for (index k = 0; k < n; ++k) {
            const pack f = coef<M>(x.f, k);
            for (index p = 0; p < packs; ++p)
                (f * pack::load(z + k * row + kLanes * p)).store(work + k * row + kLanes * p);
        }
        // rows of f V' and V' are alike in layout
        product<M>(
            n, true, given, [&](index i, index k) FASTEMO_INLINE_LAMBDA { return coef<M>(work + k * row, i); },
            [&](index k, index p) FASTEMO_INLINE_LAMBDA { return pack::load(z + k * row + kLanes * p); });
        index to = 0;
        for (index i = 0; i < n; ++i)
            for (index j = i; j < n; ++j) {
                const S v = number<M>(given + i * row, j);
                if (job.what == MatrixJob::tangent) {
                    put<M>(i == j ? v : S::all(0x1.6a09e667f3bcdp+0) * v, result, to++);
                } else {
                    put<M>(v, result, i * n + j);
                    put<M>(v, result, j * n + i);
                }
            }
    }

    void write(double* out, index width, unsigned char* faults) {
        const index size = result_size(job);
        if constexpr (C == 1) {
            (void)width;
            for (index i = 0; i < size; ++i) out[i] = result[i];
        } else {
            LanesOut to;
            to.stride = sizeof(double), to.dtype = Dtype::f64, to.width = int(width), to.adjacent = false;
            for (index l = 0; l < kLanes; ++l)
                to.at[l] = reinterpret_cast<char*>(out + (l < width ? l : width - 1) * size);
            write_lanes<Wide>(result, size, to, 0);
        }
        double lane[C];
        fault.store(lane);
        for (index l = 0; l < (C == 1 ? 1 : width); ++l) {
            faults[l] = static_cast<unsigned char>(lane[l]);
            if (faults[l])
                for (index i = 0; i < size; ++i) out[l * size + i] = __builtin_nan("");
        }
    }
};

inline void spectral(const MatrixJob& job, const double* matrices, index width, double* out, unsigned char* faults,
                     double* scratch) {
    if (in_eights(job, width)) {
        Spectrum<Eight> s(job, scratch);
        s.read(matrices, width);
        s.run(out, width, faults);
        return;
    }
    for (index l = 0; l < width; ++l) {
        Spectrum<Alone> s(job, scratch);
        s.read(matrices + l * job.n * job.n, 1);
        s.run(out + l * result_size(job), 1, faults + l);
    }
}

inline index congruence_scratch(index n) { return 3 * n * padded_row(n); }

inline void congruence(const double* matrix, const double* whitening, index n, double* out, double* scratch) {
    const index row = padded_row(n);
    double *const c = scratch, *const t = c + n * row, *const w = t + n * row;
    for (index i = 0; i < n; ++i) {
        for (index j = 0; j < n; ++j) c[i * row + j] = matrix[i * n + j];
        for (index j = n; j < row; ++j) c[i * row + j] = 0;
    }
    congruence_of<Alone>(c, whitening, row, n, t, w);
    for (index i = 0; i < n; ++i)
        for (index j = 0; j < n; ++j) out[i * n + j] = w[i * row + j];
}

}  // namespace fastemo::FASTEMO_NS
