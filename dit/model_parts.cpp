#include "dit/model_parts.h"

#include "dit/families/families.h"
#include "runtime/io/torch_file.h"

#include <algorithm>
#include <map>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepest = 3;
constexpr size_t kMostFiles = 1000;

/// A tensor, or ending in a point a module, that only one model's transformer has.
struct Mark {
    std::string_view tensor;
    std::string_view model;
};

// Those whose marks others have too stand behind them. Wan's descendants have all of its tensors, and some more.
constexpr Mark kForeign[] = {
    {"generator_ema.", "Self-Forcing, a Wan that makes frames one after the other"},
    {"vace_blocks.", "Wan VACE"},
    {"vace_patch_embedding.", "Wan VACE"},
    {"face_adapter.", "Wan 2.2 Animate"},
    {"pose_patch_embedding.", "Wan 2.2 Animate"},
    {"casual_audio_encoder.", "Wan 2.2 S2V"},
    {"audio_injector.", "Wan 2.2 S2V"},
    {"audio_proj.", "Wan HuMo"},
    {"control_adapter.", "Wan Fun camera control"},
    {"ref_conv.", "Wan Fun control"},
    {"blocks.0.cross_attn.k_img.weight", "Wan image to video"},
    {"blocks.0.attn2.add_k_proj.weight", "Wan image to video"},
    {"img_emb.", "Wan image to video"},
    {"condition_embedder.image_embedder.", "Wan image to video"},
    {"byt5_in.fc1.weight", "HunyuanVideo 1.5"},
    {"txt_in.individual_token_refiner.blocks.0.norm1.weight", "HunyuanVideo"},
    {"context_embedder.token_refiner.refiner_blocks.0.norm1.weight", "HunyuanVideo"},
    {"audio_patchify_proj.weight", "LTX-2"},
    {"patchify_proj.weight", "LTX-Video"},
    {"t5_yproj.weight", "Mochi"},
    {"blocks.0.attn.qkv_x.weight", "Mochi"},
    {"double_blocks.0.img_attn.q_proj.weight", "Open-Sora 2.0"},
    {"double_blocks.0.img_attn.qkv.weight", "Flux, or a model made of its blocks"},
    {"spatial_blocks.0.attn.qkv.weight", "Open-Sora 1.2 outside a diffusers directory"},
    {"blocks.0.attn_temp.qkv.weight", "Open-Sora 1.0"},
    {"blocks.0.cross_attn.kv_linear.weight", "Open-Sora 1.0 or PixArt"},
};

bool has_mark(const Weights& weights, std::string_view mark) {
    if (!mark.ends_with('.')) return weights.contains(std::string(mark));
    return std::ranges::any_of(weights.names(), [&](const std::string& name) { return name.starts_with(mark); });
}

/// "a-00001-of-00004" -> "a".
std::string without_shard(const std::string& stem) {
    const size_t of = stem.rfind("-of-");
    const size_t number = of == std::string::npos ? std::string::npos : stem.rfind('-', of - 1);
    return number == std::string::npos ? stem : stem.substr(0, number);
}

std::map<std::string, WeightGroup> files_by_name(const fs::path& root) {
    std::map<std::string, WeightGroup> groups;
    size_t count = 0;
    std::error_code ignored;
    const auto options = fs::directory_options::skip_permission_denied;
    for (auto place = fs::recursive_directory_iterator(root, options); place != fs::recursive_directory_iterator();
         ++place) {
        if (place.depth() >= kDeepest) place.disable_recursion_pending();
        if (!is_weight_file(place->path()) || !place->is_regular_file(ignored)) continue;
        check(++count <= kMostFiles, ErrorCode::BadInput, "{}: has more than {} weight files, expected a model",
              root.string(), kMostFiles);
        const fs::path relative = place->path().lexically_relative(root);
        const std::string name = (relative.parent_path() / without_shard(relative.stem().string())).generic_string();
        groups[name].files.push_back(place->path());
    }
    return groups;
}

bool is_umt5(const Weights& weights) {
    return weights.contains("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight");
}

/// Whether the group is that part of that family.
bool recognise(WeightGroup& group, const Family& family) {
    const Dialect& dialect = *family.original;
    const auto has = [&](Role role, std::string_view mark) {
        return open_group(group, dialect, role).contains(std::string(mark));
    };
    if (has(Role::Transformer, dialect.transformer_mark))
        group.role = Role::Transformer;
    else if (has(Role::Vae, dialect.vae_mark))
        group.role = Role::Vae;
    else
        return false;
    group.family = &family;
    return true;
}

bool recognise_text(WeightGroup& group, const Family& family) {
    const Weights weights = open_group(group, *family.original, Role::TextEncoder);
    if (!weights.contains("encoder.block.0.layer.0.SelfAttention.q.weight")) return false;
    group.role = Role::TextEncoder;
    group.is_umt5 = is_umt5(weights);
    group.is_any_t5 = !weights.contains("encoder.block.1.layer.0.SelfAttention.q.weight");
    return true;
}

/// Small matrices that are to be added to a model's, in the names of diffusers and of training programs.
bool is_adapter(const Weights& weights) {
    return std::ranges::any_of(weights.names(), [](const std::string& name) {
        return name.find(".lora_A.") != std::string::npos || name.find(".lora_down.") != std::string::npos;
    });
}

std::string foreign_of(const WeightGroup& group) {
    Weights weights = Weights::open_files(group.files);
    weights.rename([](const std::string& stored) { return std::string(without_prefix(stored)); });
    if (is_adapter(weights)) return "no model, a LoRA for one";
    for (const Mark& mark : kForeign) {
        if (has_mark(weights, mark.tensor)) return std::string(mark.model);
    }
    return "";
}

void classify(WeightGroup& group) {
    group.foreign = foreign_of(group);
    for (const Family& family : families()) {
        if (!family.original) continue;
        if (recognise(group, family) || recognise_text(group, family)) break;
    }
    const bool is_ours = group.role == Role::Transformer && !group.foreign.starts_with("Wan ");
    if (is_ours || group.role == Role::Vae || group.role == Role::TextEncoder) group.foreign.clear();
}

/// A damaged file matters only where something is missing without it, which then says so.
void try_to_classify(WeightGroup& group) {
    try {
        classify(group);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::BadInput && error.code() != ErrorCode::Unsupported) throw;
        group.unreadable = error.what();
    }
}

}  // namespace

bool is_weight_file(const fs::path& file) { return file.extension() == ".safetensors" || is_torch_file(file); }

bool holds(const WeightGroup& group, const fs::path& file) {
    return std::ranges::find(group.files, file) != group.files.end();
}

WeightGroup weight_group_of(const fs::path& file) {
    std::error_code ignored;
    check(fs::is_regular_file(file, ignored), ErrorCode::BadInput, "'{}': no such file", file.string());
    WeightGroup group;
    group.name = without_shard(file.stem().string());
    for (const fs::directory_entry& other : fs::directory_iterator(file.parent_path(), ignored)) {
        const fs::path& path = other.path();
        if (is_weight_file(path) && without_shard(path.stem().string()) == group.name) group.files.push_back(path);
    }
    check(holds(group, file), ErrorCode::Unsupported, "'{}': expected .safetensors, .pt or .pth", file.string());
    std::ranges::sort(group.files);
    try_to_classify(group);
    return group;
}

Weights open_group(const WeightGroup& group, const Dialect& dialect, Role role) {
    Weights weights = Weights::open_files(group.files);
    if (role == Role::Transformer) dialect.transformer(weights);
    if (role == Role::TextEncoder) dialect.text_encoder(weights);
    if (role == Role::Vae) dialect.vae(weights);
    return weights;
}

std::string describe_weight_file(const fs::path& file) {
    WeightGroup group;
    group.files = {file};
    group.name = file.stem().string();
    try_to_classify(group);
    if (!group.foreign.empty()) return fmt::format("transformer of {}, which is not supported", group.foreign);
    if (group.role == Role::TextEncoder) return group.is_umt5 ? "UMT5 text encoder" : "T5 text encoder";
    if (!group.family) return "";
    const bool is_transformer = group.role == Role::Transformer;
    const Dialect& dialect = *group.family->original;
    const std::string_view mark = is_transformer ? dialect.transformer_mark : dialect.vae_mark;
    return fmt::format("{} of {}, {} names", is_transformer ? "transformer" : "VAE", group.family->name,
                       Weights::open_files({file}).contains(std::string(mark)) ? "diffusers" : "original");
}

void check_shards(const WeightGroup& group) {
    const std::string stem = group.files.front().stem().string();
    const size_t of = stem.rfind("-of-");
    if (of == std::string::npos || without_shard(stem) == stem) return;
    const std::string count = stem.substr(of + 4);
    const bool is_number = !count.empty() && count.find_first_not_of("0123456789") == std::string::npos;
    check(!is_number || count.size() > 6 || std::stoul(count) == group.files.size(), ErrorCode::BadInput,
          "'{}': {} of {} files are there, expected all of {}", group.name, group.files.size(), count,
          group.files.front().filename().string());
}

std::vector<WeightGroup> weight_groups(const fs::path& root) {
    std::vector<WeightGroup> groups;
    for (auto& [name, group] : files_by_name(root)) {
        group.name = name;
        std::sort(group.files.begin(), group.files.end());
        try_to_classify(group);
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace kine::dit
