#include "../fastemo/engine/engine.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <thread>

#include "arrays.hpp"

namespace fastemo {

namespace {

constexpr char kBusy[] = "this engine is taking a chunk in another thread: give each thread an engine of its own";
constexpr double kHoldGilNs = 50e3;  // shorter work keeps the GIL: handing it back can cost a switch interval

class PyEngine {
public:
    PyEngine(const py::bytes& model, int threads, const py::dict& functions)
        : PyEngine(model, threads, functions, pointers(functions)) {}

    Engine engine;
    const py::dtype dtype;
    std::atomic_flag busy = ATOMIC_FLAG_INIT;
    const py::dict& functions() const { return functions_; }

private:
    PyEngine(const py::bytes& model, int threads, const py::dict& functions, const CallFunctions& pointers)
        : engine(parse(model), check_threads(threads), std::int64_t(1) << 32, &pointers),
          dtype(make_dtype(engine.layout())), functions_(functions) {}
    // Only capsules that fastemo has made are believed.
    static CallFunctions pointers(const py::dict& functions) {
        CallFunctions found;
        for (const auto& [name, given] : functions) {
            if (!py::isinstance<py::tuple>(given) || py::len(given) != 4)
                refuse_type("functions holds a ", type_name(given.ptr()), ", expected what fastemo.feature compiles");
            const auto parts = py::reinterpret_borrow<py::tuple>(given);
            PyObject* capsule = py::object(parts[0]).ptr();
            if (!PyCapsule_IsValid(capsule, "fastemo.feature"))
                refuse_type("functions holds a ", type_name(capsule), ", expected what fastemo.feature compiles");
            CallFunction& f = found[py::cast<std::string>(name)];
            f.run = reinterpret_cast<decltype(f.run)>(PyCapsule_GetPointer(capsule, "fastemo.feature"));
            f.width = py::cast<index>(parts[1]);
            f.over_window = py::cast<bool>(parts[2]);
            if (f.width < 1 || f.width > 1 << 16) refuse("functions holds a width of ", f.width);
        }
        return found;
    }
    static ModelFile parse(const py::bytes& model) {
        const std::string_view bytes = model;
        return ModelFile::parse(bytes.data(), bytes.size());
    }
    static int check_threads(int threads) {
        if (threads < 1 || threads > 256) refuse("threads is ", threads, ", expected 1 to 256");
        return threads;
    }
    static py::dtype make_dtype(const RecordLayout& l) {
        py::list names, formats, offsets;
        const auto field = [&](const char* name, py::object format, index offset) {
            names.append(name);
            formats.append(format);
            offsets.append(offset);
        };
        const auto vector = [](index n) { return py::make_tuple("<f8", py::make_tuple(n)); };
        field("index", py::str("<i8"), 0);
        field("time", py::str("<f8"), 8);
        field("stamp", py::str("<f8"), 16);
        field("outputs", vector(l.n_outputs), l.outputs);
        field("valence", py::str("<f8"), l.vad);
        field("arousal", py::str("<f8"), l.vad + 8);
        field("dominance", py::str("<f8"), l.vad + 16);
        field("quality", py::str("<f8"), l.quality);
        field("channel_quality", vector(l.n_channels), l.channel_quality);
        field("class_index", py::str("<i4"), l.class_index);
        field("valid", py::str("u1"), l.valid);
        field("abstained", py::str("u1"), l.abstained);
        return py::dtype(names, formats, offsets, l.size);
    }

    const py::dict functions_;  // keeps their code alive
};

struct Chunk {
    Samples samples;
    index n = 0;
    const double* stamps = nullptr;

    Chunk(const Engine& engine, PyObject* chunk, PyObject* stamp_object, PyObject* layout) {
        samples = samples_of(view_of(chunk, "chunk"), "chunk", engine.n_channels(), is_samples_first(layout), n);
        if (!stamp_object || stamp_object == Py_None) return;
        const ArrayView v = view_of(stamp_object, "stamps");
        if (v.nd != 1 || v.shape[0] != n)
            refuse("stamps has shape ", std::string(py::str(py::handle(stamp_object).attr("shape"))),
                   ", expected one stamp per sample, (", n, ",)");
        if (v.dtype != Dtype::f64 || !v.contiguous()) refuse("stamps must be contiguous float64");
        stamps = static_cast<const double*>(v.data);
    }
};

index push(PyEngine& self, const Chunk& chunk, void* out, index capacity) {
    PushResult r;
    const Hold hold(self.busy, kBusy);
    if (self.engine.estimate_ns(chunk.n) < kHoldGilNs) {
        r = self.engine.push(chunk.samples, chunk.n, chunk.stamps, out, capacity);
    } else {
        const py::gil_scoped_release release;
        r = self.engine.push(chunk.samples, chunk.n, chunk.stamps, out, capacity);
    }
    switch (r.error) {
        case PushError::none: break;
        case PushError::stamps_not_finite:
            refuse("stamps[", r.at, "] is ", chunk.stamps[r.at], ", expected a finite number of seconds");
        case PushError::stamps_backward:
            refuse("stamps[", r.at, "] is ", chunk.stamps[r.at],
                   ", not later than the stamp before it: sort the samples, or use on_backward='drop'");
        case PushError::stamps_changed:
            refuse(
                "stamps were given for some chunks only: give them for every chunk of a stream or for none (reset() "
                "starts a new stream)");
        case PushError::out_too_small:
            refuse("out has room for ", capacity, " predictions, this chunk may give ", r.at, ": see max_predictions");
    }
    return r.n;
}

PyObject* engine_push_into(PyObject* self_object, PyObject* const* args, Py_ssize_t n_args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        static const char* const names[] = {"chunk", "out", "stamps", "layout"};
        PyObject* given[4];
        parse_fastcall("push_into", names, 2, args, n_args, keywords, given);
        PyEngine& self = self_of<PyEngine>(self_object);
        const Chunk chunk(self.engine, given[0], given[2], given[3]);
        if (!py::detail::npy_api::get().PyArray_Check_(given[1]))
            refuse_type("out is a ", type_name(given[1]), ", expected a NumPy array of engine.dtype");
        const auto* a = py::detail::array_proxy(given[1]);
        if (a->descr != self.dtype.ptr() && !py::reinterpret_borrow<py::dtype>(a->descr).equal(self.dtype))
            refuse_type("out has dtype ", std::string(py::str(py::handle(a->descr))), ", expected engine.dtype");
        if (a->nd != 1 || (a->dimensions[0] > 1 && a->strides[0] != self.engine.layout().size))
            refuse("out must be one-dimensional and contiguous");
        if (!(a->flags & 0x0400)) refuse("out is read-only");
        if (reinterpret_cast<std::uintptr_t>(a->data) % 8) refuse("out is not aligned to 8 bytes");
        return PyLong_FromSsize_t(push(self, chunk, a->data, a->dimensions[0]));
    });
}

PyMethodDef engine_push_into_def = {"push_into",
                                    reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(engine_push_into)),
                                    METH_FASTCALL | METH_KEYWORDS, nullptr};

// Predictions of the chunk as a new array.
py::array engine_push(PyEngine& self, const py::object& chunk_object, const py::object& stamps,
                      const py::object& layout) {
    const Chunk chunk(self.engine, chunk_object.ptr(), stamps.ptr(), layout.ptr());
    const index room = self.engine.room(chunk.n, chunk.stamps);
    const index size = self.engine.layout().size;
    py::array_t<unsigned char> records(room * size);
    const index n = push(self, chunk, records.mutable_data(), room);
    if (n < room) records = py::array_t<unsigned char>(n * size, records.data());
    return records.attr("view")(self.dtype);
}

// Predictions of what is withheld.
py::array engine_flush(PyEngine& self) {
    const Hold hold(self.busy, kBusy);
    const index room = self.engine.room_to_flush(), size = self.engine.layout().size;
    py::array_t<unsigned char> records(room * size);
    const index n = self.engine.flush(records.mutable_data(), room).n;
    if (n < room) records = py::array_t<unsigned char>(n * size, records.data());
    return records.attr("view")(self.dtype);
}

// Swaps in what another model of the same program has learnt, between two pushes of whatever thread.
void adopt(PyEngine& self, const py::bytes& model) {
    PyEngine other(model, 1, self.functions());
    // With the GIL held no push can begin, so that none finds the engine busy with this.
    while (self.busy.test_and_set(std::memory_order_acquire)) {
        const py::gil_scoped_release release;
        std::this_thread::yield();
    }
    const bool done = self.engine.adopt(other.engine);
    self.busy.clear(std::memory_order_release);
    if (!done) refuse("model is another program than the one that runs");
}

py::dict counters_of(const PyEngine& self) {
    using namespace py::literals;
    const Counters& c = self.engine.counters();
    return py::dict("samples"_a = c.samples, "filled"_a = c.filled, "gaps"_a = c.gaps, "nans"_a = c.nans,
                    "dropped"_a = c.dropped, "resets"_a = c.resets, "predictions"_a = c.predictions);
}

py::list latency_of(const PyEngine& self) {
    py::list rows;
    for (std::size_t i = 0; i < self.engine.n_stages(); ++i) {
        const Latency r = self.engine.latency_of(i);
        rows.append(py::make_tuple(self.engine.stage_name(i), r.count, r.p50_ns, r.p99_ns, r.p999_ns, r.max_ns));
    }
    return rows;
}

}  // namespace

void bind_engine(py::module_& m) {
    using namespace py::literals;
    auto cls = py::class_<PyEngine>(m, "Engine", py::module_local())
                   .def(py::init<const py::bytes&, int, const py::dict&>(), "model"_a, "threads"_a = 1,
                        "functions"_a = py::dict())
                   .def_readonly("dtype", &PyEngine::dtype)
                   .def_property_readonly("n_channels", [](const PyEngine& e) { return e.engine.n_channels(); })
                   .def_property_readonly("bits",
                                          [](const PyEngine& e) {
                                              const Bits bits = e.engine.bits();
                                              return bits == Bits::everywhere ? "A" : bits == Bits::fusing ? "B" : "";
                                          })
                   .def("push", &engine_push, "chunk"_a, "stamps"_a = py::none(), "layout"_a = py::none())
                   .def("flush", &engine_flush)
                   .def("adopt", &adopt, "model"_a)
                   .def(
                       "max_predictions", [](const PyEngine& e, index n) { return e.engine.max_predictions(n); },
                       "n_samples"_a)
                   .def("reset",
                        [](PyEngine& e) {
                            const Hold hold(e.busy, kBusy);
                            e.engine.reset();
                        })
                   .def("latency", &latency_of)
                   .def("counters", &counters_of);
    add_fastcall(cls, engine_push_into_def);
}

}  // namespace fastemo
