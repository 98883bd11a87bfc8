// What a forward pass costs whose blocks attend over all tokens of the video and perhaps of the text: known from sizes
// alone.
#pragma once

#include "dit/families/family.h"

namespace kine::dit {

struct JointSizes {
    Shape tokens;             ///< [B, T, S, C]
    int64_t text_tokens = 0;  ///< that go through the blocks beside those of the video
    int64_t heads = 1;
    int64_t blocks = 1;
    int64_t element_bytes = 4;
    int64_t patch_pixels = 1;  ///< latent pixels of a patch, of all its frames
    int64_t input_channels = 1;
    int64_t output_channels = 1;
    int64_t mlp_ratio = 4;  ///< inner channels of an MLP for each outer one
};

TransformerCost joint_cost(const JointSizes& sizes);

}  // namespace kine::dit
