// Latents in safetensors files: the noise a run starts from, and what it had before decoding.
#pragma once

#include "apps/embed/run_request.h"
#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string>

namespace kine::embed {

/// FILE[:NAME] -> [C, T, Y, X] f32; a leading axis of one is dropped. Throws ErrorCode::BadInput.
Tensor read_latents(const Context& context, const std::string& file_and_name);
/// As the tensor "latents".
void write_latents(const std::string& file, const Tensor& latents);
/// Before the run: the folder of save_latents must exist, and an existing file needs `overwrite`.
void check_latents_target(const RunOptions& options);

}  // namespace kine::embed
