#include "dit/families/wan/names.h"

#include "dit/families/wan/sizes.h"
#include "runtime/io/json.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace kine::dit::wan {

namespace {

using Renaming = std::pair<std::string_view, std::string_view>;

// Of the whole name's beginning.
constexpr std::array<Renaming, 6> kBeginnings = {{
    {"time_embedding.0.", "condition_embedder.time_embedder.linear_1."},
    {"time_embedding.2.", "condition_embedder.time_embedder.linear_2."},
    {"text_embedding.0.", "condition_embedder.text_embedder.linear_1."},
    {"text_embedding.2.", "condition_embedder.text_embedder.linear_2."},
    {"time_projection.1.", "condition_embedder.time_proj."},
    {"head.head.", "proj_out."},
}};

// Inside a block. The original's norm3 stands before cross attention and is our norm2.
constexpr std::array<Renaming, 13> kInBlocks = {{
    {"self_attn.q.", "attn1.to_q."},
    {"self_attn.k.", "attn1.to_k."},
    {"self_attn.v.", "attn1.to_v."},
    {"self_attn.o.", "attn1.to_out.0."},
    {"self_attn.norm_", "attn1.norm_"},
    {"cross_attn.q.", "attn2.to_q."},
    {"cross_attn.k.", "attn2.to_k."},
    {"cross_attn.v.", "attn2.to_v."},
    {"cross_attn.o.", "attn2.to_out.0."},
    {"cross_attn.norm_", "attn2.norm_"},
    {"ffn.0.", "ffn.net.0.proj."},
    {"ffn.2.", "ffn.net.2."},
    {"norm3.", "norm2."},
}};

// Inside a layer of UMT5.
constexpr std::array<Renaming, 10> kInTextBlocks = {{
    {"norm1.", "layer.0.layer_norm."},
    {"attn.q.", "layer.0.SelfAttention.q."},
    {"attn.k.", "layer.0.SelfAttention.k."},
    {"attn.v.", "layer.0.SelfAttention.v."},
    {"attn.o.", "layer.0.SelfAttention.o."},
    {"pos_embedding.embedding.", "layer.0.SelfAttention.relative_attention_bias."},
    {"norm2.", "layer.1.layer_norm."},
    {"ffn.gate.0.", "layer.1.DenseReluDense.wi_0."},
    {"ffn.fc1.", "layer.1.DenseReluDense.wi_1."},
    {"ffn.fc2.", "layer.1.DenseReluDense.wo."},
}};

// Inside a residual block of the VAE.
constexpr std::array<Renaming, 5> kInResidual = {{
    {"residual.0.", "norm1."},
    {"residual.2.", "conv1."},
    {"residual.3.", "norm2."},
    {"residual.6.", "conv2."},
    {"shortcut.", "conv_shortcut."},
}};

// Of one half of the VAE, outside its levels.
constexpr std::array<Renaming, 6> kInHalf = {{
    {"conv1.", "conv_in."},
    {"middle.0.", "mid_block.resnets.0."},
    {"middle.1.", "mid_block.attentions.0."},
    {"middle.2.", "mid_block.resnets.1."},
    {"head.0.", "norm_out."},
    {"head.2.", "conv_out."},
}};

template <size_t count>
std::string renamed(const std::string& name, const std::array<Renaming, count>& table) {
    for (const auto& [theirs, ours] : table) {
        if (name.starts_with(theirs)) return std::string(ours) + name.substr(theirs.size());
    }
    if (name == "modulation") return "scale_shift_table";
    return name;
}

/// "12.rest" -> 12, "rest"; nothing where no number stands in front.
std::optional<std::pair<int64_t, std::string>> numbered(std::string_view name) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
    return std::pair(number, std::string(name.substr(static_cast<size_t>(end - name.data()) + 1)));
}

bool is_residual(std::string_view inside) { return inside.starts_with("residual.") || inside.starts_with("shortcut."); }

/// What follows "encoder." or "decoder." where the level has a list of its own (2.2).
std::string nested_level(bool decodes, int64_t level, int64_t index, const std::string& inside) {
    const char* levels = decodes ? "up_blocks" : "down_blocks";
    if (is_residual(inside))
        return fmt::format("{}.{}.resnets.{}.{}", levels, level, index, renamed(inside, kInResidual));
    return fmt::format("{}.{}.{}.{}", levels, level, decodes ? "upsampler" : "downsampler", inside);
}

/// The same where all levels are one list (2.1): the encoder's stays one, the decoder's is cut into levels.
std::string flat_level(bool decodes, int64_t index, const std::string& inside, int64_t level_size) {
    if (!decodes) return fmt::format("down_blocks.{}.{}", index, renamed(inside, kInResidual));
    const int64_t level = index / level_size;
    if (is_residual(inside))
        return fmt::format("up_blocks.{}.resnets.{}.{}", level, index % level_size, renamed(inside, kInResidual));
    return fmt::format("up_blocks.{}.upsamplers.0.{}", level, inside);
}

std::string in_half(bool decodes, const std::string& name, int64_t level_size) {
    const std::string list = decodes ? "upsamples." : "downsamples.";
    if (!name.starts_with(list)) {
        const std::string outer = renamed(name, kInHalf);
        const size_t block = outer.find("resnets.");
        if (block == std::string::npos) return outer;
        const size_t inside = block + std::string_view("resnets.0.").size();
        return outer.substr(0, inside) + renamed(outer.substr(inside), kInResidual);
    }
    const auto level = numbered(std::string_view(name).substr(list.size()));
    if (!level) return name;
    if (!level->second.starts_with(list)) return flat_level(decodes, level->first, level->second, level_size);
    const auto entry = numbered(std::string_view(level->second).substr(list.size()));
    return entry ? nested_level(decodes, level->first, entry->first, entry->second) : name;
}

/// Entries of the decoder's flat list up to the first that makes pictures larger.
int64_t level_size_of(const Weights& weights) {
    constexpr int64_t kMost = 64;
    for (int64_t index = 0; index < kMost; ++index) {
        if (weights.contains(fmt::format("decoder.upsamples.{}.resample.1.weight", index))) return index + 1;
    }
    return kMost;
}

void rename_transformer(Weights& weights) { weights.rename(transformer_name); }
void rename_text_encoder(Weights& weights) { weights.rename(text_encoder_name); }

void rename_vae(Weights& weights) {
    const int64_t level_size = level_size_of(weights);
    weights.rename([&](const std::string& stored) { return vae_name(stored, level_size); });
}

}  // namespace

const Dialect kOriginal = {.transformer = rename_transformer,
                           .text_encoder = rename_text_encoder,
                           .vae = rename_vae,
                           .transformer_mark = "condition_embedder.time_proj.weight",
                           .vae_mark = "decoder.mid_block.attentions.0.to_qkv.weight",
                           .has_umt5 = true,
                           .transformer_sizes = transformer_sizes,
                           .vae_sizes = vae_sizes,
                           .config = config_of};

std::optional<std::string> text_encoder_name(const std::string& stored) {
    constexpr std::string_view kBlocks = "blocks.";
    if (stored == "token_embedding.weight") return "shared.weight";
    if (stored == "norm.weight") return "encoder.final_layer_norm.weight";
    if (!stored.starts_with(kBlocks)) return stored;
    const auto block = numbered(std::string_view(stored).substr(kBlocks.size()));
    if (!block) return stored;
    return fmt::format("encoder.block.{}.{}", block->first, renamed(block->second, kInTextBlocks));
}

std::optional<std::string> vae_name(const std::string& stored, int64_t level_size) {
    for (const bool decodes : {false, true}) {
        const std::string half = decodes ? "decoder." : "encoder.";
        if (stored.starts_with(half)) return half + in_half(decodes, stored.substr(half.size()), level_size);
    }
    if (stored.starts_with("conv1.")) return "quant_" + stored.substr(0, 4) + stored.substr(5);
    if (stored.starts_with("conv2.")) return "post_quant_" + stored.substr(0, 4) + stored.substr(5);
    return stored;
}

std::optional<std::string> transformer_name(const std::string& stored) {
    constexpr std::string_view kBlocks = "blocks.";
    const std::string name(without_prefix(stored));
    if (name == "head.modulation") return "scale_shift_table";
    if (!name.starts_with(kBlocks)) return renamed(name, kBeginnings);
    const size_t inside = name.find('.', kBlocks.size());
    if (inside == std::string::npos) return name;
    return name.substr(0, inside + 1) + renamed(name.substr(inside + 1), kInBlocks);
}

}  // namespace kine::dit::wan
