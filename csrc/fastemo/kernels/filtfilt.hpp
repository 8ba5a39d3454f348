// Whole signals through a recursive filter: forward, or forward and backward.
//
// A group of signals goes by in blocks that stay in the cache from their way in to their way out. Filtering backward
// must begin at the end, where the forward result is known only after all of the signal. Instead of writing that result
// to memory and reading it again, the forward run keeps its state at the beginning of every block and nothing else; the
// way back, block by block, repeats a block forward from that state and then filters it backward. So the samples are
// read twice and the result is written once, whatever the filter, and the result may take the place of the samples.
#pragma once

#include "cascade.hpp"

namespace fastemo::FASTEMO_NS {

constexpr index kForwardRows = 256;  // per block: in the first cache
constexpr index kBothWaysRows = 512;

template <class L, class Filter>
inline void filter_signals(const Filter& filter, double* state, const LanesIn& in, const LanesOut& out, index n) {
    alignas(64) double rows[kForwardRows * L::count];
    for (index s = 0; s < n; s += kForwardRows) {
        const index count = n - s < kForwardRows ? n - s : kForwardRows;
        read_lanes<L>(in, s, count, rows);
        filter.run(state, rows, L::count, count);
        write_lanes<L>(rows, count, out, s);
    }
}

// A signal with its extension: `edge` samples before sample 0 and as many after sample n - 1.
template <class L>
class ExtendedLanes {
public:
    ExtendedLanes(const LanesIn& in, index n, const Extension& extension) : in_(in), n_(n), extension_(extension) {
        read_lanes<L>(in, 0, 1, first_);
        read_lanes<L>(in, n - 1, 1, last_);
    }

    index size() const { return n_ + 2 * extension_.edge; }

    // Samples [from, from + count) of the extended signal.
    void read(index from, index count, double* rows) const {
        const index edge = extension_.edge, to = from + count;
        if (from < edge) {
            const index end = to < edge ? to : edge;
            reflect(edge - end + 1, end - from, first_, rows);
        }
        const index begin = from < edge ? edge : from, end = to < edge + n_ ? to : edge + n_;
        if (begin < end) read_lanes<L>(in_, begin - edge, end - begin, rows + (begin - from) * L::count);
        if (to > edge + n_) {
            const index start = from > edge + n_ ? from : edge + n_;
            reflect(2 * n_ + edge - 1 - to, to - start, last_, rows + (start - from) * L::count);
        }
    }

private:
    // Rows from samples [lowest, lowest + count), the last one first.
    void reflect(index lowest, index count, const double* end, double* rows) const {
        constexpr index R = L::count;
        if (extension_.kind == Extension::constant) {
            for (index i = 0; i < count; ++i)
                for (index l = 0; l < R; ++l) rows[i * R + l] = end[l];
            return;
        }
        read_lanes<L>(in_, lowest, count, rows);
        for (index i = 0, j = count - 1; i < j; ++i, --j)
            for (index l = 0; l < R; ++l) {
                const double x = rows[i * R + l];
                rows[i * R + l] = rows[j * R + l];
                rows[j * R + l] = x;
            }
        if (extension_.kind == Extension::even) return;
        for (index i = 0; i < count; ++i)
            for (index l = 0; l < R; ++l) rows[i * R + l] = 2 * end[l] - rows[i * R + l];
    }

    const LanesIn& in_;
    const index n_;
    const Extension extension_;
    alignas(64) double first_[L::count], last_[L::count];
};

// scratch: what filtfilt_scratch says. zi: the state after a constant 1.
template <class L, class Filter>
inline void filter_both_ways(const Filter& filter, const double* zi, const Extension& extension, const LanesIn& in,
                             const LanesOut& out, index n, double* scratch) {
    constexpr index R = L::count;
    const ExtendedLanes<L> x(in, n, extension);
    const index edge = extension.edge, size = filter.state_size();
    const index last = (x.size() - edge - 1) / kBothWaysRows;  // block number b begins with sample b * kBothWaysRows
    const auto from = [&](index block) { return edge + block * kBothWaysRows; };
    const auto count = [&](index block) { return block < last ? kBothWaysRows : x.size() - from(last); };
    double* rows = scratch;
    double* state = rows + kBothWaysRows * R;
    double* again = state + size;
    double* begun = again + size;  // the state at the beginning of every block
    const auto start = [&](const double* row) {
        for (index j = 0; j < size / R; ++j)
            for (index l = 0; l < R; ++l) state[j * R + l] = zi[j] * row[l];
    };
    const auto copy = [&](const double* source, double* to) {
        for (index j = 0; j < size; ++j) to[j] = source[j];
    };

    x.read(0, 1, rows);
    start(rows);
    for (index i = 0; i < edge; i += kBothWaysRows) {
        const index piece = edge - i < kBothWaysRows ? edge - i : kBothWaysRows;
        x.read(i, piece, rows);
        filter.run(state, rows, R, piece);
    }
    for (index block = 0; block <= last; ++block) {
        x.read(from(block), count(block), rows);
        copy(state, begun + block * size);
        filter.run(state, rows, R, count(block));
    }
    start(rows + (count(last) - 1) * R);
    for (index block = last; block >= 0; --block) {
        if (block < last) {
            x.read(from(block), kBothWaysRows, rows);
            copy(begun + block * size, again);
            filter.run(again, rows, R, kBothWaysRows);
        }
        filter.run(state, rows + (count(block) - 1) * R, -R, count(block));
        const index first = block * kBothWaysRows, end = n - first < count(block) ? n - first : count(block);
        if (end > 0) write_lanes<L>(rows, end, out, first);
    }
}

// Doubles of scratch of filter_both_ways, for a filter that keeps `state` doubles per signal.
inline index filtfilt_scratch(index state, index n, index edge) {
    return kLanes * (kBothWaysRows + state * ((n + edge) / kBothWaysRows + 3));
}

// Calls f with the lane type for a group of so many signals.
template <class F>
FASTEMO_INLINE void with_lanes(const LanesIn& in, F&& f) {
    if (in.width == 1)
        f(Single());
    else
        f(Wide());
}

inline void sosfilt_lanes(const Section* sos, index n_sections, double* state, const LanesIn& in, const LanesOut& out,
                          index n) {
    with_lanes(in, [&](auto lanes) {
        using L = decltype(lanes);
        filter_signals<L>(SosCascade<L>{sos, n_sections}, state, in, out, n);
    });
}

inline void sosfiltfilt_lanes(const Section* sos, index n_sections, const double* zi, const Extension& extension,
                              const LanesIn& in, const LanesOut& out, index n, double* scratch) {
    with_lanes(in, [&](auto lanes) {
        using L = decltype(lanes);
        filter_both_ways<L>(SosCascade<L>{sos, n_sections}, zi, extension, in, out, n, scratch);
    });
}

inline void lfilter_lanes(const double* b, const double* a, index order, double* state, const LanesIn& in,
                          const LanesOut& out, index n) {
    with_lanes(in, [&](auto lanes) {
        using L = decltype(lanes);
        filter_signals<L>(TransferFunction<L>{b, a, order}, state, in, out, n);
    });
}

inline void filtfilt_lanes(const double* b, const double* a, index order, const double* zi, const Extension& extension,
                           const LanesIn& in, const LanesOut& out, index n, double* scratch) {
    with_lanes(in, [&](auto lanes) {
        using L = decltype(lanes);
        filter_both_ways<L>(TransferFunction<L>{b, a, order}, zi, extension, in, out, n, scratch);
    });
}

}  // namespace fastemo::FASTEMO_NS
