#include "dit/families/factored_cost.h"

namespace kine::dit {

TransformerCost factored_cost(const FactoredSizes& sizes) {
    using broadcast::SiteKind;
    const Shape& tokens = sizes.tokens;
    const auto count = static_cast<double>(tokens[0] * tokens[1] * tokens[2]);
    const auto square = static_cast<double>(tokens[3] * tokens[3]);
    const int64_t bytes = tokens.elements() * sizes.element_bytes;
    TransformerCost cost;
    const auto add = [&](SiteKind kind, int64_t block, double squares) {
        cost.sites.push_back({{kind, static_cast<int>(block)}, squares * square * count, bytes});
    };
    for (int64_t i = 0; i < sizes.pairs; ++i) {
        add(SiteKind::SpatialAttention, i, 4);
        add(sizes.cross_in_temporal ? SiteKind::SpatialCrossAttention : SiteKind::CrossAttention, i, 2);
        add(SiteKind::SpatialMlp, i, 2 * sizes.mlp_ratio);
        add(SiteKind::TemporalAttention, i, 4);
        if (sizes.cross_in_temporal) add(SiteKind::TemporalCrossAttention, i, 2);
        add(SiteKind::TemporalMlp, i, 2 * sizes.mlp_ratio);
    }
    const int64_t patch_vector = sizes.patch_area * (sizes.input_channels + sizes.output_channels);
    cost.other_multiply_adds = count * static_cast<double>(tokens[3] * patch_vector);
    // The stream, the normed input, packed QKV or half of the MLP's inside, the output.
    cost.activation_bytes = 8 * bytes;
    cost.heads = sizes.heads;
    cost.element_bytes = sizes.element_bytes;
    cost.output_channels = sizes.patch_area * sizes.output_channels;
    return cost;
}

}  // namespace kine::dit
