#include "dit/families/cogvideox/sizes.h"

#include "runtime/io/json.h"
#include "runtime/weight_sizes.h"

#include <fmt/core.h>

namespace kine::dit::cogvideox {

Json transformer_sizes(const Weights& ours, Json config) {
    constexpr const char* kPatches = "patch_embed.proj.weight";
    const int64_t width = size_of(ours, kPatches, 0);
    const int64_t head = size_of(ours, "transformer_blocks.0.attn1.norm_q.weight", 0);
    const bool is_flat = ours.entry(kPatches).shape.rank() == 2;  // patches over time go through a linear layer
    const int64_t side = is_flat ? config.value("patch_size", int64_t{2}) : size_of(ours, kPatches, 2);
    const int64_t pixels = side * side * (is_flat ? config.value("patch_size_t", int64_t{2}) : 1);
    config["patch_size"] = side;
    config["attention_head_dim"] = head;
    config["num_attention_heads"] = width / head;
    config["num_layers"] = count_blocks(ours, "transformer_blocks");
    config["in_channels"] = size_of(ours, kPatches, 1) / (is_flat ? pixels : 1);
    config["out_channels"] = size_of(ours, "proj_out.weight", 0) / pixels;
    config["text_embed_dim"] = size_of(ours, "patch_embed.text_proj.weight", 1);
    config["time_embed_dim"] = size_of(ours, "time_embedding.linear_1.weight", 0);
    return config;
}

Json vae_sizes(const Weights& ours, Json config) {
    std::vector<int64_t> channels;
    for (int64_t level = count_blocks(ours, "decoder.up_blocks") - 1; level >= 0; --level)
        channels.push_back(size_of(ours, fmt::format("decoder.up_blocks.{}.resnets.0.conv1.conv.weight", level), 0));
    config["block_out_channels"] = channels;
    config["latent_channels"] = size_of(ours, "decoder.conv_in.conv.weight", 1);
    config["layers_per_block"] = count_blocks(ours, "decoder.up_blocks.0.resnets") - 1;
    return config;
}

}  // namespace kine::dit::cogvideox
