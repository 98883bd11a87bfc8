#include "dit/families/wan/names.h"

#include <array>
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

template <size_t count>
std::string renamed(const std::string& name, const std::array<Renaming, count>& table) {
    for (const auto& [theirs, ours] : table) {
        if (name.starts_with(theirs)) return std::string(ours) + name.substr(theirs.size());
    }
    if (name == "modulation") return "scale_shift_table";
    return name;
}

}  // namespace

std::optional<std::string> transformer_name(const std::string& stored) {
    constexpr std::string_view kComfy = "model.diffusion_model.";
    constexpr std::string_view kBlocks = "blocks.";
    const std::string name = stored.starts_with(kComfy) ? stored.substr(kComfy.size()) : stored;
    if (name == "head.modulation") return "scale_shift_table";
    if (!name.starts_with(kBlocks)) return renamed(name, kBeginnings);
    const size_t inside = name.find('.', kBlocks.size());
    if (inside == std::string::npos) return name;
    return name.substr(0, inside + 1) + renamed(name.substr(inside + 1), kInBlocks);
}

}  // namespace kine::dit::wan
