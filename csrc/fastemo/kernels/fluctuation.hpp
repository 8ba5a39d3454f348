// How a window's fluctuations grow with the scale they are seen at: detrended fluctuation analysis, rescaled range.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// Slope of ln F(s) on ln s, F the root mean square of what a line leaves of each stretch of s samples of the summed
// signal (Peng et al. 1994, doi:10.1103/PhysRevE.49.1685); s = floor(4 1.2^i) up to n / 10. Scales without any
// fluctuation are left out. scratch: n rows.
inline void detrended_fluctuation(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Deviations<Column> deviation(a.n, Column{a.x + l});
        const vd zero = vd::all(0);
        vd total = zero;
        for (index i = 0; i < a.n; ++i) {
            total = total + deviation(i);
            total.store(a.scratch + i * kLanes + l);
        }
        Line line;
        index before = 0;
        for (double exact = 4; exact <= 0.1 * double(a.n) || before == 0; exact *= 1.2) {
            const index s = index(exact);
            if (s == before) continue;
            before = s;
            const index segments = a.n / s;
            const double centre = 0.5 * double(s - 1), spread = double(s) * (double(s) * double(s) - 1) / 12;
            vd squares = zero;
            for (index k = 0; k < segments; ++k) {
                const Column y{a.scratch + k * s * kLanes + l};
                const vd level = mean_of(s, y);
                const vd slope =
                    sum(0, s, [&](index i) { return vd::all(double(i) - centre) * y(i); }) / vd::all(spread);
                squares = squares + sum(0, s, [&](index i) {
                              const vd left = (y(i) - level) - slope * vd::all(double(i) - centre);
                              return left * left;
                          });
            }
            const vd f = sqrt(squares / vd::all(double(segments * s)));
            const auto alive = f > zero;
            line.add(log_of(vd::all(double(s))), log_of(select(alive, f, vd::all(1))), one_where(alive));
        }
        line.slope().store(a.out + l);
    });
}

// Slope of ln(mean rescaled range) less its expectation on ln s, with mne-features' ranges: over every start of each
// stretch of s samples, so far as its spread is not 0. params: K lengths s, then K expectations (their logarithms).
inline void hurst_exp(const ReduceArgs& a) {
    const index n_lengths = a.n_params / 2;
    for_natives_of_group([&](int l) {
        const vd zero = vd::all(0), one = vd::all(1);
        Line line;
        for (index k = 0; k < n_lengths; ++k) {
            const index s = index(a.params[k]);
            vd total = zero, count = zero;
            for (index start = 0; start + s <= a.n; start += s) {
                const Column x{a.x + start * kLanes + l};
                const vd level = mean_of(s, x);
                vd z = x(0) - level, low = z, high = z;  // the summed deviations and their range so far
                vd mean = x(0), squares = zero;          // Welford's recurrence for the spread so far
                for (index i = 1; i < s; ++i) {
                    const vd now = x(i), d = now - mean;
                    z = z + (now - level);
                    low = min(low, z), high = max(high, z);
                    mean = mean + d * vd::all(1.0 / double(i + 1));
                    squares = squares + d * (now - mean);
                    const auto alive = squares > zero;
                    const vd scale = sqrt(vd::all(double(i)) / select(alive, squares, one));
                    total = total + select(alive, (high - low) * scale, zero);
                    count = count + one_where(alive);
                }
            }
            line.add(log_of(vd::all(double(s))), log_of(ratio(total, count)) - vd::all(a.params[n_lengths + k]), one);
        }
        line.slope().store(a.out + l);
    });
}

// Time until the autocorrelation first changes sign, within 50 lags; -1 where it does not. The autocorrelation is
// that of the signal closed to a ring, over n - lag (mne-features' definition). params: sfreq. scratch: n + 51 rows.
inline void decorr_time(const ReduceArgs& a) {
    constexpr index kMaxLag = 50;
    const index last = a.n - 1 < kMaxLag ? a.n - 1 : kMaxLag;
    for_natives_of_group([&](int l) {
        const Column ring{a.scratch + l};
        const Deviations<Column> deviation(a.n, Column{a.x + l});
        const vd zero = vd::all(0), one = vd::all(1);
        for (index i = 0; i < a.n + last; ++i) deviation(i < a.n ? i : i - a.n).store(a.scratch + i * kLanes + l);
        const auto sign_at = [&](index lag) {
            const vd r = sum(0, a.n, [&](index i) { return ring(i) * ring(i + lag); });
            return select(r > zero, one, select(r < zero, -one, zero));
        };
        vd before = sign_at(0);
        const auto flat = before == zero;
        vd found = -one;
        for (index lag = 1; lag <= last; ++lag) {
            const vd now = sign_at(lag);
            found = select(found < zero, select(now == before, -one, vd::all(double(lag))), found);
            before = now;
            double lane[W], open = 0;
            found.store(lane);
            for (int k = 0; k < W; ++k) open += lane[k] < 0;
            if (open == 0) break;
        }
        select(flat, vd::all(kNaN), select(found < zero, found, found / vd::all(a.params[0]))).store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
