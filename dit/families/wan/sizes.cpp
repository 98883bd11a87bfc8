#include "dit/families/wan/sizes.h"

#include "runtime/io/json.h"
#include "runtime/weight_sizes.h"

#include <fmt/core.h>

namespace kine::dit::wan {

namespace {

/// Levels from the picture to the latents, as multiples of the channels at full size.
std::vector<int64_t> level_factors(const Weights& ours, int64_t base) {
    std::vector<int64_t> factors;
    for (int64_t level = count_blocks(ours, "decoder.up_blocks") - 1; level >= 0; --level)
        factors.push_back(size_of(ours, fmt::format("decoder.up_blocks.{}.resnets.0.conv1.weight", level), 0) / base);
    return factors;
}

}  // namespace

Json transformer_sizes(const Weights& ours, Json config) {
    const int64_t width = size_of(ours, "patch_embedding.weight", 0);
    const int64_t side = size_of(ours, "patch_embedding.weight", 3);
    config["patch_size"] = {size_of(ours, "patch_embedding.weight", 2), side,
                            size_of(ours, "patch_embedding.weight", 4)};
    config["in_channels"] = size_of(ours, "patch_embedding.weight", 1);
    config["out_channels"] = size_of(ours, "proj_out.weight", 0) / (side * side);
    config["ffn_dim"] = size_of(ours, "blocks.0.ffn.net.0.proj.weight", 0);
    config["num_layers"] = count_blocks(ours, "blocks");
    config["text_dim"] = size_of(ours, "condition_embedder.text_embedder.linear_1.weight", 1);
    config["freq_dim"] = size_of(ours, "condition_embedder.time_embedder.linear_1.weight", 1);
    const auto head = config["attention_head_dim"].get<int64_t>();
    if (width % head == 0) config["num_attention_heads"] = width / head;
    return config;
}

Json vae_sizes(const Weights& ours, Json config) {
    const int64_t base = size_of(ours, "decoder.norm_out.gamma", 0);
    config["z_dim"] = size_of(ours, "decoder.conv_in.weight", 1);
    config["base_dim"] = size_of(ours, "encoder.conv_in.weight", 0);
    config["dim_mult"] = level_factors(ours, base);
    config["num_res_blocks"] = count_blocks(ours, "decoder.up_blocks.0.resnets") - 1;
    if (base != config["base_dim"] || config.contains("decoder_base_dim")) config["decoder_base_dim"] = base;
    return config;
}

Json config_of(const Json& theirs) {
    if (theirs.value("_class_name", "") != "WanModel") return {};
    Json ours = {{"_class_name", "WanTransformer3DModel"}};
    const auto take = [&](const char* from, const char* to) {
        if (theirs.contains(from)) ours[to] = theirs[from];
    };
    take("in_dim", "in_channels");
    take("out_dim", "out_channels");
    for (const char* key : {"ffn_dim", "freq_dim", "text_dim", "num_layers", "patch_size", "eps"}) take(key, key);
    take("num_heads", "num_attention_heads");
    const int64_t heads = theirs.value("num_heads", int64_t{0});
    if (heads > 0) ours["attention_head_dim"] = theirs.value("dim", int64_t{0}) / heads;
    return ours;
}

}  // namespace kine::dit::wan
