// Lanes against themselves: a native turned by K places meets every pair of its lanes once for K up to half the width.
#pragma once

#include <utility>

#include "../base/simd.hpp"

namespace fastemo::FASTEMO_NS {

#if FASTEMO_VECTORS
template <int K, std::size_t... L>
FASTEMO_INLINE vd turned(vd x, std::index_sequence<L...>) {
    return {__builtin_shufflevector(x.v, x.v, (int(L) + K) % vd::width...)};
}
#else
template <int K, std::size_t... L>
FASTEMO_INLINE vd turned(vd x, std::index_sequence<L...>) {
    return x;
}
#endif

// Lane l + K, round the end, in lane l.
template <int K>
FASTEMO_INLINE vd turned(vd x) {
    return turned<K>(x, std::make_index_sequence<vd::width>());
}

}  // namespace fastemo::FASTEMO_NS
