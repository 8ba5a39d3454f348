// Coefficients of second-order sections as the kernels want them.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "../base/buffer.hpp"

namespace fastemo {

// `sos` holds rows b0 b1 b2 a0 a1 a2 with a0 = 1, as SciPy designs them.
inline std::vector<Section> make_sections(const double* sos, index n) {
    std::vector<Section> out;
    for (index s = 0; s < n; ++s, sos += 6) {
        if (sos[3] != 1)
            throw std::invalid_argument("sos[" + std::to_string(s) + ", 3] is " + std::to_string(sos[3]) +
                                        ", expected 1: divide each section by its a0");
        Section q{sos[0], sos[1], sos[2], sos[4], sos[5], 0, 0, Section::general};
        const bool doubles = q.b1 == 2 * q.b0 || q.b1 == -2 * q.b0 || q.b1 == 0;
        const bool same = q.b2 == q.b0 || q.b2 == -q.b0;
        if (q.b0 != 0 && doubles && same) {
            q.c1 = q.b1 / q.b0, q.c2 = q.b2 / q.b0;
            const bool unit = q.b0 == 1, plus = q.c2 == 1;
            q.form =
                unit ? (plus ? Section::unit_plus : Section::unit) : (plus ? Section::scaled_plus : Section::scaled);
        }
        out.push_back(q);
    }
    return out;
}

// state = zi x0 for channels [c0, c1): the filter starts as if the first sample had lasted for ever.
inline void start_sections(const double* zi, index n_sections, const double* first, double* state, index stride,
                           index c0, index c1) {
    for (index s = 0; s < 2 * n_sections; ++s)
        for (index c = c0; c < c1; ++c) state[s * stride + c] = zi[s] * first[c];
}

}  // namespace fastemo
