// Golden models rewritten as others lay them out, by tables of the tests' own: ours -> theirs.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <filesystem>
#include <map>
#include <string>

namespace kine::dit {

using Tensors = std::map<std::string, Tensor>;

void write_tensors(const std::filesystem::path& file, const Tensors& tensors);
/// A case's configurations in the form of a preset: small models are no published ones.
void write_preset(const std::filesystem::path& model, const std::filesystem::path& root);

// Each writes the diffusers directory `model` into `root` in another layout, and says what to open.
/// As Wan's repository is published: experts in folders, text and VAE beside them, the tokenizer below.
std::filesystem::path wan_original(Context& context, const std::filesystem::path& model,
                                   const std::filesystem::path& root);
/// The same with text encoder and VAE as PyTorch saves them, which is how they are published.
std::filesystem::path wan_pickled(Context& context, const std::filesystem::path& model,
                                  const std::filesystem::path& root);
/// As ComfyUI keeps them, the tokenizer inside the text encoder's file; the file of one expert is named.
std::filesystem::path wan_comfy(Context& context, const std::filesystem::path& model,
                                const std::filesystem::path& root);
/// As CogVideoX's own repository names them, with its fused tensors.
std::filesystem::path cogvideox_original(Context& context, const std::filesystem::path& model,
                                         const std::filesystem::path& root);
/// Diffusers' folders and configurations, with the original names in the weight files.
std::filesystem::path wan_renamed(Context& context, const std::filesystem::path& model,
                                  const std::filesystem::path& root);
std::filesystem::path cogvideox_renamed(Context& context, const std::filesystem::path& model,
                                        const std::filesystem::path& root);
/// The tensors of a Wan 2.1 VAE under their original names.
Tensors wan_vae_tensors(const std::filesystem::path& model);

}  // namespace kine::dit
