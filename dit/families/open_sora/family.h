// Open-Sora 1.2 laid out like a diffusers directory: T5 text, STDiT3, OpenSora-VAE-v1.2.
#pragma once

#include "dit/families/family.h"

namespace kine::dit::open_sora {

std::unique_ptr<Model> read(const Components& components);

}  // namespace kine::dit::open_sora
