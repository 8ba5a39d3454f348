// Functions, tangent vectors and distances of symmetric matrices by their eigenvalues.
#pragma once

#include "../base/matrices.hpp"
#include "eigen.hpp"
#include "lanes.hpp"

namespace fastemo::FASTEMO_NS {

// How up to eight matrices are gone about: one after the other; side by side; or each by itself but for the recurrences
// of eigenvalues, which wait for roots and divisions and run side by side.
enum class Company { alone, beside, apart };
constexpr index kTogetherFrom = 2;       // matrices; of fewer the recurrences of eight take longer than theirs
constexpr index kBesideUpTo = 16;        // of larger ones eight fill L1 and their columns fill packs
constexpr index kValuesBesideUpTo = 32;  // eight without vectors, which leaves less to keep
constexpr index kApartUpTo = 256;        // of larger ones eight fill memory

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

FASTEMO_INLINE Company company(const MatrixJob& job, index width) {
    if (width < kTogetherFrom || job.n > kApartUpTo) return Company::alone;
    const bool vectors = job.what == MatrixJob::function || job.what == MatrixJob::tangent;
    const index beside = vectors || width < kLanes ? kBesideUpTo : kValuesBesideUpTo;
    return job.n <= beside ? Company::beside : Company::apart;
}

template <class M>
struct Spectrum {
    using S = typename M::S;
    static constexpr index C = S::width;

    const MatrixJob& job;
    const index n = job.n, packs = M::packs(n), row = kLanes * packs;
    double *given, *work, *z, *result;  // result [result_size(job)]
    Vectors x;
    S fault, scale;

    static index size(index n) { return kLanes * M::packs(n) * (2 * n + 6); }
    static index work_size(index n) { return kLanes * M::packs(n) * n; }

    // `own` has size(n) numbers and `work`, which may be another's between calls, work_size(n).
    Spectrum(const MatrixJob& job, double* own, double* work, double* result)
        : job(job), given(own), work(work), z(own + n * row), result(result) {
        double* const v = z + n * row;
        x = {v, v + row, v + 2 * row, v + 3 * row, v + 4 * row, v + 5 * row};
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
        index whole = 0;  // rows and columns that are seen to in tiles
        if constexpr (C == 1) whole = check_tiles(finite, large, apart);
        for (index i = 0; i < n; ++i)
            for (index j = i < whole ? whole : i; j < n; ++j) {
                const S a = number<M>(given + i * row, j), b = number<M>(given + j * row, i),
                        mean = half * a + half * b;
                finite = finite + zero * a + zero * b;
                large = max(large, abs(mean));
                apart = max(apart, abs(a - b));
                put(mean, given + i * row, j);
                put(mean, given + j * row, i);
            }
        fault = select(S::all(kAsymmetry) * large >= apart, zero, S::all(kNotSymmetric));
        fault = select(finite == zero, fault, S::all(kNotFinite));
        if (largest(fault) == 0) return;
        for (index i = 0; i < n; ++i)
            for (index j = 0; j < n; ++j)
                put(select(fault == zero, number<M>(given + i * row, j), zero), given + i * row, j);
    }

    index check_tiles(scalar& finite, scalar& large, scalar& apart) {
        constexpr index W = vd::width;
        const index whole = n / W * W;
        const vd zero = vd::all(0), half = vd::all(0.5);
        vd finite_ = zero, large_ = zero, apart_ = zero;
        for (index i = 0; i < whole; i += W)
            for (index j = i; j < whole; j += W) {
                double *const upper = given + i * row + j, *const lower = given + j * row + i;
                vd a[W], b[W];
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) a[k] = vd::load(upper + k * row), b[k] = vd::load(lower + k * row);
                transpose(b);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) {
                    const vd mean = half * a[k] + half * b[k];
                    finite_ = finite_ + zero * a[k] + zero * b[k];
                    large_ = max(large_, abs(mean));
                    apart_ = max(apart_, abs(a[k] - b[k]));
                    a[k] = mean;
                    mean.store(upper + k * row);
                }
                transpose(a);
                FASTEMO_UNROLL
                for (int k = 0; k < W; ++k) a[k].store(lower + k * row);
            }
        double lane[3][W];
        finite_.store(lane[0]);
        large_.store(lane[1]);
        apart_.store(lane[2]);
        for (index l = 0; l < W; ++l) {
            finite = finite + scalar{lane[0][l]};
            large = max(large, scalar{lane[1][l]});
            apart = max(apart, scalar{lane[2][l]});
        }
        return whole;
    }

    bool wants_vectors() const { return job.what == MatrixJob::function || job.what == MatrixJob::tangent; }

    // The tridiagonal form of the matrix under a whitening, and the rows of z that the rotations are of.
    void reduce(index k) {
        if (job.whitening) {
            const index stride = padded_row(n);
            congruence_of<M>(given, job.whitening + k * n * stride, stride, n, z, work);
        } else {
            for (index i = 0; i < n * row; ++i) work[i] = given[i];
        }
        scale = scale_down<M>(work, n);
        tridiagonal<M>(work, n, x);
        if (wants_vectors()) reflections<M>(work, n, x.beta, z);
    }

    // The eigenvalues in x.d.
    S diagonal(double* numbers) {
        if (!wants_vectors()) return eigenvalues<S>(x.d, x.e, n);
        return ql_of_rows<M>(x.d, x.e, n, z, numbers);
    }

    // What the job makes of them.
    void finish(index k, S failed) {
        fault = select(fault == S::all(0), S::all(kNotConverged) * failed, fault);
        S low = S::all(__builtin_inf()), high = S::all(0);
        for (index i = 0; i < n; ++i) {
            const S value = scale * number<M>(x.d, i);
            put(value, x.d, i);
            low = min(low, value);
            high = max(high, abs(value));
        }
        require(low, high);
        if (job.what == MatrixJob::values) {
            for (index i = 0; i < n; ++i) put(number<M>(x.d, i), result, k * n + i);
            return;
        }
        for (index p = 0; p < packs; ++p) value(pack::load(x.d + kLanes * p)).store(x.f + kLanes * p);
        if (wants_vectors()) return rebuild();
        S sum = S::all(0);
        for (index i = 0; i < n; ++i) sum = fma(number<M>(x.f, i), number<M>(x.f, i), sum);
        put(sum, result, k);
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
        for (index i = 0; i < n; ++i) put(max(number<M>(x.d, i), S::all(floor)), x.d, i);
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
                    put(i == j ? v : S::all(0x1.6a09e667f3bcdp+0) * v, result, to++);
                } else {
                    put(v, result, i * n + j);
                    put(v, result, j * n + i);
                }
            }
    }

    void write(double* out, index width, unsigned char* faults) {
        const index size = result_size(job);
        if constexpr (C > 1) {
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

template <class M>
FASTEMO_INLINE void spectral_of(const MatrixJob& job, const double* matrices, index width, double* out,
                                unsigned char* faults, double* scratch) {
    constexpr index C = M::S::width;
    const index n = job.n;
    double *const work = scratch + Spectrum<M>::size(n), *const numbers = work + Spectrum<M>::work_size(n);
    Spectrum<M> s(job, scratch, work, C == 1 ? out : numbers + C * rotations_size(n));
    s.read(matrices, width);
    for (index k = 0; k < job.n_whitenings; ++k) {
        s.reduce(k);
        s.finish(k, s.diagonal(numbers));
    }
    s.write(out, width, faults);
}

FASTEMO_INLINE void spectral_apart(const MatrixJob& job, const double* matrices, index width, double* out,
                                   unsigned char* faults, double* scratch) {
    using One = Spectrum<Alone>;
    const index n = job.n, size = One::size(n), results = result_size(job);
    double *const work = scratch + width * size, *const d = work + One::work_size(n), *const e = d + kLanes * n,
                  *const numbers = e + kLanes * n, *const own = numbers + kLanes * rotations_size(n);
    const auto of = [&](index l) { return One(job, scratch + l * size, work, out + l * results); };
    scalar fault[kLanes], scale[kLanes];
    for (index l = 0; l < width; ++l) {
        One s = of(l);
        s.read(matrices + l * n * n, 1);
        fault[l] = s.fault;
    }
    const auto apply = [&](const Rotations<pack>& rotations) {
        LanesOut cosines, sines;
        cosines.stride = sizeof(double), cosines.dtype = Dtype::f64, cosines.width = int(width);
        cosines.adjacent = false;
        sines = cosines;
        for (index l = 0; l < kLanes; ++l) {
            double* const lane = own + l * rotations_size(n);
            cosines.at[l] = reinterpret_cast<char*>(lane);
            sines.at[l] = reinterpret_cast<char*>(lane + kRotationsPerRow * n);
        }
        write_lanes<Wide>(rotations.cosines, rotations.n_rotations, cosines, 0);
        write_lanes<Wide>(rotations.sines, rotations.n_rotations, sines, 0);
        for (index l = 0; l < width; ++l) {
            const double* const lane = own + l * rotations_size(n);
            rotate<Alone>(rotations, int(l), lane, lane + kRotationsPerRow * n, of(l).z, Alone::packs(n));
        }
    };
    for (index k = 0; k < job.n_whitenings; ++k) {
        for (index l = 0; l < width; ++l) {
            One s = of(l);
            s.reduce(k);
            scale[l] = s.scale;
            for (index lane = l; lane < (l + 1 < width ? l + 1 : kLanes); ++lane)
                for (index i = 0; i < n; ++i) d[kLanes * i + lane] = s.x.d[i], e[kLanes * i + lane] = s.x.e[i];
        }
        const pack failed = of(0).wants_vectors() ? ql<pack>(d, e, n, Kept<pack, decltype(apply)>(n, numbers, apply))
                                                  : eigenvalues<pack>(d, e, n);
        double lane[kLanes];
        failed.store(lane);
        for (index l = 0; l < width; ++l) {
            One s = of(l);
            s.fault = fault[l], s.scale = scale[l];
            for (index i = 0; i < n; ++i) s.x.d[i] = d[kLanes * i + l];
            s.finish(k, {lane[l]});
            fault[l] = s.fault;
        }
    }
    for (index l = 0; l < width; ++l) {
        One s = of(l);
        s.fault = fault[l];
        s.write(out + l * results, 1, faults + l);
    }
}

inline index spectral_scratch(const MatrixJob& job, index width) {
    const index n = job.n, rotations = rotations_size(n);
    switch (company(job, width)) {
        case Company::beside:
            return Spectrum<Eight>::size(n) + Spectrum<Eight>::work_size(n) + kLanes * (rotations + result_size(job));
        case Company::apart:
            return width * Spectrum<Alone>::size(n) + Spectrum<Alone>::work_size(n) + 2 * kLanes * (n + rotations);
        default: return Spectrum<Alone>::size(n) + Spectrum<Alone>::work_size(n) + rotations;
    }
}

inline void spectral(const MatrixJob& job, const double* matrices, index width, double* out, unsigned char* faults,
                     double* scratch) {
    const Company how = company(job, width);
    if (how == Company::beside) return spectral_of<Eight>(job, matrices, width, out, faults, scratch);
    if (how == Company::apart) return spectral_apart(job, matrices, width, out, faults, scratch);
    for (index l = 0; l < width; ++l)
        spectral_of<Alone>(job, matrices + l * job.n * job.n, 1, out + l * result_size(job), faults + l, scratch);
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
