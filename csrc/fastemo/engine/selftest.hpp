// The self-test of a model file: whether the model gives here what it gave where it was written.
#pragma once

#include "model_file.hpp"

namespace fastemo {

class SelfTestError : public ModelError {
public:
    using ModelError::ModelError;
};

// Runs the vectors of the file, if it has any, through an engine of its own (docs/program.md, "Self-test"). Throws
// SelfTestError where the outputs differ, ModelError where the vectors are none.
void self_test(const ModelFile& file);

}  // namespace fastemo
