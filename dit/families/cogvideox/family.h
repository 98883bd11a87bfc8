// CogVideoX 2b, 5b and 1.5 in the diffusers layout, text to video and image to video.
#pragma once

#include "dit/families/family.h"

namespace kine::dit::cogvideox {

/// The pipeline whose transformer sees an image's latents beside the noisy ones.
inline constexpr std::string_view kImagePipeline = "CogVideoXImageToVideoPipeline";

std::unique_ptr<Model> read(const Components& components);

}  // namespace kine::dit::cogvideox
