// Wan 2.1 text to video and Wan 2.2 (A14B with two experts, TI2V) as model directories of the diffusers WanPipeline.
#pragma once

#include "dit/families/family.h"

namespace kine::dit::wan {

std::unique_ptr<Model> read(const Components& components);

}  // namespace kine::dit::wan
