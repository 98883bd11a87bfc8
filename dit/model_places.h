// From what --model says to where a model's parts lie: a diffusers directory, an original repository's directory,
// ComfyUI's folders or one file in them, a name in the Hugging Face cache.
#pragma once

#include "dit/families/model_source.h"

#include <filesystem>
#include <string>

namespace kine::dit {

/// Files that are named one by one, in place of those that lie with the transformer; empty: found.
struct NamedFiles {
    std::filesystem::path vae;
    std::filesystem::path text_encoder;
};

/// `hub_cache` is the folder that holds models--ORG--NAME; empty: there is none. BadInput if nothing is there, the
/// parts of two models, or half of one; Unsupported for a model that we know by its tensors and lack.
ModelSource find_model(const std::string& place, const std::filesystem::path& hub_cache = {},
                       const NamedFiles& named = {});

}  // namespace kine::dit
