#include <algorithm>
#include <limits>

#include "fft_plan.hpp"

namespace fastemo {

namespace {

struct Radix {
    int radix;
    double leaf;     // cycles of a leaf in the first pass
    double combine;  // of a pair of rows per block in a later pass; 0: not made
    bool last;       // fit for the last pass
};

// Measured where a native of channels is 512 bits; the ratios hold elsewhere too.
constexpr Radix kRadices[] = {
    {1, 5, 0, true},     {2, 9, 10, true},    {3, 12, 17, true},   {4, 16, 22, true},    {5, 20, 37, true},
    {6, 25, 47, false},  {7, 37, 66, false},  {8, 33, 63, true},   {9, 52, 92, false},   {10, 41, 88, false},
    {11, 85, 158, false}, {12, 56, 0, false}, {13, 120, 247, false}, {15, 85, 0, false}, {16, 80, 0, false},
    {20, 97, 0, false},
};

// Cycles of a wanted bin in the last pass.
double last_cost(int radix) { return 8 + 4.0 * (radix - 1); }

}  // namespace

bool fft_factorable(index n) {
    for (const int p : {2, 3, 5, 7, 11, 13})
        while (n % p == 0) n /= p;
    return n == 1;
}

FftFactors fft_factors(index n, index n_bins) {
    // What the passes between cost that multiply the length by q, cheapest first; a pass of radix r works on n/(2 r)
    // pairs, whatever the length before it.
    const auto between = [&](index q) {
        std::vector<std::pair<index, FftFactors>> done{{1, {1, {}, 1, 0}}};
        (void)q;
        return done;
    };
    (void)between;
    FftFactors best{0, {}, 0, std::numeric_limits<double>::infinity()};
    FftFactors trial{0, {}, 0, 0};
    const auto search = [&](const auto& self, index rest, double cost, int largest) -> void {
        if (cost >= best.cost) return;
        if (rest == 1) {
            best = trial;
            best.cost = cost;
            return;
        }
        for (const Radix& r : kRadices)
            if (r.combine > 0 && r.radix <= largest && rest % r.radix == 0) {
                trial.passes.push_back(r.radix);
                self(self, rest / r.radix, cost + double(n) / (2 * r.radix) * r.combine, r.radix);
                trial.passes.pop_back();
            }
    };
    for (const Radix& first : kRadices)
        for (const Radix& last : kRadices)
            if (last.last && n % (index(first.radix) * last.radix) == 0) {
                trial.first = first.radix;
                trial.last = last.radix;
                search(search, n / first.radix / last.radix,
                       double(n) / first.radix * first.leaf + double(n_bins) * last_cost(last.radix), 100);
            }
    return best;
}

}  // namespace fastemo
