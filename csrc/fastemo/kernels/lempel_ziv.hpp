// Lempel-Ziv complexity (Lempel & Ziv 1976, doi:10.1109/TIT.1976.1055501): the number of phrases of a sequence, each
// the shortest that has not occurred before (an occurrence may run into the phrase itself).
//
// The textbook scans all earlier starts for every phrase, O(n^2). Here the past is kept in a suffix automaton
// (Blumer et al. 1985, doi:10.1016/0304-3975(85)90157-4), in which a phrase is followed symbol by symbol: O(n).
#pragma once

#include "sort.hpp"

namespace fastemo::FASTEMO_NS::reduce {

// A state of the automaton: the longest substring it stands for, the state of its longest proper suffix that is
// another's, and where each symbol leads (0: nowhere, for nothing leads to the start).
struct AutomatonState {
    std::int32_t length, suffix;
};

// Numbers of 4 bytes that `states` and `next` need for n symbols out of k.
constexpr index automaton_size(index n, index k) { return (2 * n + 2) * (2 + k); }

// Phrases of symbols[0..n), each in 0..k-1. memory: automaton_size(n, k).
FASTEMO_INLINE index count_phrases(const std::int32_t* symbols, index n, index k, std::int32_t* memory) {
    AutomatonState* states = reinterpret_cast<AutomatonState*>(memory);
    std::int32_t* next = memory + 2 * (2 * n + 2);
    const auto copy_next = [&](std::int32_t from, std::int32_t to) {
        for (index c = 0; c < k; ++c) next[to * k + c] = from < 0 ? 0 : next[from * k + c];
    };
    states[0] = {0, -1};
    copy_next(-1, 0);
    std::int32_t n_states = 1, whole = 0;  // `whole` stands for all of the past
    std::int32_t phrase = 0, length = 0;   // where the phrase so far is, and how long it is
    index phrases = 0;
    for (index i = 0; i < n; ++i) {
        const std::int32_t c = symbols[i];
        if (next[phrase * k + c]) {
            phrase = next[phrase * k + c], ++length;
        } else {
            phrase = 0, length = 0, ++phrases;
        }
        const std::int32_t now = n_states++;
        states[now] = {states[whole].length + 1, 0};
        copy_next(-1, now);
        std::int32_t p = whole;
        for (; p >= 0 && !next[p * k + c]; p = states[p].suffix) next[p * k + c] = now;
        if (p >= 0) {
            const std::int32_t q = next[p * k + c];
            if (states[p].length + 1 == states[q].length) {
                states[now].suffix = q;
            } else {
                const std::int32_t clone = n_states++;
                states[clone] = {states[p].length + 1, states[q].suffix};
                copy_next(q, clone);
                for (; p >= 0 && next[p * k + c] == q; p = states[p].suffix) next[p * k + c] = clone;
                states[q].suffix = states[now].suffix = clone;
                if (phrase == q && length <= states[clone].length) phrase = clone;
            }
        }
        whole = now;
    }
    return phrases + (length > 0);
}

// scratch: n rows to sort, and room for n symbols and their automaton.
constexpr index lempel_ziv_scratch(index n) { return n * kLanes + (n + automaton_size(n, 2)) / 2 + 1; }

// Of the signal cut at a level into 0 (up to it) and 1 (above). params: 0 for the median, 1 for the mean, 2 for the
// level itself; that level; 1 to divide by n / log2(n).
inline void lempel_ziv(const ReduceArgs& a) {
    double level[kLanes], count[kLanes];
    const int kind = int(a.params[0]);
    if (kind == 0) {
        std::memcpy(a.scratch, a.x, sizeof(double) * std::size_t(a.n * kLanes));
        sort_rows(a.scratch, a.n);
    }
    for_natives_of_group([&](int l) {
        const vd at = kind == 0   ? sorted_quantile(Column{a.scratch + l}, a.n, 0.5)
                      : kind == 1 ? mean_of(a.n, Column{a.x + l})
                                  : vd::all(a.params[1]);
        at.store(level + l);
    });
    std::int32_t* symbols = reinterpret_cast<std::int32_t*>(a.scratch + a.n * kLanes);
    for (int l = 0; l < int(kLanes); ++l) {
        for (index i = 0; i < a.n; ++i) symbols[i] = a.x[i * kLanes + l] > level[l];
        count[l] = double(count_phrases(symbols, a.n, 2, symbols + a.n));
    }
    for_natives_of_group([&](int l) {
        const vd n = vd::all(double(a.n));
        const vd scale = a.params[2] != 0 ? n / (log_of(n) * vd::all(kLog2E)) : vd::all(1);
        (vd::load(count + l) / scale).store(a.out + l);
    });
}

}  // namespace fastemo::FASTEMO_NS::reduce
