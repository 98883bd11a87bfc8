#include "tests/dit/other_layouts.h"

#include "runtime/io/json.h"
#include "runtime/io/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/torch_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

constexpr const char* kStored = "diffusion_pytorch_model.safetensors";

Tensors tensors_of(const fs::path& file) {
    const SafetensorsFile stored = SafetensorsFile::open(file);
    Tensors tensors;
    for (const auto& [name, entry] : stored.entries()) tensors[name] = stored.tensor(name);
    return tensors;
}

/// Ours -> theirs, a table of its own: the first pattern that matches a whole name is replaced.
using Inverse = std::vector<std::pair<const char*, const char*>>;

std::string theirs(const std::string& ours, const Inverse& inverse) {
    for (const auto& [pattern, replacement] : inverse) {
        const std::regex whole(pattern);
        if (std::regex_match(ours, whole)) return std::regex_replace(ours, whole, replacement);
    }
    ADD_FAILURE() << "the test's table lacks " << ours;
    return ours;
}

Tensors renamed(const Tensors& tensors, const Inverse& inverse, const std::string& prefix = "") {
    Tensors result;
    for (const auto& [name, tensor] : tensors) result[prefix + theirs(name, inverse)] = tensor;
    return result;
}

const Inverse kWanTransformer = {
    {R"(condition_embedder\.time_embedder\.linear_1\.(.*))", "time_embedding.0.$1"},
    {R"(condition_embedder\.time_embedder\.linear_2\.(.*))", "time_embedding.2.$1"},
    {R"(condition_embedder\.text_embedder\.linear_1\.(.*))", "text_embedding.0.$1"},
    {R"(condition_embedder\.text_embedder\.linear_2\.(.*))", "text_embedding.2.$1"},
    {R"(condition_embedder\.time_proj\.(.*))", "time_projection.1.$1"},
    {R"(proj_out\.(.*))", "head.head.$1"},
    {R"(scale_shift_table)", "head.modulation"},
    {R"((blocks\.\d+)\.scale_shift_table)", "$1.modulation"},
    {R"((blocks\.\d+)\.attn1\.to_([qkv])\.(.*))", "$1.self_attn.$2.$3"},
    {R"((blocks\.\d+)\.attn2\.to_([qkv])\.(.*))", "$1.cross_attn.$2.$3"},
    {R"((blocks\.\d+)\.attn1\.to_out\.0\.(.*))", "$1.self_attn.o.$2"},
    {R"((blocks\.\d+)\.attn2\.to_out\.0\.(.*))", "$1.cross_attn.o.$2"},
    {R"((blocks\.\d+)\.attn1\.(norm_.*))", "$1.self_attn.$2"},
    {R"((blocks\.\d+)\.attn2\.(norm_.*))", "$1.cross_attn.$2"},
    {R"((blocks\.\d+)\.ffn\.net\.0\.proj\.(.*))", "$1.ffn.0.$2"},
    {R"((blocks\.\d+)\.ffn\.net\.2\.(.*))", "$1.ffn.2.$2"},
    {R"((blocks\.\d+)\.norm2\.(.*))", "$1.norm3.$2"},
    {R"(patch_embedding\.(.*))", "patch_embedding.$1"},
};

const Inverse kWanText = {
    {R"(shared\.weight)", "token_embedding.weight"},
    {R"(encoder\.final_layer_norm\.weight)", "norm.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.([qkvo])\.weight)", "blocks.$1.attn.$2.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.relative_attention_bias\.weight)",
     "blocks.$1.pos_embedding.embedding.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.0\.layer_norm\.weight)", "blocks.$1.norm1.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.1\.layer_norm\.weight)", "blocks.$1.norm2.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_0\.weight)", "blocks.$1.ffn.gate.0.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_1\.weight)", "blocks.$1.ffn.fc1.weight"},
    {R"(encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wo\.weight)", "blocks.$1.ffn.fc2.weight"},
};

/// Inside residual blocks, once their place is known.
const Inverse kResidual = {
    {R"((.*)\.norm1\.gamma)", "$1.residual.0.gamma"},       {R"((.*)\.conv1\.(.*))", "$1.residual.2.$2"},
    {R"((.*)\.norm2\.gamma)", "$1.residual.3.gamma"},       {R"((.*)\.conv2\.(.*))", "$1.residual.6.$2"},
    {R"((.*)\.conv_shortcut\.(.*))", "$1.shortcut.$2"},     {R"((.*\.(?:resample|time_conv)\..*))", "$1"},
    {R"((.*\.middle\.1\.(?:norm|to_qkv|proj)\..*))", "$1"},
};

/// The levels of 2.1's decoder are one list of `resnets` residual blocks and one upsampler each; 2.2 nests them.
std::string wan_vae_name(const std::string& ours, int64_t resnets, bool is_nested) {
    std::smatch parts;
    if (std::regex_match(ours, parts, std::regex(R"((post_)?quant_conv\.(.*))")))
        return (parts[1].matched ? "conv2." : "conv1.") + parts[2].str();
    if (std::regex_match(ours, parts, std::regex(R"((encoder|decoder)\.conv_in\.(.*))")))
        return parts[1].str() + ".conv1." + parts[2].str();
    if (std::regex_match(ours, parts, std::regex(R"((encoder|decoder)\.conv_out\.(.*))")))
        return parts[1].str() + ".head.2." + parts[2].str();
    if (std::regex_match(ours, parts, std::regex(R"((encoder|decoder)\.norm_out\.(.*))")))
        return parts[1].str() + ".head.0." + parts[2].str();
    if (std::regex_match(ours, parts, std::regex(R"((encoder|decoder)\.mid_block\.resnets\.(\d)(\..*))")))
        return theirs(parts[1].str() + ".middle." + (parts[2] == "0" ? "0" : "2") + parts[3].str(), kResidual);
    if (std::regex_match(ours, parts, std::regex(R"((encoder|decoder)\.mid_block\.attentions\.0(\..*))")))
        return parts[1].str() + ".middle.1" + parts[2].str();
    if (std::regex_match(ours, parts, std::regex(R"(encoder\.down_blocks\.(\d+)(\..*))")) && !is_nested)
        return theirs("encoder.downsamples." + parts[1].str() + parts[2].str(), kResidual);
    const std::regex level(
        R"((encoder|decoder)\.(?:up|down)_blocks\.(\d+)\.(resnets|upsamplers|upsampler|downsampler)(\.\d+)?(\..*))");
    EXPECT_TRUE(std::regex_match(ours, parts, level)) << ours;
    const int64_t own = std::stoll(parts[2]);
    const bool is_last = parts[3] != "resnets";
    const int64_t index = is_last ? resnets : std::stoll(parts[4].str().substr(1));
    const std::string list = parts[1] == "encoder" ? "downsamples" : "upsamples";
    const std::string place = is_nested ? fmt::format("{}.{}.{}.{}.{}", parts[1].str(), list, own, list, index)
                                        : fmt::format("{}.{}.{}", parts[1].str(), list, own * (resnets + 1) + index);
    return theirs(place + parts[5].str(), kResidual);
}

/// Queries, keys and values in one, both modulations in one: what the original repository stores.
void fuse(Tensors& tensors, Context& context, int blocks) {
    const auto take = [&](const std::string& name) {
        const Tensor tensor = tensors.at(name);
        tensors.erase(name);
        return tensor;
    };
    const auto stack = [&](const std::vector<Tensor>& parts) {
        Shape shape = parts[0].shape();
        shape.set(0, shape[0] * static_cast<int64_t>(parts.size()));
        Tensor result = Tensor::empty(context, shape, DType::Float32);
        auto* end = result.data<float>();
        for (const Tensor& part : parts) end = std::copy_n(part.data<float>(), part.elements(), end);
        return result;
    };
    const auto sixth = [](const Tensor& tensor, int64_t part) {
        const int64_t rows = tensor.dim(0) / 6;
        return tensor.slice(0, part * rows, (part + 1) * rows);
    };
    for (int i = 0; i < blocks; ++i) {
        const std::string ours = fmt::format("transformer_blocks.{}.", i);
        for (const std::string kind : {"weight", "bias"}) {
            tensors[fmt::format("transformer.layers.{}.attention.query_key_value.{}", i, kind)] =
                stack({take(ours + "attn1.to_q." + kind), take(ours + "attn1.to_k." + kind),
                       take(ours + "attn1.to_v." + kind)});
            const Tensor first = take(ours + "norm1.linear." + kind), second = take(ours + "norm2.linear." + kind);
            std::vector<Tensor> parts;
            for (const int64_t half : {0, 3}) {
                for (int64_t part = half; part < half + 3; ++part) parts.push_back(sixth(first, part));
                for (int64_t part = half; part < half + 3; ++part) parts.push_back(sixth(second, part));
            }
            tensors[fmt::format("mixins.adaln_layer.adaLN_modulations.{}.1.{}", i, kind)] = stack(parts);
        }
    }
}

const Inverse kCogVideoXTransformer = {
    {R"((transformer\.layers|mixins)\..*)", "$&"},
    {R"(time_embedding\.linear_1\.(.*))", "time_embed.0.$1"},
    {R"(time_embedding\.linear_2\.(.*))", "time_embed.2.$1"},
    {R"(patch_embed\.pos_embedding)", "mixins.pos_embed.pos_embedding"},
    {R"(patch_embed\.(.*))", "mixins.patch_embed.$1"},
    {R"(norm_final\.(.*))", "transformer.final_layernorm.$1"},
    {R"(norm_out\.norm\.(.*))", "mixins.final_layer.norm_final.$1"},
    {R"(norm_out\.linear\.(.*))", "mixins.final_layer.adaLN_modulation.1.$1"},
    {R"(proj_out\.(.*))", "mixins.final_layer.linear.$1"},
    {R"(transformer_blocks\.(\d+)\.norm1\.norm\.(.*))", "transformer.layers.$1.input_layernorm.$2"},
    {R"(transformer_blocks\.(\d+)\.norm2\.norm\.(.*))", "transformer.layers.$1.post_attention_layernorm.$2"},
    {R"(transformer_blocks\.(\d+)\.attn1\.norm_q\.(.*))", "mixins.adaln_layer.query_layernorm_list.$1.$2"},
    {R"(transformer_blocks\.(\d+)\.attn1\.norm_k\.(.*))", "mixins.adaln_layer.key_layernorm_list.$1.$2"},
    {R"(transformer_blocks\.(\d+)\.attn1\.to_out\.0\.(.*))", "transformer.layers.$1.attention.dense.$2"},
    {R"(transformer_blocks\.(\d+)\.ff\.net\.0\.proj\.(.*))", "transformer.layers.$1.mlp.dense_h_to_4h.$2"},
    {R"(transformer_blocks\.(\d+)\.ff\.net\.2\.(.*))", "transformer.layers.$1.mlp.dense_4h_to_h.$2"},
};

const Inverse kCogVideoXVae = {
    {R"((encoder|decoder)\.(conv_in|conv_out|norm_out)\.(.*))", "$1.$2.$3"},
    {R"((encoder|decoder)\.mid_block\.resnets\.0\.(.*))", "$1.mid.block_1.$2"},
    {R"((encoder|decoder)\.mid_block\.resnets\.1\.(.*))", "$1.mid.block_2.$2"},
    {R"(encoder\.down_blocks\.(\d)\.downsamplers\.0\.(.*))", "encoder.down.$1.downsample.$2"},
    {R"(encoder\.down_blocks\.(\d)\.resnets\.(\d)\.conv_shortcut\.(.*))", "encoder.down.$1.block.$2.nin_shortcut.$3"},
    {R"(encoder\.down_blocks\.(\d)\.resnets\.(.*))", "encoder.down.$1.block.$2"},
    {R"(decoder\.up_blocks\.(\d)\.upsamplers\.0\.(.*))", "decoder.up.[$1].upsample.$2"},
    {R"(decoder\.up_blocks\.(\d)\.resnets\.(\d)\.conv_shortcut\.(.*))", "decoder.up.[$1].block.$2.nin_shortcut.$3"},
    {R"(decoder\.up_blocks\.(\d)\.resnets\.(.*))", "decoder.up.[$1].block.$2"},
};

/// "up.[1]" of four levels -> "up.2": there levels are counted from the picture.
std::string from_the_picture(std::string name) {
    const size_t at = name.find('[');
    if (at != std::string::npos) name.replace(at, 3, std::string(1, static_cast<char>('0' + 3 - (name[at + 1] - '0'))));
    return name;
}

}  // namespace

void write_preset(const fs::path& model, const fs::path& root) {
    const Json index = read_json(model / "model_index.json");
    Json preset = {{"name", "small"}, {"dtype", "f32"}, {"defaults", Json::object()}, {"model_index", index}};
    for (const auto& [part, entry] : index.items()) {
        if (!entry.is_array() || part == "tokenizer" || entry[0].is_null()) continue;
        const char* file = part == "scheduler" ? "scheduler_config.json" : "config.json";
        preset[part] = read_json(model / part / file);
    }
    fs::create_directories(root);
    std::ofstream(root / "preset.json") << preset.dump();
}

void write_tensors(const fs::path& file, const Tensors& tensors) {
    fs::create_directories(file.parent_path());
    write_safetensors(file, tensors);
}

Tensors wan_vae_tensors(const fs::path& model) {
    Tensors result;
    for (const auto& [name, tensor] : tensors_of(model / "vae" / kStored))
        result[wan_vae_name(name, 2, false)] = tensor;
    return result;
}

fs::path wan_original(Context&, const fs::path& model, const fs::path& root) {
    for (const auto& [part, folder] :
         {std::pair{"transformer", "high_noise_model"}, std::pair{"transformer_2", "low_noise_model"}})
        write_tensors(root / folder / kStored, renamed(tensors_of(model / part / kStored), kWanTransformer));
    write_tensors(root / "models_t5_umt5-xxl-enc-bf16.safetensors",
                  renamed(tensors_of(model / "text_encoder" / "model.safetensors"), kWanText));
    write_tensors(root / "Wan2.1_VAE.safetensors", wan_vae_tensors(model));
    fs::create_directories(root / "google");
    fs::copy(model / "tokenizer", root / "google" / "umt5-xxl", fs::copy_options::recursive);
    return root;
}

fs::path wan_pickled(Context& context, const fs::path& model, const fs::path& root) {
    wan_original(context, model, root);
    for (const char* name : {"models_t5_umt5-xxl-enc-bf16", "Wan2.1_VAE"}) {
        const fs::path file = root / fmt::format("{}.safetensors", name);
        std::ofstream(root / fmt::format("{}.pth", name), std::ios::binary) << torch_bytes(tensors_of(file));
        fs::remove(file);
    }
    return root;
}

fs::path wan_comfy(Context& context, const fs::path& model, const fs::path& root) {
    const std::string prefix = "model.diffusion_model.";
    for (const auto& [part, noise] : {std::pair{"transformer", "high"}, std::pair{"transformer_2", "low"}})
        write_tensors(root / "diffusion_models" / fmt::format("wan2.2_t2v_{}_noise_14B_fp16.safetensors", noise),
                      renamed(tensors_of(model / part / kStored), kWanTransformer, prefix));
    Tensors text = tensors_of(model / "text_encoder" / "model.safetensors");
    const std::string spiece = content_of(model / "tokenizer" / "spiece.model");
    const std::vector<uint8_t> bytes(spiece.begin(), spiece.end());
    text["spiece_model"] = Tensor::of<uint8_t>(context, {static_cast<int64_t>(bytes.size())}, bytes);
    write_tensors(root / "text_encoders" / "umt5_xxl_fp16.safetensors", text);
    write_tensors(root / "vae" / "wan_2.1_vae.safetensors", wan_vae_tensors(model));
    return root / "diffusion_models" / "wan2.2_t2v_low_noise_14B_fp16.safetensors";
}

namespace {

Tensors cogvideox_transformer_tensors(const fs::path& model, Context& context) {
    Tensors transformer = tensors_of(model / "transformer" / kStored);
    fuse(transformer, context, 2);
    return renamed(transformer, kCogVideoXTransformer, "model.diffusion_model.");
}

Tensors cogvideox_vae_tensors(const fs::path& model) {
    Tensors vae;
    for (const auto& [name, tensor] : tensors_of(model / "vae" / kStored))
        vae[from_the_picture(theirs(name, kCogVideoXVae))] = tensor;
    return vae;
}

/// In place of the file, whose mapping stays whole.
void replace(const fs::path& file, const Tensors& tensors) {
    fs::remove(file);
    write_tensors(file, tensors);
}

}  // namespace

fs::path wan_renamed(Context&, const fs::path& model, const fs::path& root) {
    fs::copy(model, root, fs::copy_options::recursive);
    for (const char* part : {"transformer", "transformer_2"})
        replace(root / part / kStored, renamed(tensors_of(model / part / kStored), kWanTransformer));
    replace(root / "text_encoder" / "model.safetensors",
            renamed(tensors_of(model / "text_encoder" / "model.safetensors"), kWanText));
    replace(root / "vae" / kStored, wan_vae_tensors(model));
    return root;
}

fs::path cogvideox_renamed(Context& context, const fs::path& model, const fs::path& root) {
    fs::copy(model, root, fs::copy_options::recursive);
    replace(root / "transformer" / kStored, cogvideox_transformer_tensors(model, context));
    replace(root / "vae" / kStored, cogvideox_vae_tensors(model));
    return root;
}

fs::path cogvideox_original(Context& context, const fs::path& model, const fs::path& root) {
    write_tensors(root / "transformer" / "1000" / "mp_rank_00_model_states.safetensors",
                  cogvideox_transformer_tensors(model, context));
    write_tensors(root / "vae" / "3d-vae.safetensors", cogvideox_vae_tensors(model));
    fs::copy(model / "tokenizer", root / "t5-v1_1-xxl");
    fs::copy(model / "text_encoder", root / "t5-v1_1-xxl");
    return root;
}

}  // namespace kine::dit
