#include <limits>

#include "fft_plan.hpp"

namespace fastemo {

namespace {

struct Radix {
    int radix;
    double leaf;     // cycles of a leaf in the first pass
    double combine;  // cycles of one pair of rows per block in a later pass; 0: not made
    double last;     // cycles of a wanted bin in the last pass; 0: not made
};

// Measured with natives of 512 bits; elsewhere the ratios are much the same.
constexpr Radix kRadices[] = {
    {1, 6, 0, 7.5},    {2, 9, 10, 11.5}, {3, 12, 17, 14.5}, {4, 16, 22, 18}, {5, 20, 37, 21},  {6, 25, 47, 0},
    {7, 37, 66, 0},    {8, 33, 63, 31},  {9, 52, 92, 0},    {10, 41, 88, 0}, {11, 85, 158, 0}, {12, 56, 0, 0},
    {13, 120, 247, 0}, {15, 85, 0, 0},   {16, 80, 0, 0},    {20, 87, 0, 0},
};

// A block of more rows than this does not stay in the first cache, and each row then costs so many cycles more.
constexpr index kCachedRows = 300;
constexpr double kUncachedRow = 1;

// Tries all ways to make `rest` of passes of at most `largest`, for a transform whose blocks have `length` so far.
struct Search {
    index n;
    FftFactors trial{}, best{0, {}, 0, std::numeric_limits<double>::infinity()};

    void passes(index rest, index length, int largest, double cost) {
        if (cost >= best.cost) return;
        if (rest == 1) {
            best = trial;
            best.cost = cost;
            return;
        }
        for (const Radix& r : kRadices) {
            if (r.combine == 0 || r.radix > largest || rest % r.radix != 0) continue;
            const index block = length * r.radix;
            const double pair = r.combine + (block > kCachedRows ? 2 * kUncachedRow * r.radix : 0);
            trial.passes.push_back(r.radix);
            passes(rest / r.radix, block, r.radix, cost + 0.5 * double(n) / r.radix * pair);
            trial.passes.pop_back();
        }
    }
};

}  // namespace

bool fft_factorable(index n) {
    for (const int p : {2, 3, 5, 7, 11, 13})
        while (n % p == 0) n /= p;
    return n == 1;
}

FftFactors fft_factors(index n, index n_bins, int wanted_last) {
    Search search{n};
    for (const Radix& first : kRadices)
        for (const Radix& last : kRadices) {
            if (last.last == 0 || (wanted_last != 0 && last.radix != wanted_last)) continue;
            if (n % (index(first.radix) * last.radix) != 0) continue;
            search.trial.first = first.radix;
            search.trial.last = last.radix;
            search.passes(n / first.radix / last.radix, first.radix, 100,
                          double(n) / first.radix * first.leaf + double(n_bins) * last.last);
        }
    return search.best;
}

}  // namespace fastemo
