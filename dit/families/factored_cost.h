// What a forward pass costs that alternates spatial and temporal blocks: known from sizes alone.
#pragma once

#include "dit/families/family.h"

namespace kine::dit {

struct FactoredSizes {
    Shape tokens;  ///< [B, T, S, C]
    int64_t heads = 1;
    int64_t pairs = 1;  ///< of a spatial and a temporal block
    int64_t element_bytes = 4;
    int64_t patch_area = 1;  ///< latent pixels of a patch
    int64_t input_channels = 1;
    int64_t output_channels = 1;
    double mlp_ratio = 4;  ///< inner channels of an MLP for each outer one
    bool cross_in_temporal = false;
};

TransformerCost factored_cost(const FactoredSizes& sizes);

}  // namespace kine::dit
