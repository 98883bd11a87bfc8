#include "dit/families/joint_cost.h"

namespace kine::dit {

TransformerCost joint_cost(const JointSizes& sizes) {
    using broadcast::SiteKind;
    const Shape& tokens = sizes.tokens;
    const int64_t of_video = tokens[0] * tokens[1] * tokens[2], channels = tokens[3];
    const int64_t rows = of_video + tokens[0] * sizes.text_tokens;
    const double square = static_cast<double>(channels) * static_cast<double>(channels) * static_cast<double>(rows);
    const int64_t bytes = rows * channels * sizes.element_bytes;
    TransformerCost cost;
    for (int i = 0; i < sizes.blocks; ++i) {
        cost.sites.push_back({{SiteKind::JointAttention, i}, 4 * square, bytes});
        cost.sites.push_back({{SiteKind::SpatialMlp, i}, 2 * static_cast<double>(sizes.mlp_ratio) * square, bytes});
    }
    const int64_t vectors = sizes.patch_pixels * (sizes.input_channels + sizes.output_channels);
    cost.other_multiply_adds = static_cast<double>(of_video) * static_cast<double>(channels * vectors);
    // The tokens, their norms, those packed, and the output, beside the inside of the MLP; attention's queries, keys
    // and values with the row of keys and values take no more than that.
    cost.activation_bytes = bytes * (5 + sizes.mlp_ratio);
    cost.heads = sizes.heads;
    cost.element_bytes = sizes.element_bytes;
    cost.output_channels = sizes.patch_pixels * sizes.output_channels;
    cost.text_tokens = sizes.text_tokens;
    return cost;
}

}  // namespace kine::dit
