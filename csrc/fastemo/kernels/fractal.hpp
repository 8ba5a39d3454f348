// Fractal dimensions of a window: Katz, Petrosian, Higuchi.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// log10(n - 1) / (log10(n - 1) + log10(d / L)), L the line's length, d the farthest point from the first
// (Katz 1988, doi:10.1016/0010-4825(88)90041-8; normalised as in Esteller et al. 2001).
inline void katz_fd(const ReduceArgs& a) {
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        const vd length = sum(1, a.n, [&](index i) { return magnitude(x(i) - x(i - 1)); });
        const vd first = x(0);
        vd far = vd::all(0);
        for (index i = 1; i < a.n; ++i) far = max(far, magnitude(x(i) - first));
        const vd steps = log_of(vd::all(double(a.n - 1)));
        (steps / (steps + log_of(ratio(far, length)))).store(a.out + l);
    });
}

// log10 n / (log10 n + log10(n / (n + 0.4 N))), N the sign changes of the difference
// (Petrosian 1995, doi:10.1109/CBMS.1995.465426).
inline void petrosian_fd(const ReduceArgs& a) {
    const vd n = vd::all(double(a.n));
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        const auto falls = [&](index i) { return is_negative(x(i) - x(i - 1)); };
        const vd changes = sum(2, a.n, [&](index i) { return one_where(falls(i) != falls(i - 1)); });
        const vd size = log_of(n);
        (size / (size + log_of(n / (n + vd::all(0.4) * changes)))).store(a.out + l);
    });
}

// Slope of ln L(k) on ln(1/k), k = 1..kmax, L(k) the mean normalised length of the k subsamplings
// (Higuchi 1988, doi:10.1016/0167-2789(88)90081-4). params: kmax; 1 to leave out each subsampling's last step, as
// mne-features does. scratch: kmax rows.
inline void higuchi_fd(const ReduceArgs& a) {
    const index kmax = index(a.params[0]), left_out = a.params[1] != 0 ? 1 : 0, n = a.n;
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        double* lengths = a.scratch + l;
        Line line;
        for (index k = 1; k <= kmax; ++k) {
            for (index m = 0; m < k; ++m) vd::all(0).store(lengths + m * kLanes);
            // The subsamplings side by side: one pass over the signal for each k.
            const index steps = (n - 1) / k;
            for (index j = 1; j <= steps; ++j)
                for (index m = 0; m < k; ++m) {
                    const index i = m + j * k;
                    if (i >= n || j + left_out > (n - m - 1) / k) break;
                    (vd::load(lengths + m * kLanes) + magnitude(x(i) - x(i - k))).store(lengths + m * kLanes);
                }
            vd total = vd::all(0);
            for (index m = 0; m < k; ++m) {
                const double pairs = double((n - m - 1) / k);
                total = total + vd::load(lengths + m * kLanes) / vd::all(double(k)) *
                                    vd::all(double(n - 1) / (double(k) * pairs));
            }
            const vd at = log_of(vd::all(1.0 / double(k)));
            line.add(at, log_of(total / vd::all(double(k))), vd::all(1));
        }
        line.slope().store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
