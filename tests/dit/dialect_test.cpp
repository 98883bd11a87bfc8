// Models as others lay them out: the original repositories' names, ComfyUI's single files, the Hugging Face cache.
#include "dit/families/families.h"
#include "dit/families/wan/names.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/inspection.h"
#include "dit/loaded_model.h"
#include "dit/model_parts.h"
#include "dit/model_places.h"
#include "runtime/io/safetensors.h"
#include "tests/dit/denoise.h"
#include "tests/dit/other_layouts.h"
#include "tests/dit/warnings.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

namespace kine::dit {
namespace {

namespace fs = std::filesystem;

fs::path golden(const char* name) { return source_tree() / "tests" / "golden" / name; }

struct OtherLayout {
    std::string name;
    const char* golden_case;
    /// Writes the case's model into `root` in that layout, and says what to open.
    fs::path (*lay_out)(Context& context, const fs::path& model, const fs::path& root);
    const char* dialect;
};

std::ostream& operator<<(std::ostream& out, const OtherLayout& layout) { return out << layout.name; }

class InAnotherLayout : public testing::TestWithParam<OtherLayout> {};

std::vector<Tensor> run(Context& context, const ModelSource& source, const Request& request) {
    return denoise(*Generator::open(context, source, {}), context, request);
}

TEST_P(InAnotherLayout, AModelGivesTheBitsOfItsDiffusersDirectory) {
    TestContext bundle;
    const TemporaryFolder folder;
    const fs::path model = golden(GetParam().golden_case) / "model", root = folder / "other";
    write_preset(model, root);
    const fs::path place = GetParam().lay_out(bundle.context, model, root);
    const ModelSource source = find_model(place.string());
    EXPECT_NE(source.dialect.find(GetParam().dialect), std::string::npos) << source.dialect;
    EXPECT_TRUE(source.missing.empty());
    Request request = GoldenCase(golden(GetParam().golden_case)).request();
    const std::vector<Tensor> expected = run(bundle.context, diffusers_source(model), request);
    const std::vector<Tensor> latents = run(bundle.context, source, request);
    ASSERT_EQ(latents.size(), expected.size());
    for (size_t step = 0; step < expected.size(); ++step)
        ASSERT_TRUE(same_bits(latents[step], expected[step])) << "step " << step;

    const auto decode = [&](const ModelSource& from) {
        LoadedModel loaded(bundle.context, from, {});
        loaded.load_all(bundle.context);
        std::vector<Tensor> frames;
        loaded.model().decoder->decode(bundle.context, expected.back(), {}, {},
                                       [&](const Tensor& chunk) { frames.push_back(chunk); });
        return frames;
    };
    const auto theirs = decode(source), ours = decode(diffusers_source(model));
    ASSERT_EQ(theirs.size(), ours.size());
    for (size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(same_bits(theirs[i], ours[i])) << "chunk " << i;
}

INSTANTIATE_TEST_SUITE_P(Layouts, InAnotherLayout,
                         testing::Values(OtherLayout{"wan_original", "wan", wan_original, "original"},
                                         OtherLayout{"wan_pickled", "wan", wan_pickled, "original"},
                                         OtherLayout{"wan_comfy", "wan", wan_comfy, "comfy"},
                                         OtherLayout{"wan_in_diffusers_folders", "wan", wan_renamed, "diffusers"},
                                         OtherLayout{"cogvideox_in_diffusers_folders", "cogvideox_2b",
                                                     cogvideox_renamed, "diffusers"},
                                         OtherLayout{"cogvideox_image", "cogvideox", cogvideox_original, "original"},
                                         OtherLayout{"cogvideox_2b", "cogvideox_2b", cogvideox_original, "original"}),
                         [](const auto& row) { return row.param.name; });

class WanOriginal : public testing::Test {
  protected:
    WanOriginal() {
        write_preset(golden("wan") / "model", root);
        wan_original(bundle.context, golden("wan") / "model", root);
    }

    ErrorCode refusal(const std::string& part) const {
        try {
            open_model(bundle.context, {find_model(root.string())});
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
            return error.code();
        }
        ADD_FAILURE() << "was opened";
        return ErrorCode::Ok;
    }

    mutable TestContext bundle;
    TemporaryFolder folder;
    fs::path root = folder / "other";
};

TEST_F(WanOriginal, SaysWhatIsMissingAndInspectsTheRest) {
    fs::remove(root / "Wan2.1_VAE.safetensors");
    std::ofstream(root / "Wan2.1_VAE.pth") << "a pickle";
    EXPECT_EQ(refusal("the VAE is missing"), ErrorCode::BadInput);
    EXPECT_EQ(refusal("Wan2.1_VAE.pth: is no zip archive"), ErrorCode::BadInput);
    const Json report = inspect_model(bundle.context, find_model(root.string()));
    EXPECT_EQ(report["family"], "wan");
    EXPECT_TRUE(report["dialect"].get<std::string>().starts_with("original")) << report.dump();
    ASSERT_EQ(report["problems"].size(), 1u) << report.dump();
    EXPECT_NE(report["problems"][0].get<std::string>().find("VAE is missing"), std::string::npos);
}

TEST_F(WanOriginal, WantsBothExperts) {
    fs::remove_all(root / "low_noise_model");
    EXPECT_EQ(refusal("high_noise_model/diffusion_pytorch_model"), ErrorCode::BadInput);
}

TEST_F(WanOriginal, FindsExpertsByThePublishersNames) {
    const fs::path experts = root / "diffusion_models";
    fs::create_directories(experts);
    const auto rename = [&](const char* expert, const char* name) {
        for (const auto& file : fs::directory_iterator(root / expert))
            if (file.path().extension() == ".safetensors") fs::copy(file.path(), experts / name);
        fs::remove_all(root / expert);
    };
    rename("high_noise_model", "Wan2_2-T2V-A14B_HIGH_bf16.safetensors");
    rename("low_noise_model", "Wan2_2-T2V-A14B-LOW_bf16.safetensors");
    // A pair of another model beside them; which pair is meant, one of its files says.
    fs::copy(experts / "Wan2_2-T2V-A14B_HIGH_bf16.safetensors", experts / "other_high-noise.safetensors");
    fs::copy(experts / "Wan2_2-T2V-A14B-LOW_bf16.safetensors", experts / "other_low-noise.safetensors");
    EXPECT_EQ(refusal("holds 4 transformers"), ErrorCode::BadInput);
    const ModelSource source = find_model((experts / "Wan2_2-T2V-A14B-LOW_bf16.safetensors").string());
    EXPECT_TRUE(source.parts.at("transformer").weights.front().string().ends_with("A14B_HIGH_bf16.safetensors"));
    EXPECT_TRUE(source.parts.at("transformer_2").weights.front().string().ends_with("A14B-LOW_bf16.safetensors"));
    for (const char* name :
         {"other_high-noise.safetensors", "other_low-noise.safetensors", "Wan2_2-T2V-A14B_HIGH_bf16.safetensors"})
        fs::remove(experts / name);
    EXPECT_EQ(refusal("is one of two experts"), ErrorCode::BadInput);
}

TEST_F(WanOriginal, CountsTheFilesThatANameSaysThereAre) {
    const fs::path expert = root / "high_noise_model";
    fs::path whole;
    for (const auto& file : fs::directory_iterator(expert))
        if (file.path().extension() == ".safetensors") whole = file.path();
    fs::rename(whole, expert / "diffusion_pytorch_model-00001-of-00002.safetensors");
    EXPECT_EQ(refusal("1 of 00002 files are there"), ErrorCode::BadInput);
}

/// Tensors alone do not tell that the last blocks are gone.
TEST_F(WanOriginal, MissesTheBlocksThatItsConfigurationHas) {
    const Json wanted = read_json(golden("wan") / "model" / "transformer" / "config.json");
    fs::remove(root / "preset.json");
    std::ofstream(root / "high_noise_model" / "config.json")
        << Json({{"_class_name", "WanModel"},
                 {"dim", wanted["attention_head_dim"].get<int>() * wanted["num_attention_heads"].get<int>()},
                 {"num_heads", wanted["num_attention_heads"]},
                 {"num_layers", wanted["num_layers"].get<int>() + 1}});
    EXPECT_EQ(refusal("num_layers 3"), ErrorCode::BadInput);
}

/// They would make it another model, of which nobody has told us.
TEST_F(WanOriginal, WarnsOfTensorsThatATransformerHasBesides) {
    fs::path file;
    for (const auto& entry : fs::directory_iterator(root / "high_noise_model"))
        if (entry.path().extension() == ".safetensors") file = entry.path();
    Tensors tensors;
    {
        const SafetensorsFile stored = SafetensorsFile::open(file);
        for (const auto& [name, entry] : stored.entries()) tensors[name] = stored.tensor(name);
    }
    Request request = GoldenCase(golden("wan")).request();
    request.steps = 1;
    const auto warnings = [&] {
        return warnings_of(*Generator::open(bundle.context, find_model(root.string()), {}), bundle.context, request);
    };
    EXPECT_TRUE(warnings().empty());
    tensors["strange.weight"] = Tensor::zeros(bundle.context, {2, 2}, DType::Float32);
    write_tensors(file, tensors);
    const std::vector<std::string> lines = warnings();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("strange.weight"), std::string::npos) << lines[0];
}

TEST_F(WanOriginal, FilesSayWhatTheyAre) {
    for (const auto& entry : fs::directory_iterator(root / "high_noise_model")) {
        if (entry.path().extension() != ".safetensors") continue;
        EXPECT_EQ(describe_weight_file(entry.path()), "transformer of wan, original names");
    }
    EXPECT_EQ(describe_weight_file(root / "Wan2.1_VAE.safetensors"), "VAE of wan, original names");
    const std::string text = describe_weight_file(root / "models_t5_umt5-xxl-enc-bf16.safetensors");
    EXPECT_TRUE(text.ends_with("T5 text encoder")) << text;
    write_tensors(folder / "any.safetensors", {{"x", Tensor::zeros(bundle.context, {2, 2}, DType::Float32)}});
    EXPECT_EQ(describe_weight_file(folder / "any.safetensors"), "");
}

/// For plans, from configurations alone: two experts, and a VAE that is not the published one.
TEST(ConfigurationsOnly, SayHowManyTransformersThereAreAndWhatLiesBesideThem) {
    const TemporaryFolder folder;
    const auto write = [&](const fs::path& file, const Json& json) {
        fs::create_directories((folder / file.string()).parent_path());
        std::ofstream(folder / file.string()) << json;
    };
    const Json theirs = {
        {"_class_name", "WanModel"}, {"dim", 5120}, {"ffn_dim", 13824}, {"num_heads", 40}, {"num_layers", 40}};
    for (const char* level : {"high", "low"}) write(fmt::format("a14/{}_noise_model/config.json", level), theirs);
    EXPECT_TRUE(find_model((folder / "a14").string()).parts.contains("transformer_2"));
    const fs::path model = golden("wan") / "model";
    for (const char* part : {"transformer", "vae"})
        write(fmt::format("diffusers/{}/config.json", part), read_json(model / part / "config.json"));
    const ModelSource source = find_model((folder / "diffusers").string());
    EXPECT_EQ(source.config("vae", ""), read_json(model / "vae" / "config.json"));
}

TEST_F(WanOriginal, IsNotDisturbedByADamagedNeighbour) {
    std::ofstream(root / "notes.safetensors", std::ios::binary) << "no safetensors";
    EXPECT_TRUE(find_model(root.string()).missing.empty());
}

TEST_F(WanOriginal, NamesAFileOfAKindThatWeLack) {
    std::ofstream(root / "wan.gguf") << "GGUF";
    try {
        find_model((root / "wan.gguf").string());
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_NE(std::string(error.what()).find("wan.gguf: expected"), std::string::npos) << error.what();
    }
}

TEST_F(WanOriginal, DoesNotGuessWhichOfTwoVaesIsMeant) {
    fs::copy(root / "Wan2.1_VAE.safetensors", root / "another.safetensors");
    EXPECT_EQ(refusal("2 files that could be the VAE"), ErrorCode::BadInput);
    const ModelSource source = find_model(root.string(), {}, {.vae = root / "another.safetensors", .text_encoder = {}});
    EXPECT_EQ(source.parts.at("vae").weights, std::vector<fs::path>{root / "another.safetensors"});
}

std::string refusal_of(const fs::path& place, const NamedFiles& named) {
    try {
        find_model(place.string(), {}, named);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::BadInput) << error.what();
        return error.what();
    }
    return "was opened";
}

TEST_F(WanOriginal, TakesPartsFromFilesThatAreNamed) {
    const fs::path elsewhere = folder / "elsewhere.safetensors", model = golden("wan") / "model";
    fs::copy(root / "Wan2.1_VAE.safetensors", elsewhere);
    for (const fs::path& place : {root, model}) {
        const ModelSource source = find_model(place.string(), {}, {.vae = elsewhere, .text_encoder = {}});
        EXPECT_EQ(source.parts.at("vae").weights, std::vector<fs::path>{elsewhere});
        const std::unique_ptr<Model> opened = load_model(bundle.context, source, DType::Float32);
        EXPECT_GT(opened->weights[Stage::Decode], 0) << "original names, in a diffusers directory too";
        EXPECT_NE(refusal_of(place, {.vae = folder / "nothing", .text_encoder = {}}).find("no such file"),
                  std::string::npos);
    }
    const std::string refusal = refusal_of(root, {.vae = {}, .text_encoder = elsewhere});
    EXPECT_NE(refusal.find("is no text encoder for this wan"), std::string::npos) << refusal;
}

/// The weight of eight bits that is nearest to `value`, as its bits.
uint8_t nearest_small(float value) {
    uint8_t nearest = 0;
    for (uint8_t bits = 0; bits < 0x7f; ++bits) {
        const float candidate = Float8E4M3{bits}, best = Float8E4M3{nearest};
        if (std::abs(candidate - std::abs(value)) < std::abs(best - std::abs(value))) nearest = bits;
    }
    return static_cast<uint8_t>(nearest | (value < 0 ? 0x80 : 0));
}

/// Matrices in eight bits, each with a scale, and what these bits mean in 32.
struct SmallWeights {
    Tensors small, wide;
};

SmallWeights in_eight_bits(const Context& context, const fs::path& file) {
    SmallWeights both;
    const SafetensorsFile stored = SafetensorsFile::open(file);
    for (const auto& [name, entry] : stored.entries()) {
        const Tensor tensor = stored.tensor(name);
        both.small[name] = both.wide[name] = tensor;
        if (tensor.rank() != 2 || !name.ends_with(".weight")) continue;
        const float scale = 1.0f / 37;
        Tensor small = Tensor::empty(context, tensor.shape(), DType::Float8E4M3);
        Tensor wide = Tensor::empty(context, tensor.shape(), DType::Float32);
        for (int64_t i = 0; i < tensor.elements(); ++i) {
            small.data<Float8E4M3>()[i].bits = nearest_small(tensor.data<float>()[i] / scale);
            wide.data<float>()[i] = small.data<Float8E4M3>()[i] * scale;
        }
        both.small[name] = small;
        both.small[name.substr(0, name.rfind('.')) + ".scale_weight"] = Tensor::of<float>(context, {}, {{scale}});
        both.wide[name] = wide;
    }
    both.small["scaled_fp8"] = Tensor::zeros(context, {2}, DType::Float8E4M3);
    return both;
}

TEST(ComfyFiles, OfEightBitsAreWidenedByTheirScales) {
    TestContext bundle;
    const TemporaryFolder folder;
    const fs::path model = golden("wan") / "model", root = folder / "comfy";
    write_preset(model, root);
    const fs::path place = wan_comfy(bundle.context, model, root);
    std::vector<SmallWeights> weights;
    std::vector<fs::path> files = {root / "text_encoders" / "umt5_xxl_fp16.safetensors"};
    for (const auto& file : fs::directory_iterator(root / "diffusion_models")) files.push_back(file.path());
    for (const fs::path& file : files) weights.push_back(in_eight_bits(bundle.context, file));
    const auto latents_of = [&](Tensors SmallWeights::*which) {
        for (size_t i = 0; i < files.size(); ++i) {
            fs::remove(files[i]);
            write_tensors(files[i], weights[i].*which);
        }
        Request request = GoldenCase(golden("wan")).request();
        return run(bundle.context, find_model(place.string()), request).back();
    };
    const Tensor wide = latents_of(&SmallWeights::wide), small = latents_of(&SmallWeights::small);
    EXPECT_TRUE(same_bits(small, wide));
}

TEST_F(WanOriginal, OfSizesThatNobodyPublishedTakesThemFromItsConfigurationAndTensors) {
    fs::remove(root / "preset.json");
    const fs::path model = golden("wan") / "model";
    Json wanted = read_json(model / "transformer" / "config.json");
    std::ofstream(root / "high_noise_model" / "config.json")  // tensors do not tell how many heads there are
        << Json({{"_class_name", "WanModel"},
                 {"dim", wanted["attention_head_dim"].get<int>() * wanted["num_attention_heads"].get<int>()},
                 {"num_heads", wanted["num_attention_heads"]}});
    const ModelSource source = find_model(root.string());
    for (const auto& [part, keys] : std::map<std::string, std::vector<const char*>>{
             {"transformer",
              {"num_attention_heads", "attention_head_dim", "ffn_dim", "num_layers", "in_channels", "out_channels",
               "text_dim", "freq_dim", "patch_size"}},
             {"text_encoder", {"d_model", "d_ff", "d_kv", "num_heads", "num_layers", "vocab_size"}},
             {"vae", {"base_dim", "z_dim", "dim_mult", "num_res_blocks"}}}) {
        wanted = read_json(model / part / "config.json");
        for (const char* key : keys) EXPECT_EQ(source.config(part, "")[key], wanted[key]) << part << " " << key;
    }
}

TEST_F(WanOriginal, ReportsADamagedFileByName) {
    std::ofstream(root / "Wan2.1_VAE.safetensors", std::ios::binary) << "no safetensors";
    EXPECT_EQ(refusal("Wan2.1_VAE.safetensors"), ErrorCode::BadInput);
}

TEST_F(WanOriginal, NamesATensorThatDoesNotFit) {
    Tensors vae = wan_vae_tensors(golden("wan") / "model");
    vae["decoder.head.2.weight"] = vae["decoder.head.2.bias"];
    write_tensors(root / "Wan2.1_VAE.safetensors", vae);
    EXPECT_EQ(refusal("decoder.conv_out.weight"), ErrorCode::BadInput);
}

TEST(WanVaeNames, OfWan22AreNested) {
    const std::pair<const char*, const char*> names[] = {
        {"decoder.upsamples.0.upsamples.1.residual.6.bias", "decoder.up_blocks.0.resnets.1.conv2.bias"},
        {"decoder.upsamples.0.upsamples.3.time_conv.weight", "decoder.up_blocks.0.upsampler.time_conv.weight"},
        {"decoder.upsamples.3.upsamples.0.shortcut.weight", "decoder.up_blocks.3.resnets.0.conv_shortcut.weight"},
        {"encoder.downsamples.1.downsamples.2.resample.1.bias", "encoder.down_blocks.1.downsampler.resample.1.bias"},
        {"encoder.middle.2.residual.3.gamma", "encoder.mid_block.resnets.1.norm2.gamma"},
        {"encoder.middle.1.to_qkv.weight", "encoder.mid_block.attentions.0.to_qkv.weight"},
    };
    for (const auto& [stored, ours] : names) {
        EXPECT_EQ(wan::vae_name(stored, 64), ours);
        EXPECT_EQ(wan::vae_name(ours, 64), ours) << "names of ours stay";
    }
}

/// A transformer that only one model has; the tensor is enough to name it.
struct Foreign {
    const char* tensor;
    const char* model;
};

class ForeignCheckpoint : public testing::TestWithParam<Foreign> {};

TEST_P(ForeignCheckpoint, IsRefusedByItsName) {
    TestContext bundle;
    const TemporaryFolder folder;
    for (const char* prefix : {"", "model.diffusion_model."}) {
        const Tensor any = Tensor::zeros(bundle.context, {2, 2}, DType::Float32);
        write_tensors(folder / "diffusion_models" / "model.safetensors",
                      {{std::string(prefix) + GetParam().tensor, any}});
        try {
            find_model(folder.path().string());
            FAIL() << "was taken for a model of ours";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Unsupported) << error.what();
            EXPECT_NE(std::string(error.what()).find(GetParam().model), std::string::npos) << error.what();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Models, ForeignCheckpoint,
    testing::Values(Foreign{"blocks.0.self_attn.q.lora_A.weight", "a LoRA"},
                    Foreign{"generator_ema.model.blocks.0.self_attn.q.weight", "Self-Forcing"},
                    Foreign{"txt_in.individual_token_refiner.blocks.0.norm1.weight", "HunyuanVideo"},
                    Foreign{"byt5_in.fc1.weight", "HunyuanVideo 1.5"}, Foreign{"patchify_proj.weight", "LTX-Video"},
                    Foreign{"audio_patchify_proj.weight", "LTX-2"}, Foreign{"t5_yproj.weight", "Mochi"},
                    Foreign{"double_blocks.0.img_attn.q_proj.weight", "Open-Sora 2.0"},
                    Foreign{"blocks.0.attn_temp.qkv.weight", "Open-Sora 1.0"},
                    Foreign{"vace_blocks.0.self_attn.q.weight", "Wan VACE"},
                    Foreign{"casual_audio_encoder.weights", "Wan 2.2 S2V"},
                    Foreign{"face_adapter.fuser_blocks.0.k_norm.weight", "Wan 2.2 Animate"},
                    Foreign{"control_adapter.conv.weight", "Wan Fun camera control"},
                    Foreign{"img_emb.emb_pos", "Wan image to video"}));

class PipelineWeLack : public testing::TestWithParam<const char*> {};

TEST_P(PipelineWeLack, IsRefusedByItsName) {
    const TemporaryFolder folder;
    folder.write("model_index.json", fmt::format(R"({{"_class_name": "{}"}})", GetParam()));
    TestContext bundle;
    try {
        open_model(bundle.context, {find_model(folder.path().string())});
        FAIL() << "was opened";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_NE(std::string(error.what()).find(GetParam()), std::string::npos) << error.what();
    }
}

INSTANTIATE_TEST_SUITE_P(Classes, PipelineWeLack,
                         testing::Values("HunyuanVideoPipeline", "LTXPipeline", "MochiPipeline", "AllegroPipeline",
                                         "WanImageToVideoPipeline", "WanVACEPipeline", "CogVideoXFunControlPipeline",
                                         "SanaVideoPipeline", "StableDiffusionXLPipeline"));

class HubCache : public testing::Test {
  protected:
    HubCache() {
        const fs::path repository = folder / "models--Wan-AI--small";
        fs::create_directories(repository / "snapshots");
        fs::copy(golden("wan") / "model", repository / "snapshots" / commit, fs::copy_options::recursive);
        folder.write("models--Wan-AI--small/refs/main", std::string(commit) + "\n");
    }

    std::string refusal_of(const std::string& name) const {
        try {
            find_model(name, folder.path());
        } catch (const Error& error) {
            return fmt::format("{} {}", static_cast<int>(error.code()), error.what());
        }
        return "";
    }

    static constexpr const char* commit = "0123456789abcdef0123456789abcdef01234567";
    TemporaryFolder folder;
};

TEST_F(HubCache, IsLookedUpWithoutANetwork) {
    TestContext bundle;
    for (const std::string name :
         {"Wan-AI/small", "Wan-AI/small@main", "Wan-AI/small@0123456789abcdef0123456789abcdef01234567"}) {
        const ModelSource source = find_model(name, folder.path());
        EXPECT_EQ(source.root, folder / "models--Wan-AI--small/snapshots" / commit);
        EXPECT_EQ(open_model(bundle.context, {source})->family, "wan");
    }
}

TEST_F(HubCache, SaysHowToFetchWhatItLacks) {
    EXPECT_NE(refusal_of("Wan-AI/large").find("hf download Wan-AI/large"), std::string::npos);
    EXPECT_TRUE(refusal_of("Wan-AI/large").starts_with("3 "));
    EXPECT_NE(refusal_of("Wan-AI/small@v2").find("snapshot of 'v2'"), std::string::npos);
    EXPECT_NE(refusal_of("no-such-directory").find("no such directory"), std::string::npos);
    EXPECT_NE(refusal_of("../../etc/passwd-not-there").find("no such directory"), std::string::npos);
    folder.write("models--Wan-AI--small/refs/main", "../../../elsewhere");
    EXPECT_TRUE(refusal_of("Wan-AI/small").starts_with("3 ")) << "a reference is a commit, not a path";
}

}  // namespace
}  // namespace kine::dit
