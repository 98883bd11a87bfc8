// PyTorch checkpoints (.pth, .pt) as files of tensors: a zip archive of raw bytes and a pickle that says what they are.
#pragma once

#include "runtime/io/safetensors.h"

namespace kine {

/// Whether the name ends like one of PyTorch's.
bool is_torch_file(const std::filesystem::path& path);
/// Runs nothing of what the pickle asks for, see tensor_pickle.h. BadInput or Unsupported, naming file and tensor.
SafetensorsFile open_torch_file(const std::filesystem::path& path);
/// Of whichever format the name says.
SafetensorsFile open_tensor_file(const std::filesystem::path& path);

}  // namespace kine
