// Rows of stretches of signals, which begin and end where each lane does.
#pragma once

#include "lanes.hpp"

namespace fastemo::FASTEMO_NS {

template <class T>
FASTEMO_INLINE void read_edge(const StretchIn& in, index s, index n, double* rows) {
    for (index i = s; i < s + n; ++i)
        for (index l = 0; l < kLanes; ++l)
            rows[(i - s) * kLanes + l] = i >= in.first[l] && i < in.stop[l] ? double(*sample<T>(in, l, i)) : 0.0;
}

// Samples [s, s + n) of every lane.
inline void read_stretches(const StretchIn& in, index s, index n, double* rows) {
    index first = in.first[0], stop = in.stop[0];
    for (index l = 1; l < kLanes; ++l) {
        first = in.first[l] > first ? in.first[l] : first;
        stop = in.stop[l] < stop ? in.stop[l] : stop;
    }
    const index end = s + n, from = first > s ? first : s, to = stop < end ? stop : end;
    const auto edge = [&](index a, index b) {
        if (in.dtype == Dtype::f64)
            read_edge<double>(in, a, b - a, rows + (a - s) * kLanes);
        else
            read_edge<float>(in, a, b - a, rows + (a - s) * kLanes);
    };
    if (from >= to) return edge(s, end);
    edge(s, from);
    read_lanes<Wide>(in, from, to - from, rows + (from - s) * kLanes);
    edge(to, end);
}

inline void write_stretches(const double* rows, index n, const StretchOut& out, index s) {
    index stop = out.stop[0];
    for (index l = 1; l < out.width; ++l) stop = out.stop[l] < stop ? out.stop[l] : stop;
    const index whole = stop - s < n ? (stop > s ? stop - s : 0) : n;
    if (whole > 0) write_lanes<Wide>(rows, whole, out, s);
    for (index i = whole; i < n; ++i)
        for (index l = 0; l < out.width; ++l) {
            if (s + i >= out.stop[l]) continue;
            if (out.dtype == Dtype::f64)
                *sample<double>(out, l, s + i) = rows[i * kLanes + l];
            else
                *sample<float>(out, l, s + i) = float(rows[i * kLanes + l]);
        }
}

inline index last_stop(const StretchOut& out) {
    index stop = 0;
    for (index l = 0; l < out.width; ++l) stop = out.stop[l] > stop ? out.stop[l] : stop;
    return stop;
}

}  // namespace fastemo::FASTEMO_NS
