#include "dit/families/cogvideox/names.h"

#include "dit/families/cogvideox/sizes.h"
#include "runtime/io/json.h"
#include "runtime/weight_sizes.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

namespace kine::dit::cogvideox {

namespace {

using Renaming = std::pair<std::string_view, std::string_view>;

// Of the whole name's beginning.
constexpr std::array<Renaming, 10> kBeginnings = {{
    {"time_embed.0.", "time_embedding.linear_1."},
    {"time_embed.2.", "time_embedding.linear_2."},
    {"ofs_embed.0.", "ofs_embedding.linear_1."},
    {"ofs_embed.2.", "ofs_embedding.linear_2."},
    {"mixins.patch_embed.", "patch_embed."},
    {"mixins.pos_embed.pos_embedding", "patch_embed.pos_embedding"},
    {"transformer.final_layernorm.", "norm_final."},
    {"mixins.final_layer.norm_final.", "norm_out.norm."},
    {"mixins.final_layer.adaLN_modulation.1.", "norm_out.linear."},
    {"mixins.final_layer.linear.", "proj_out."},
}};

// Inside a block.
constexpr std::array<Renaming, 5> kInBlocks = {{
    {"input_layernorm.", "norm1.norm."},
    {"post_attention_layernorm.", "norm2.norm."},
    {"attention.dense.", "attn1.to_out.0."},
    {"mlp.dense_h_to_4h.", "ff.net.0.proj."},
    {"mlp.dense_4h_to_h.", "ff.net.2."},
}};

// In the VAE, wherever it stands behind a dot.
constexpr std::array<Renaming, 6> kInVae = {{
    {"mid.block_1.", "mid_block.resnets.0."},
    {"mid.block_2.", "mid_block.resnets.1."},
    {"nin_shortcut.", "conv_shortcut."},
    {"downsample.", "downsamplers.0."},
    {"upsample.", "upsamplers.0."},
    {"block.", "resnets."},
}};

constexpr std::string_view kLayers = "transformer.layers.";
constexpr std::string_view kModulations = "mixins.adaln_layer.adaLN_modulations.";
constexpr std::string_view kQueryNorms = "mixins.adaln_layer.query_layernorm_list.";
constexpr std::string_view kKeyNorms = "mixins.adaln_layer.key_layernorm_list.";
constexpr std::string_view kFusedAttention = "attention.query_key_value.";

std::optional<std::string> behind(std::string_view name, std::string_view beginning) {
    if (!name.starts_with(beginning)) return std::nullopt;
    return std::string(name.substr(beginning.size()));
}

template <size_t count>
std::string renamed(const std::string& name, const std::array<Renaming, count>& table) {
    for (const auto& [theirs, ours] : table) {
        if (const auto rest = behind(name, theirs)) return std::string(ours) + *rest;
    }
    return name;
}

/// "3.rest" -> "3", "rest".
std::pair<std::string, std::string> numbered(const std::string& name) {
    const size_t dot = name.find('.');
    if (dot == std::string::npos) return {name, ""};
    return {name.substr(0, dot), name.substr(dot + 1)};
}

std::string block_name(const std::string& number, std::string_view inside) {
    return fmt::format("transformer_blocks.{}.{}", number, inside);
}

/// Queries, keys and values; the parts of a block's twelve modulations: for the video, then for the text.
void cut_fused(Weights& weights, const std::string& stored) {
    const std::string name(without_prefix(stored));
    if (const auto layer = behind(name, kLayers)) {
        const auto [number, inside] = numbered(*layer);
        const auto rest = behind(inside, kFusedAttention);
        if (!rest) return;
        const auto piece = [&](const char* of, int64_t part) {
            return Weights::Piece{block_name(number, fmt::format("attn1.{}.{}", of, *rest)), {part}};
        };
        weights.cut(stored, 3, {piece("to_q", 0), piece("to_k", 1), piece("to_v", 2)});
    } else if (const auto modulation = behind(name, kModulations)) {
        const auto [number, inside] = numbered(*modulation);
        const std::string kind = numbered(inside).second;  // behind the SiLU and the linear layer's own number
        weights.cut(stored, 12,
                    {{block_name(number, "norm1.linear." + kind), {0, 1, 2, 6, 7, 8}},
                     {block_name(number, "norm2.linear." + kind), {3, 4, 5, 9, 10, 11}}});
    }
}

void rename_transformer(Weights& weights) {
    for (const std::string& name : weights.names()) cut_fused(weights, name);
    weights.rename(transformer_name);
}

void keep_text_encoder(Weights&) {}

void rename_vae(Weights& weights) {
    const int64_t levels = count_blocks(weights, "decoder.up");
    weights.rename([&](const std::string& stored) { return vae_name(stored, levels); });
}

}  // namespace

const Dialect kOriginal = {.transformer = rename_transformer,
                           .text_encoder = keep_text_encoder,
                           .vae = rename_vae,
                           .transformer_mark = "patch_embed.text_proj.weight",
                           .vae_mark = "decoder.mid_block.resnets.0.norm1.conv_y.conv.weight",
                           .has_umt5 = false,
                           .transformer_sizes = transformer_sizes,
                           .vae_sizes = vae_sizes,
                           .config = nullptr};

std::optional<std::string> transformer_name(const std::string& stored) {
    const std::string name(without_prefix(stored));
    if (name.starts_with("mixins.pos_embed.freqs_")) return std::nullopt;  // rotary turns are computed
    if (name.starts_with("transformer.word_embeddings") || name.starts_with("transformer.position_embeddings"))
        return std::nullopt;
    if (const auto layer = behind(name, kLayers)) {
        const auto [number, inside] = numbered(*layer);
        return block_name(number, renamed(inside, kInBlocks));
    }
    for (const auto& [list, ours] : {Renaming{kQueryNorms, "norm_q"}, Renaming{kKeyNorms, "norm_k"}}) {
        if (const auto norm = behind(name, list)) {
            const auto [number, kind] = numbered(*norm);
            return block_name(number, fmt::format("attn1.{}.{}", ours, kind));
        }
    }
    return renamed(name, kBeginnings);
}

std::optional<std::string> vae_name(const std::string& stored, int64_t levels) {
    if (stored.starts_with("loss.")) return std::nullopt;
    const size_t half = stored.find('.') + 1;
    std::string inside = stored.substr(half);
    if (const auto down = behind(inside, "down.")) inside = "down_blocks." + *down;
    if (const auto up = behind(inside, "up.")) {
        const auto [number, rest] = numbered(*up);
        int64_t level = 0;
        std::from_chars(number.data(), number.data() + number.size(), level);
        inside = fmt::format("up_blocks.{}.{}", levels - 1 - level, rest);
    }
    for (const auto& [theirs, ours] : kInVae) {
        const size_t at = inside.find(theirs);
        const bool is_whole = at == 0 || (at != std::string::npos && inside[at - 1] == '.');
        if (is_whole) inside = inside.substr(0, at) + std::string(ours) + inside.substr(at + theirs.size());
    }
    return stored.substr(0, half) + inside;
}

}  // namespace kine::dit::cogvideox
