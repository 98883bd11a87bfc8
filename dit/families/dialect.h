// How the files of a family's original repository, and single files made from them, name what we bind by diffusers'
// names.
#pragma once

#include "runtime/io/json_fwd.h"
#include "runtime/weights.h"

#include <string_view>

namespace kine::dit {

/// Each function renames what it knows and leaves names of ours as they are, so that it may always be called.
struct Dialect {
    void (*transformer)(Weights&);
    void (*text_encoder)(Weights&);
    void (*vae)(Weights&);
    // Names of ours that tell a part of this family from any other file.
    std::string_view transformer_mark;
    std::string_view vae_mark;
    bool has_umt5;  ///< else T5
    /// Whether tensors with our names have the sizes of a transformer's configuration.
    bool (*fits)(const Weights& ours, const Json& config);
};

/// "model.diffusion_model.", which ComfyUI and training programs put in front of every name.
std::string_view without_prefix(std::string_view name);
/// The number of blocks: the largest N of "BLOCKS.N." plus one.
int64_t count_blocks(const Weights& weights, std::string_view blocks);

}  // namespace kine::dit
