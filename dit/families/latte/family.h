// Latte-1 as a model directory of the diffusers LattePipeline: T5 text, LatteTransformer3DModel, AutoencoderKL.
#pragma once

#include "dit/families/family.h"

namespace kine::dit::latte {

std::unique_ptr<Model> build(Context& context, const std::filesystem::path& directory, DType dtype);

}  // namespace kine::dit::latte
