// Covariances and functions of symmetric matrices, many at a time.
#include "../fastemo/ops/covariance.hpp"
#include "signals.hpp"

namespace fastemo {

namespace {

using F64 = py::array_t<double, py::array::c_style>;

constexpr index kMaxMatrix = 4096;
constexpr int kMaxThreads = 1 << 10;

// In place of an array that is not float64 in C order: Python has made it so.
const ArrayView plain(const py::handle& object, const char* name, int nd) {
    const ArrayView v = view_of(object.ptr(), name);
    if (v.nd != nd) refuse(name, " has ", v.nd, " dimensions, expected ", nd);
    return v;
}

const double* doubles(const ArrayView& v, const char* name) {
    if (v.dtype != Dtype::f64 || !v.contiguous()) refuse_type(name, " must be float64 in C order");
    return static_cast<const double*>(v.data);
}

void check_threads(int threads) {
    if (threads < 1 || threads > kMaxThreads) refuse("threads is ", threads, ", expected 1 to ", kMaxThreads);
}

// W' with padded rows, which is what the kernels take.
Buffer<double> transposed(const double* w, index count, index n) {
    const index stride = padded(n);
    Buffer<double> out(count * n * stride);
    for (index k = 0; k < count; ++k)
        for (index i = 0; i < n; ++i)
            for (index j = 0; j < n; ++j) out[(k * n + j) * stride + i] = w[(k * n + i) * n + j];
    return out;
}

py::tuple spectral(const std::string& what, const std::string& function, double exponent, double floor,
                   const py::object& matrices, const py::object& whitening, int threads) {
    const ArrayView x = plain(matrices, "matrices", 3);
    const double* in = doubles(x, "matrices");
    const index count = x.shape[0], n = x.shape[1];
    if (x.shape[2] != n || n < 1 || n > kMaxMatrix)
        refuse("matrices are ", n, " x ", x.shape[2], ", expected square ones of up to ", kMaxMatrix);
    check_threads(threads);
    if (!(floor >= 0)) refuse("floor is ", floor, ", expected at least 0");

    MatrixJob job{MatrixJob::function, Spectral::log, exponent, floor, n, nullptr, 1};
    const char* const jobs[] = {"function", "tangent", "distances", "values"};
    const char* const functions[] = {"log", "exp", "sqrt", "inverse_sqrt", "power"};
    const auto find = [](const char* name, const std::string& value, const char* const* names, int n_names) {
        for (int i = 0; i < n_names; ++i)
            if (value == names[i]) return i;
        refuse(name, " is '", value, "', which is none of its values");
    };
    job.what = static_cast<decltype(job.what)>(find("what", what, jobs, 4));
    job.f = static_cast<Spectral>(find("function", function, functions, 5));

    Buffer<double> w;
    if (!whitening.is_none()) {
        const ArrayView v = plain(whitening, "whitening", 3);
        const double* given = doubles(v, "whitening");
        if (v.shape[1] != n || v.shape[2] != n) refuse("whitening does not have the size of the matrices, ", n);
        job.n_whitenings = v.shape[0];
        const bool one_only = job.what == MatrixJob::function || job.what == MatrixJob::tangent;
        if (job.n_whitenings < 1 || (one_only && job.n_whitenings != 1))
            refuse("whitening holds ", job.n_whitenings, " matrices, expected ", one_only ? "1" : "at least 1");
        w = transposed(given, job.n_whitenings, n);
        job.whitening = w.data();
    }
    std::vector<py::ssize_t> shape{count};
    if (job.what == MatrixJob::function) shape.insert(shape.end(), {n, n});
    if (job.what == MatrixJob::tangent) shape.push_back(n * (n + 1) / 2);
    if (job.what == MatrixJob::distances) shape.push_back(job.n_whitenings);
    if (job.what == MatrixJob::values) shape.insert(shape.end(), {job.n_whitenings, n});
    index size = 1;
    for (std::size_t d = 1; d < shape.size(); ++d) size *= shape[d];
    F64 out(shape);
    py::array_t<unsigned char> faults(count);
    double* const to = out.mutable_data();
    unsigned char* const fault = faults.mutable_data();

    const MatrixKernels& k = *kernels().matrices;
    const index groups = (count + kLanes - 1) / kLanes;
    const index scratch = std::max(k.spectral_scratch(job, std::min(count, kLanes)), k.spectral_scratch(job, 1));
    const double ns = 0.3 * double(n) * double(n) * double(n) * double(count) * double(job.n_whitenings);
    for_parts(groups, threads, ns, scratch, [&](index g, double* memory) {
        const index first = g * kLanes, width = std::min(kLanes, count - first);
        k.spectral(job, in + first * n * n, width, to + first * size, fault + first, memory);
    });
    return py::make_tuple(out, faults);
}

F64 congruence(const py::object& matrices, const py::object& whitening, int threads) {
    const ArrayView x = plain(matrices, "matrices", 3), v = plain(whitening, "whitening", 2);
    const double *in = doubles(x, "matrices"), *given = doubles(v, "whitening");
    const index count = x.shape[0], n = x.shape[1];
    if (x.shape[2] != n || n < 1 || n > kMaxMatrix || v.shape[0] != n || v.shape[1] != n)
        refuse("matrices and whitening must be square and of one size of up to ", kMaxMatrix);
    check_threads(threads);
    const Buffer<double> w = transposed(given, 1, n);
    F64 out({count, n, n});
    double* const to = out.mutable_data();
    const MatrixKernels& k = *kernels().matrices;
    for_parts(count, threads, 0.2 * double(n) * double(n) * double(n) * double(count), k.congruence_scratch(n),
              [&](index i, double* memory) { k.congruence(in + i * n * n, w.data(), n, to + i * n * n, memory); });
    return out;
}

void unfold(const double* upper, index stride, index n, double* out) {
    for (index i = 0; i < n; ++i)
        for (index j = i; j < n; ++j) out[i * n + j] = out[j * n + i] = upper[i * stride + j];
}

F64 covariance(const py::object& windows, int estimator, double shrinkage, bool centre, int threads) {
    const ArrayView x = plain(windows, "windows", 3);
    const index count = x.shape[0], c = x.shape[1], n = x.shape[2];
    if (c < 1 || c > kMaxMatrix || n < 1)
        refuse("windows have ", c, " channels and ", n, " samples, expected 1 to ", kMaxMatrix, " and at least 1");
    if (estimator < 0 || estimator >= Covariance::kEstimators) refuse("estimator ", estimator, " is none");
    if (!(shrinkage >= 0 && shrinkage <= 1)) refuse("shrinkage is ", shrinkage, ", expected 0 to 1");
    check_threads(threads);
    const Covariance work(static_cast<Covariance::Estimator>(estimator), shrinkage, centre, c);
    F64 out({count, c, c});
    double* const to = out.mutable_data();
    const char* const from = static_cast<const char*>(x.data);
    const double ns = 0.02 * double(c) * double(padded(c)) * double(n) * double(count);
    for_parts(count, threads, ns, work.scratch(), [&](index i, double* memory) {
        const Samples in{from + i * x.strides[0], x.dtype, x.strides[1], x.strides[2]};
        work.estimate(in, RingView{}, n, memory);
        unfold(memory, work.stride(), c, to + i * c * c);
    });
    return out;
}

// The sum over samples of z z^H of complex signals, given as an array of floats with real and imaginary part in its last
// axis.
py::object hermitian(const py::object& samples, int threads) {
    const ArrayView x = plain(samples, "samples", 4);
    const index count = x.shape[0], c = x.shape[1], n = x.shape[2];
    if (x.shape[3] != 2 || c < 1 || c > kMaxMatrix || n < 1)
        refuse("samples must have at least one channel and one sample of a real and an imaginary part");
    check_threads(threads);
    F64 out({count, c, c, index(2)});
    double* const to = out.mutable_data();
    const char* const from = static_cast<const char*>(x.data);
    const MatrixKernels& k = *kernels().matrices;
    const index stride = padded(c), size = stride * stride;
    const double ns = 0.06 * double(c) * double(stride) * double(n) * double(count);
    for_parts(count, threads, ns, 2 * size + k.hermitian_scratch(c), [&](index w, double* memory) {
        double *const real = memory, *const imag = real + size;
        const Samples in{from + w * x.strides[0], x.dtype, x.strides[1], x.strides[2]};
        k.hermitian(in, x.strides[3], c, n, real, imag, imag + size);
        double* const z = to + w * c * c * 2;
        for (index i = 0; i < c; ++i)
            for (index j = i; j < c; ++j) {
                double *const up = z + 2 * (i * c + j), *const down = z + 2 * (j * c + i);
                up[0] = down[0] = real[i * stride + j];
                down[1] = 0 - (up[1] = imag[i * stride + j]);
            }
    });
    return out;
}

}  // namespace

void bind_riemann(py::module_& m) {
    m.def("spectral_map", spectral);
    m.def("congruence", congruence);
    m.def("covariance", covariance);
    m.def("hermitian_product", hermitian);
}

}  // namespace fastemo
