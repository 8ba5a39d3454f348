#include "../fastemo/engine/model_file.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>

namespace py = pybind11;

namespace fastemo {

namespace {

// The bytes of any object that shows them as one contiguous block.
class Bytes {
public:
    explicit Bytes(const py::object& object) {
        if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
    }
    ~Bytes() { PyBuffer_Release(&view_); }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;

    const void* data() const { return view_.buf; }
    std::size_t size() const { return static_cast<std::size_t>(view_.len); }

private:
    Py_buffer view_;
};

py::dtype numpy_dtype(Tensor::Type type) {
    switch (type) {
        case Tensor::Type::f64: return py::dtype::of<double>();
        case Tensor::Type::f32: return py::dtype::of<float>();
        case Tensor::Type::i64: return py::dtype::of<std::int64_t>();
        case Tensor::Type::u8: break;
    }
    return py::dtype::of<std::uint8_t>();
}

py::tuple read_model(const py::object& source) {
    const Bytes bytes(source);
    const ModelFile model = ModelFile::parse(bytes.data(), bytes.size());
    py::dict tensors, metadata;
    for (const auto& [name, tensor] : model.tensors()) {
        py::array array(numpy_dtype(tensor.type), tensor.shape);
        std::memcpy(array.mutable_data(), tensor.data, static_cast<std::size_t>(array.nbytes()));
        tensors[py::str(name)] = array;
    }
    for (const auto& [key, text] : model.all_metadata()) metadata[py::str(key)] = py::str(text);
    return py::make_tuple(tensors, metadata);
}

}  // namespace

void bind_model_file(py::module_& m) {
    // One class for both readers: the one that Python code catches, found when it is needed.
    py::register_local_exception_translator([](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const ModelError& e) {
            py::set_error(py::module_::import("fastemo.model_file").attr("ModelError"), e.what());
        }
    });
    m.def("read_model", &read_model, py::arg("source"));
}

}  // namespace fastemo
