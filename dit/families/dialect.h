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
    /// Published configurations with the sizes that tensors with our names have.
    Json (*transformer_sizes)(const Weights& ours, Json config);
    Json (*vae_sizes)(const Weights& ours, Json config);
    /// The keys of the original repository's own config.json under our names, null for a file of another kind; null
    /// where that repository has none.
    Json (*config)(const Json& theirs);
};

/// Renames the weights of the component `part` ("transformer", "transformer_2", "text_encoder", "vae").
void to_ours(const Dialect& dialect, std::string_view part, Weights& weights);

/// "model.diffusion_model.", which ComfyUI and training programs put in front of every name.
std::string_view without_prefix(std::string_view name);

}  // namespace kine::dit
