#include "fft_plan.hpp"

#include <algorithm>

#include "../base/roots.hpp"
#include "../targets/kernels.hpp"

namespace fastemo {

namespace {

// e^(-2 pi i k/n) for any k: each is the product of one of about sqrt(n) coarse and one of as many fine rotations.
class RootTable {
public:
    explicit RootTable(index n) : n_(n) {
        while (2 * step_ * step_ < n) ++step_;
        for (index q = 0; 2 * q <= n; q += step_) coarse_.push_back(twofold::rotation(q, n));
        for (index q = 0; q < step_ && 2 * q <= n; ++q) fine_.push_back(twofold::rotation(q, n));
    }
    Root operator()(index k) const {
        const FoldedAngle angle(k, n_);
        return angle.root(coarse_[angle.right_angles / step_] * fine_[angle.right_angles % step_]);
    }

private:
    index n_, step_ = 1;
    std::vector<twofold::Rotation> coarse_, fine_;
};

template <class T>
void push(std::vector<T>& to, Root r) {
    to.push_back(T(r.re));
    to.push_back(T(r.im));
}

// The transform of `n` complex values, given as all real parts and then all imaginary parts.
template <class T>
std::vector<T> complex_transform(const std::vector<double>& x, index n) {
    const Fft<double> fft(n);
    const index half = n / 2 + 1;
    std::vector<double> scratch(fft.scratch_size()), bins(4 * half);
    kernels().rfft_f64(fft.plan(), {x.data(), Dtype::f64, n * 8, 8}, 2, {bins.data(), Dtype::f64, half * 16, 16},
                       scratch.data(), 0, kLanes);
    std::vector<T> out;
    for (index f = 0; f < n; ++f) {
        const double sign = f < half ? 1 : -1;
        const double *re = &bins[2 * (f < half ? f : n - f)], *im = re + 2 * half;
        out.push_back(T(re[0] - sign * im[1]));
        out.push_back(T(sign * re[1] + im[0]));
    }
    return out;
}

// A bin of a block and the rows that hold it. A frequency is anything modulo the block's length.
struct Held {
    index frequency;
    std::int32_t re, im;
};

// How the real transform of a block is laid out. Bin 0 is always in row 0.
struct Layout {
    index length;
    std::vector<Held> pairs;
    index half_row;

    // That of `radix` such blocks, `stride` rows from one to the next, after they have been combined in place.
    Layout combined(int radix, index stride) const {
        Layout to{length * radix, {}, -1};
        const auto at = [&](index block, index row) { return std::int32_t(block * stride + row); };
        for (int q = 1; 2 * q < radix; ++q) to.pairs.push_back({q * length, at(2 * q - 1, 0), at(2 * q, 0)});
        if (radix % 2 == 0) to.half_row = at(radix - 1, 0);
        if (half_row >= 0) {
            for (int q = 0; 2 * q + 1 < radix; ++q)
                to.pairs.push_back({length / 2 + q * length, at(2 * q, half_row), at(2 * q + 1, half_row)});
            if (radix % 2 == 1) to.half_row = at(radix - 1, half_row);
        }
        for (const Held& bin : pairs)
            for (int q = 0; q < radix; ++q)
                to.pairs.push_back({bin.frequency + q * length, at(q, bin.re), at(q, bin.im)});
        std::sort(to.pairs.begin(), to.pairs.end(), [](const Held& a, const Held& b) { return a.re < b.re; });
        return to;
    }
};

}  // namespace

template <class T>
template <class U>
U* Fft<T>::keep(std::vector<U> values) {
    const auto owner = std::make_shared<std::vector<U>>(std::move(values));
    kept_.push_back(owner);
    return owner->data();
}

template <class T>
Fft<T>::Fft(index n, index first, index stop) {
    plan_.n = n, plan_.first = first, plan_.stop = stop;
    if (fft_factorable(n))
        factor(fft_factors(n, stop - first));
    else
        convolve();
}

template <class T>
Fft<T>::Fft(index n, index first, index stop, const FftFactors& factors) {
    plan_.n = n, plan_.first = first, plan_.stop = stop;
    factor(factors);
}

template <class T>
void Fft<T>::factor(const FftFactors& factors) {
    const index n = plan_.n;
    const RootTable root(n);

    plan_.first_radix = factors.first;
    plan_.leaves = n / factors.first;
    // Rows that are whole pages apart fall into one set of the cache; one row more sets them apart.
    plan_.leaf_stride = plan_.leaves + (plan_.leaves % 8 == 0);
    plan_.rows = plan_.leaf_stride * factors.first;

    Layout layout = Layout{1, {}, -1}.combined(factors.first, plan_.leaf_stride);
    std::vector<FftPass<T>> passes;
    index stride = plan_.leaves;
    for (const int radix : factors.passes) {
        stride /= radix;
        const index turn = n / (layout.length * radix);  // in the root table, of bin 1's first twiddle
        std::vector<std::int32_t> rows;
        std::vector<T> twiddles, half_twiddles;
        for (const Held& bin : layout.pairs) {
            rows.insert(rows.end(), {bin.re, bin.im});
            for (int j = 1; j < radix; ++j) push(twiddles, root(bin.frequency * j % n * turn));
        }
        if (layout.half_row >= 0)
            for (int j = 1; j < radix; ++j) push(half_twiddles, root(layout.length / 2 * j * turn));
        passes.push_back({radix, stride, index(layout.pairs.size()), keep(std::move(rows)), keep(std::move(twiddles)),
                          layout.half_row, keep(std::move(half_twiddles))});
        if (factors.last == 1 && stride == 1 && plan_.first == 0 && plan_.stop == n / 2 + 1) {
            std::vector<std::int32_t> order;
            const auto add = [&](index f) { order.push_back(std::int32_t(std::min(f, n - f))); };
            for (int k = 0; k < radix / 2 + 1; ++k) add(k * layout.length);
            if (layout.half_row >= 0)
                for (int q = 0; 2 * q < radix; ++q) add(layout.length / 2 + q * layout.length);
            for (const Held& bin : layout.pairs)
                for (int q = 0; q < radix; ++q) add((bin.frequency + q * layout.length + n) % n);
            plan_.order = keep(std::move(order));
        }
        layout = layout.combined(radix, stride);
    }
    plan_.n_passes = int(passes.size());
    plan_.passes = keep(std::move(passes));

    std::vector<const Held*> held(layout.length, nullptr);
    const auto modulo = [&](index f) { return (f % layout.length + layout.length) % layout.length; };
    for (const Held& bin : layout.pairs) held[modulo(bin.frequency)] = &bin;
    std::vector<FftBin> bins;
    std::vector<T> twiddles, signs;
    for (index f = plan_.first; f < plan_.stop; ++f) {
        const index k = modulo(f);
        const bool is_real = k == 0 || 2 * k == layout.length, is_held = is_real || held[k];
        const Held& bin =
            is_real ? Held{0, std::int32_t(k == 0 ? 0 : layout.half_row), -1} : *held[is_held ? k : modulo(-f)];
        bins.push_back({bin.re, bin.im});
        push(twiddles, root(is_held ? f : -f));
        signs.push_back(is_held ? T(1) : T(-1));
    }
    plan_.last_radix = factors.last;
    plan_.bins = keep(std::move(bins));
    plan_.last_twiddles = keep(std::move(twiddles));
    plan_.signs = keep(std::move(signs));
}

// X_k = c_k sum_i (x_i c_i) / c_{k-i} with c_m = e^(-pi i m^2/n): a convolution, done cyclically at a length that has
// room for the bins wanted.
template <class T>
void Fft<T>::convolve() {
    const index n = plan_.n, n_bins = plan_.stop - plan_.first;
    const index least = n + n_bins - 1;
    FftFactors best{0, {}, 0, 1e300};
    index length = 0;
    for (index l = least; length == 0 || 4 * l <= 5 * least; ++l) {
        if (!fft_factorable(l)) continue;
        const FftFactors factors = fft_factors(l, l / 2 + 1, 1);
        if (factors.cost < best.cost) best = factors, length = l;
    }
    convolution_ = std::make_unique<Fft>(length, 0, length / 2 + 1, best);
    plan_.convolution = &convolution_->plan_;
    plan_.rows = 4 * plan_.convolution->rows;
    plan_.first_radix = 1;
    plan_.leaves = plan_.leaf_stride = n;

    const RootTable root(2 * n);
    const auto c = [&](index m) { return root(m % (2 * n) * m); };
    std::vector<T> chirp, output_chirp, signs;
    for (index i = 0; i < n; ++i) push(chirp, c(i));
    for (index k = plan_.first; k < plan_.stop; ++k) {
        push(output_chirp, {c(k).re / double(length), c(k).im / double(length)});
        signs.push_back(T(k == 0 || 2 * k == n ? 0 : 1));  // real bins are real to the last bit
    }
    plan_.signs = keep(std::move(signs));
    plan_.chirp = keep(std::move(chirp));
    plan_.output_chirp = keep(std::move(output_chirp));

    // The transform of 1 / c_m, m from first - (n - 1) to stop - 1, with m = first at 0.
    std::vector<double> inverse(2 * length, 0.0);  // real parts, then imaginary parts
    for (index m = plan_.first - n + 1; m < plan_.stop; ++m) {
        const index at = (m - plan_.first + length) % length;
        inverse[at] = c(m < 0 ? -m : m).re;
        inverse[length + at] = -c(m < 0 ? -m : m).im;
    }
    plan_.chirp_spectrum = keep(complex_transform<T>(inverse, length));
}

template <class T>
index Fft<T>::scratch_size() const {
    return (plan_.rows + 1) * index(64 / sizeof(T));
}

template class Fft<double>;
template class Fft<float>;

}  // namespace fastemo
