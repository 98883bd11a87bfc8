// Latents in safetensors files: the noise a run starts from, and what it had before decoding.
#pragma once

#include "apps/embed/values.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string>

namespace kine::embed {

/// FILE[:NAME] -> [C, T, Y, X] f32; a leading axis of one is dropped. Throws ErrorCode::BadInput.
Tensor read_latents(const Context& context, const std::string& file_and_name);
/// As the tensor "latents".
void write_latents(const std::string& file, const Tensor& latents);

}  // namespace kine::embed
