// Latte-1 as a model directory of the diffusers LattePipeline: T5 text, LatteTransformer3DModel, AutoencoderKL.
#pragma once

#include "dit/families/family.h"

namespace kine::dit::latte {

std::unique_ptr<Model> read(const Components& components);

}  // namespace kine::dit::latte
