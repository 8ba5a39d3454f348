// Kinds of ops by name.
#include <utility>

#include "op.hpp"

namespace fastemo {

namespace {

constexpr std::pair<const char*, Factory> kFactories[] = {
    {"call", make_call},
    {"coupling", make_coupling},
    {"cross", make_cross},
    {"cross_pairs", make_cross_pairs},
    {"analytic", make_analytic},
    {"asr", make_asr},
    {"quadrature", make_quadrature},
    {"reference", make_reference},
    {"matrix", make_matrix},
    {"sos", make_sos},
    {"bank_power", make_bank_power},
    {"wavelets", make_wavelets},
    {"window", make_window},
    {"fft_power", make_fft_power},
    {"bandsum", make_bandsum},
    {"relative", make_relative},
    {"log", make_log},
    {"affine", make_affine},
    {"concat", make_concat},
    {"linear", make_linear},
    {"softmax", make_softmax},
    {"sigmoid", make_sigmoid},
    {"ema", make_ema},
    {"boxcar", make_boxcar},
    {"gate", make_gate},
    {"repair", make_repair},
    {"reduce", make_reduce},
    {"rls", make_rls},
    {"running", make_running},
    {"fir", make_fir},
    {"ratio", make_ratio},
    {"taper_power", make_taper_power},
    {"sliding_power", make_sliding_power},
    {"cov", make_cov},
    {"fading_cov", make_fading_cov},
    {"congruence", make_congruence},
    {"tangent", make_tangent},
    {"mdm", make_mdm},
    {"resample", make_resample},
};

const char* name_of(Slot::Kind kind) {
    return kind == Slot::signal ? "a signal" : kind == Slot::window ? "a window" : "a vector";
}

}  // namespace

const Slot& OpInit::input(Slot::Kind kind) const {
    if (inputs.size() != 1) fail("takes one input, the file gives " + std::to_string(inputs.size()));
    if (inputs[0]->kind != kind)
        fail(std::string("reads ") + name_of(kind) + ", but its input is " + name_of(inputs[0]->kind));
    return *inputs[0];
}

void OpInit::fail(const std::string& what) const {
    throw ModelError("op " + shown(prefix.substr(0, prefix.size() - 1)) + " " + what);
}

std::unique_ptr<Op> make_op(const std::string& kind, const OpInit& init) {
    for (const auto& [name, make] : kFactories)
        if (kind == name) return make(init);
    init.fail("is of a kind this version does not know");
}

}  // namespace fastemo
