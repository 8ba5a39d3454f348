// Sample and approximate entropy: how often stretches that are alike for m samples stay alike for one more.
//
// A template is m successive samples; two are alike where none of their samples differs by the tolerance r or more.
// The textbook compares all pairs. Here a signal's templates are first sorted by their first sample, and each is
// compared with those after it as long as the first samples are within r: some 11 % of all pairs for r = 0.2 standard
// deviations. The other samples of the sorted templates lie side by side in memory: pairs are the lanes. Counts are exact.
#pragma once

#include "sort.hpp"

namespace fastemo::FASTEMO_NS::reduce {

constexpr int kTemplates = 4;  // compared at a time with the same later ones, read once

constexpr index template_stride(index n) { return (n + kLanes - 1) / kLanes * kLanes + kLanes; }

// scratch: one row per template; m + 4 arrays of template_stride(n): the signal, m + 1 samples per template, 2 counts.
constexpr index template_scratch(index n, index order) { return n * kLanes + (order + 4) * template_stride(n); }

template <bool Inclusive>
FASTEMO_INLINE auto within(vd difference, vd r) {
    if constexpr (Inclusive)
        return r >= magnitude(difference);
    else
        return magnitude(difference) < r;
}

// Orders the templates of all eight signals roughly: by their first samples with the template's number in the lowest bits.
FASTEMO_INLINE index sort_keys(const ReduceArgs& a, index n_templates) {
    index taken = 1;
    while (taken < n_templates) taken *= 2;
    for (index i = 0; i < n_templates; ++i)
        for (int l = 0; l < int(kLanes); l += W) {
            const vd x = vd::load(a.x + i * kLanes + l);
            as_doubles((as_ints(x) & ~std::int64_t(taken - 1)) | std::int64_t(i)).store(a.scratch + i * kLanes + l);
        }
    sort_rows(a.scratch, n_templates);
    return taken - 1;
}

// The templates of one signal, sorted. The samples of template s are samples[k][s], k = 0..order; beyond the last
// template they are NaN, which is near nothing.
class Templates {
public:
    Templates(const ReduceArgs& a, index n_templates, index order, index number_bits, int lane)
        : n(n_templates), order(order), stride_(template_stride(a.n)), signal_(a.scratch + a.n * kLanes) {
        for (index i = 0; i < a.n; ++i) signal_[i] = a.x[i * kLanes + lane];
        double* number = samples(order);  // until it is filled itself
        double* first = samples(0);
        for (index s = 0; s < n; ++s) {
            std::int64_t key;
            std::memcpy(&key, a.scratch + s * kLanes + lane, 8);
            const index i = index(key & number_bits);
            // What the number's bits displaced is put right by insertion.
            index at = s;
            for (; at > 0 && signal_[i] < first[at - 1]; --at) first[at] = first[at - 1], number[at] = number[at - 1];
            first[at] = signal_[i], number[at] = double(i);
        }
        for (index s = 0; s < n; ++s) {
            const index i = index(number[s]);
            for (index k = 1; k < order; ++k) samples(k)[s] = signal_[i + k];
            number[s] = i + order < a.n ? signal_[i + order] : kNaN;
            if (i + order >= a.n) last_ = s;
        }
        for (index k = 0; k <= order; ++k)
            for (index s = n; s < n + kLanes; ++s) samples(k)[s] = kNaN;
    }

    double* samples(index k) const { return signal_ + (k + 1) * stride_; }
    double* counts(index k) const { return signal_ + (order + 2 + k) * stride_; }

    // f(s, t, alike, alike for one more) for templates s, s + 1, ... s + kTemplates - 1 against each native of later ones
    // from t on that can be near one of them; the masks are one per template s + k, and hold only pairs t > s + k.
    template <bool Inclusive, class F>
    FASTEMO_INLINE void for_pairs(double r, F&& f) const {
        const double* first = samples(0);
        const vd tolerance = vd::all(r);
        const auto is_near = [&](index s, index t) {
            return Inclusive ? first[t] - first[s] <= r : first[t] - first[s] < r;
        };
        index all_near = 0, some_near = 0;  // where templates end that are near to s, and to the newest
        for (index s = 0; s < n; s += kTemplates) {
            const index newest = (s + kTemplates < n ? s + kTemplates : n) - 1;
            while (all_near < n && (all_near <= s || is_near(s, all_near))) ++all_near;
            while (some_near < n && (some_near <= newest || is_near(newest, some_near))) ++some_near;
            index t = s + 1;
            for (; t <= newest; t += W) compare<Inclusive, true, true>(s, t, tolerance, f);
            for (; t + W <= all_near; t += W) compare<Inclusive, false, false>(s, t, tolerance, f);
            for (; t < some_near; t += W) compare<Inclusive, false, true>(s, t, tolerance, f);
        }
    }

    // Where the template is that has no sample after it, if one has none.
    index last() const { return last_; }

    const index n, order;

private:
    // Overlaps: some of the later ones are among the templates themselves; First: the first samples may be apart.
    template <bool Inclusive, bool Overlaps, bool First, class F>
    FASTEMO_INLINE void compare(index s, index t, vd tolerance, F&& f) const {
        using mask = decltype(tolerance < tolerance);
        const double* first = samples(0);
        const double* last = samples(order);
        mask near[kTemplates], longer[kTemplates];
        FASTEMO_UNROLL
        for (int k = 0; k < kTemplates; ++k) {
            near[k] = First ? within<Inclusive>(vd::load(first + t) - vd::all(first[s + k]), tolerance)
                            : tolerance == tolerance;
            if constexpr (Overlaps)
                near[k] = near[k] & (vd::all(double(t)) + vd::load(kCount) > vd::all(double(s + k)));
        }
        for (index j = 1; j < order; ++j) {
            const double* c = samples(j);
            FASTEMO_UNROLL
            for (int k = 0; k < kTemplates; ++k)
                near[k] = near[k] & within<Inclusive>(vd::load(c + t) - vd::all(c[s + k]), tolerance);
        }
        FASTEMO_UNROLL
        for (int k = 0; k < kTemplates; ++k)
            longer[k] = near[k] & within<Inclusive>(vd::load(last + t) - vd::all(last[s + k]), tolerance);
        f(s, t, near, longer);
    }

    static constexpr double kCount[8] = {0, 1, 2, 3, 4, 5, 6, 7};

    index last_ = 0;
    const index stride_;
    double* const signal_;
};

FASTEMO_INLINE double lane_sum(vd x) {
    double lane[W], total = 0;
    x.store(lane);
    for (int k = 0; k < W; ++k) total += lane[k];
    return total;
}

// The tolerance of each lane: params[1], or where that is negative 0.2 standard deviations.
FASTEMO_INLINE void tolerances(const ReduceArgs& a, double* r) {
    for_natives_of_group([&](int l) {
        const vd spread = sqrt(variance_of(a.n, a.params[2], Column{a.x + l}));
        (a.params[1] < 0 ? vd::all(0.2) * spread : vd::all(a.params[1])).store(r + l);
    });
}

template <bool Inclusive>
FASTEMO_INLINE void count_alike(const Templates& templates, double r, double& shorter, double& longer) {
    const vd one = vd::all(1);
    vd b[kTemplates], a[kTemplates];
    for (int k = 0; k < kTemplates; ++k) b[k] = a[k] = vd::all(0);
    templates.for_pairs<Inclusive>(r, [&](index, index, const auto& alike, const auto& alike_longer) {
        FASTEMO_UNROLL
        for (int k = 0; k < kTemplates; ++k) {
            b[k] = select(alike[k], b[k] + one, b[k]);
            a[k] = select(alike_longer[k], a[k] + one, a[k]);
        }
    });
    shorter = longer = 0;
    for (int k = 0; k < kTemplates; ++k) shorter += lane_sum(b[k]), longer += lane_sum(a[k]);
}

// -ln(A / B), B the pairs of templates alike for m samples and A those alike for m + 1, among the first n - m
// (Richman & Moorman 2000, doi:10.1152/ajpheart.2000.278.6.H2039); NaN where A or B is 0.
// params: m; r, or negative for 0.2 standard deviations; ddof of these; 1 where r itself is near.
inline void sample_entropy(const ReduceArgs& a) {
    const index order = index(a.params[0]), n_templates = a.n - order;
    double r[kLanes], shorter[kLanes], longer[kLanes];
    tolerances(a, r);
    const index number_bits = sort_keys(a, n_templates);
    for (int l = 0; l < int(kLanes); ++l) {
        const Templates templates(a, n_templates, order, number_bits, l);
        if (a.params[3] != 0)
            count_alike<true>(templates, r[l], shorter[l], longer[l]);
        else
            count_alike<false>(templates, r[l], shorter[l], longer[l]);
    }
    for_natives_of_group([&](int l) {
        // 0 - x: equal counts are entropy 0, not -0
        (vd::all(0) - log_of(ratio(vd::load(longer + l), vd::load(shorter + l)))).store(a.out + l);
    });
}

// phi(m) - phi(m + 1), phi(m) the mean over templates of ln of the share of templates within r, itself included
// (Pincus 1991, doi:10.1073/pnas.88.6.2297). params: m; r, or negative for 0.2 standard deviations; ddof of these.
inline void app_entropy(const ReduceArgs& a) {
    const index order = index(a.params[0]), n_templates = a.n - order + 1;
    double r[kLanes], phi[kLanes];
    tolerances(a, r);
    const index number_bits = sort_keys(a, n_templates);
    for (int l = 0; l < int(kLanes); ++l) {
        const Templates templates(a, n_templates, order, number_bits, l);
        double* shorter = templates.counts(0);
        double* longer = templates.counts(1);
        for (index s = 0; s < n_templates + kLanes; ++s) shorter[s] = longer[s] = 1;
        index owner = -1;
        vd own_shorter[kTemplates], own_longer[kTemplates];
        const auto settle = [&](index next) {
            for (int k = 0; k < kTemplates; ++k) {
                if (owner >= 0)
                    shorter[owner + k] += lane_sum(own_shorter[k]), longer[owner + k] += lane_sum(own_longer[k]);
                own_shorter[k] = own_longer[k] = vd::all(0);
            }
            owner = next;
        };
        templates.for_pairs<true>(r[l], [&](index s, index t, const auto& alike, const auto& alike_longer) {
            if (s != owner) settle(s);
            vd at_t_shorter = vd::load(shorter + t), at_t_longer = vd::load(longer + t);
            FASTEMO_UNROLL
            for (int k = 0; k < kTemplates; ++k) {
                const vd b = one_where(alike[k]), c = one_where(alike_longer[k]);
                own_shorter[k] = own_shorter[k] + b, own_longer[k] = own_longer[k] + c;
                at_t_shorter = at_t_shorter + b, at_t_longer = at_t_longer + c;
            }
            at_t_shorter.store(shorter + t), at_t_longer.store(longer + t);
        });
        settle(-1);
        // Mean logarithm of the shares of n templates; a share of 1 in the places of others adds nothing.
        const auto mean_log = [&](double* counts, index n) {
            for (index s = n_templates; s < n_templates + kLanes; ++s) counts[s] = double(n);
            double lane[kLanes];
            for_natives_of_group([&](int k) {
                vd total = vd::all(0);
                for (index s = 0; s < n_templates; s += kLanes)
                    total = total + log(vd::load(counts + s + k) / vd::all(double(n)));
                total.store(lane + k);
            });
            return tree_sum(lane) / double(n);
        };
        longer[templates.last()] = double(n_templates - 1);  // it has no sample more
        phi[l] = mean_log(shorter, n_templates) - mean_log(longer, n_templates - 1);
    }
    for_natives_of_group([&](int l) { vd::load(phi + l).store(a.out + l); });
}

}  // namespace fastemo::FASTEMO_NS::reduce
