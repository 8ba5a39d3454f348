// Permutation entropy (Bandt & Pompe 2002, doi:10.1103/PhysRevLett.88.174102).
//
// The pattern of x[t], x[t + delay], ... is numbered by its Lehmer code: digit j counts the later values smaller than
// value j, so that equal values keep their order. Eight signals are compared at once, and no pattern is ever sorted.
#pragma once

#include "reduce.hpp"

namespace fastemo::FASTEMO_NS::reduce {

constexpr index kMaxPatternOrder = 8;

constexpr index factorial(index n) { return n < 2 ? 1 : n * factorial(n - 1); }

// params: order, delay, 1 to divide by log2(order!). scratch: order! + n rows.
inline void perm_entropy(const ReduceArgs& a) {
    const index order = index(a.params[0]), delay = index(a.params[1]);
    const index n_patterns = a.n - (order - 1) * delay, n_codes = factorial(order);
    double* counts = a.scratch;
    double* codes = a.scratch + n_codes * kLanes;
    for (index i = 0; i < n_codes * kLanes; ++i) counts[i] = 0;
    for_natives_of_group([&](int l) {
        const Column x{a.x + l};
        for (index i = 0; i < n_patterns; ++i) {
            vd code = vd::all(0);
            for (index j = 0; j + 1 < order; ++j) {
                const vd value = x(i + j * delay);
                vd digit = vd::all(0);
                for (index k = j + 1; k < order; ++k) digit = digit + one_where(x(i + k * delay) < value);
                code = code * vd::all(double(order - j)) + digit;
            }
            code.store(codes + i * kLanes + l);
        }
    });
    for (index i = 0; i < n_patterns; ++i)
        for (index l = 0; l < kLanes; ++l) counts[index(codes[i * kLanes + l]) * kLanes + l] += 1;
    for_natives_of_group([&](int l) {
        const Column count{counts + l};
        const vd n = vd::all(double(n_patterns));
        vd entropy = vd::all(0) - sum(0, n_codes, [&](index c) { return p_log2_p(count(c) / n); });
        if (a.params[2] != 0) entropy = min(entropy / (log_of(vd::all(double(n_codes))) * vd::all(kLog2E)), vd::all(1));
        entropy.store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
