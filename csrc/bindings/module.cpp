#include <pybind11/pybind11.h>

#include "../fastemo/targets/kernels.hpp"

namespace py = pybind11;

namespace fastemo {
void bind_artefacts(py::module_&);
void bind_connectivity(py::module_&);
void bind_connectivity_spectra(py::module_&);
void bind_filters(py::module_&);
void bind_engine(py::module_&);
void bind_features(py::module_&);
void bind_information(py::module_&);
void bind_model_file(py::module_&);
void bind_spectral(py::module_&);
void bind_signal_iir(py::module_&);
void bind_signal_fir(py::module_&);
void bind_signal_spectra(py::module_&);
void bind_spectral_tapers(py::module_&);
void bind_riemann(py::module_&);
}  // namespace fastemo

PYBIND11_MODULE(_core, m) {
    fastemo::kernels();  // a wrong FASTEMO_TARGET fails here, with a sentence
    m.def("target", [] { return fastemo::kernels().target; });
    m.def("targets", [] {
        py::list names;
        for (const auto* const* k = fastemo::available_kernels(); *k; ++k) names.append((*k)->target);
        return names;
    });
    fastemo::bind_artefacts(m);
    fastemo::bind_connectivity(m);
    fastemo::bind_connectivity_spectra(m);
    fastemo::bind_filters(m);
    fastemo::bind_engine(m);
    fastemo::bind_features(m);
    fastemo::bind_information(m);
    fastemo::bind_model_file(m);
    fastemo::bind_spectral(m);
    fastemo::bind_signal_iir(m);
    fastemo::bind_signal_fir(m);
    fastemo::bind_signal_spectra(m);
    fastemo::bind_spectral_tapers(m);
    fastemo::bind_riemann(m);
}
