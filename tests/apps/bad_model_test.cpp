// Model directories whose configurations or tokenizer must be refused: exit code, file and key named, nothing lost.
#include "runtime/io/json.h"
#include "tests/apps/support/refusal.h"

#include <gtest/gtest.h>

namespace kine::apps {
namespace {

constexpr int kBadInput = 3;
constexpr int kUnsupported = 4;
constexpr std::string_view kTextConfig = "text_encoder/config.json";
constexpr std::string_view kDecoderConfig = "vae/config.json";
constexpr std::string_view kScheduler = "scheduler/scheduler_config.json";
constexpr std::string_view kIndex = "model_index.json";
constexpr std::string_view kTokenizer = "tokenizer/spiece.model";

using Json = nlohmann::json;

void set(const ModelCopy& model, std::string_view file, const std::string& key, const Json& value) {
    model.edit_json(file, [&](Json& config) { config[key] = value; });
}

void drop(const ModelCopy& model, std::string_view file, const std::string& key) {
    model.edit_json(file, [&](Json& config) { config.erase(key); });
}

const std::vector<BadModel> kIndexes = {
    {"no such folder", [](const ModelCopy& m) { std::filesystem::remove_all(m.path()); }, kBadInput, {"kinescope-"}},
    {"an empty folder", [](const ModelCopy& m) { std::filesystem::remove(m / kIndex); }, kBadInput, {kIndex.data()}},
    {"index is empty", [](const ModelCopy& m) { m.write(kIndex, ""); }, kBadInput, {kIndex.data()}},
    {"index is cut",
     [](const ModelCopy& m) { m.write(kIndex, R"({"_class_name": "Lat)"); },
     kBadInput,
     {kIndex.data(), "JSON"}},
    {"index without a class",
     [](const ModelCopy& m) { drop(m, kIndex, "_class_name"); },
     kBadInput,
     {kIndex.data(), "_class_name"}},
    {"class is a number",
     [](const ModelCopy& m) { set(m, kIndex, "_class_name", 7); },
     kBadInput,
     {kIndex.data(), "_class_name"}},
    {"unknown pipeline",
     [](const ModelCopy& m) { set(m, kIndex, "_class_name", "HunyuanPipeline"); },
     kUnsupported,
     {"HunyuanPipeline", "LattePipeline"}},
    {"unknown transformer",
     [](const ModelCopy& m) {
         set(m, kIndex, "transformer", {"diffusers", "OtherModel"});
     },
     kUnsupported,
     {"OtherModel", "LatteTransformer3DModel"}},
    {"component is a number",
     [](const ModelCopy& m) { set(m, kIndex, "vae", 7); },
     kBadInput,
     {"model_index.json", "vae", "7"}},
    {"component without its folder",
     [](const ModelCopy& m) { std::filesystem::remove_all(m / "vae"); },
     kBadInput,
     {"vae"}},
};

const std::vector<BadModel> kTransformers = {
    {"missing key",
     [](const ModelCopy& m) { drop(m, kTransformerConfig, "num_attention_heads"); },
     kBadInput,
     {"transformer/config.json", "num_attention_heads"}},
    {"a text for a number",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "num_layers", "two"); },
     kBadInput,
     {"transformer/config.json", "num_layers", "two"}},
    {"a fraction for a count",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "num_layers", 2.5); },
     kBadInput,
     {"num_layers", "2.5"}},
    {"a list for a number",
     [](const ModelCopy& m) {
         set(m, kTransformerConfig, "patch_size", {1, 2, 2});
     },
     kBadInput,
     {"patch_size"}},
    {"negative",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "num_layers", -1); },
     kBadInput,
     {"num_layers", "-1"}},
    {"zero", [](const ModelCopy& m) { set(m, kTransformerConfig, "patch_size", 0); }, kBadInput, {"patch_size", "0"}},
    {"huge",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "sample_size", int64_t{1} << 60); },
     kBadInput,
     {"sample_size", "1152921504606846976"}},
    {"beyond 64 bits",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "num_layers", 1e30); },
     kBadInput,
     {"num_layers"}},
    {"heads x head size is another width",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "attention_head_dim", 16); },
     kBadInput,
     {"transformer/config.json", "cross_attention_dim", "40", "2 x head size 16"}},
    {"another kind of norm",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "norm_type", "layer_norm"); },
     kUnsupported,
     {"norm_type", "layer_norm", "ada_norm_single"}},
    {"config is a list",
     [](const ModelCopy& m) { m.write(kTransformerConfig, "[]"); },
     kBadInput,
     {"transformer/config.json", "object"}},
    {"config is deep",
     [](const ModelCopy& m) { m.write(kTransformerConfig, std::string(100'000, '[')); },
     kBadInput,
     {"transformer/config.json"}},
};

const std::vector<BadModel> kOtherParts = {
    {"T5: missing key",
     [](const ModelCopy& m) { drop(m, kTextConfig, "d_model"); },
     kBadInput,
     {"text_encoder/config.json", "d_model is missing"}},
    {"T5: heads", [](const ModelCopy& m) { set(m, kTextConfig, "num_heads", -3); }, kBadInput, {"num_heads", "-3"}},
    {"T5: other activation",
     [](const ModelCopy& m) { set(m, kTextConfig, "feed_forward_proj", "swish"); },
     kUnsupported,
     {"feed_forward_proj", "swish"}},
    {"T5: width unlike the transformer's",
     [](const ModelCopy& m) { set(m, kTransformerConfig, "caption_channels", 32); },
     kBadInput,
     {"24", "32"}},
    {"VAE: wrong type",
     [](const ModelCopy& m) { set(m, kDecoderConfig, "block_out_channels", "8"); },
     kBadInput,
     {"vae/config.json", "block_out_channels"}},
    {"VAE: groups do not divide",
     [](const ModelCopy& m) { set(m, kDecoderConfig, "norm_num_groups", 7); },
     kBadInput,
     {"vae/config.json", "norm_num_groups", "7"}},
    {"VAE: unknown block",
     [](const ModelCopy& m) {
         set(m, kDecoderConfig, "up_block_types", {"UpX", "UpDecoderBlock2D", "UpDecoderBlock2D"});
     },
     kUnsupported,
     {"vae/config.json", "UpX"}},
    {"VAE: scale of 0",
     [](const ModelCopy& m) { set(m, kDecoderConfig, "scaling_factor", 0); },
     kBadInput,
     {"vae/config.json", "scaling_factor"}},
    {"a scheduler we lack",
     [](const ModelCopy& m) { set(m, kScheduler, "_class_name", "PNDMScheduler"); },
     kUnsupported,
     {"PNDMScheduler", "ddim"}},
    {"scheduler: training steps",
     [](const ModelCopy& m) { set(m, kScheduler, "num_train_timesteps", 0); },
     kBadInput,
     {"scheduler_config.json", "num_train_timesteps", "0"}},
    {"scheduler: training steps, huge",
     [](const ModelCopy& m) { set(m, kScheduler, "num_train_timesteps", int64_t{1} << 40); },
     kBadInput,
     {"scheduler_config.json", "num_train_timesteps", "1099511627776"}},
    {"scheduler: unknown prediction",
     [](const ModelCopy& m) { set(m, kScheduler, "prediction_type", "guess"); },
     kBadInput,
     {"scheduler_config.json", "prediction_type", "guess"}},
    {"scheduler: a list",
     [](const ModelCopy& m) { m.write(kScheduler, "[]"); },
     kBadInput,
     {"scheduler_config.json", "object"}},
    {"scheduler: class is a number",
     [](const ModelCopy& m) { set(m, kScheduler, "_class_name", 7); },
     kBadInput,
     {"scheduler_config.json", "_class_name", "7"}},
    {"scheduler: no class",
     [](const ModelCopy& m) { drop(m, kScheduler, "_class_name"); },
     kBadInput,
     {"scheduler_config.json", "_class_name"}},
    {"scheduler: variance is a number",
     [](const ModelCopy& m) { set(m, kScheduler, "variance_type", 1); },
     kBadInput,
     {"scheduler_config.json", "variance_type"}},
    {"scheduler: beta is a text",
     [](const ModelCopy& m) { set(m, kScheduler, "beta_start", "low"); },
     kBadInput,
     {"scheduler_config.json", "beta_start", "low"}},
};

const std::vector<BadModel> kTokenizers = {
    {"missing", [](const ModelCopy& m) { std::filesystem::remove(m / kTokenizer); }, kBadInput, {"spiece.model"}},
    {"empty", [](const ModelCopy& m) { m.write(kTokenizer, ""); }, kBadInput, {"spiece.model"}},
    {"truncated",
     [](const ModelCopy& m) { m.write(kTokenizer, m.read(kTokenizer).substr(0, 700)); },
     kBadInput,
     {"spiece.model"}},
    {"a text",
     [](const ModelCopy& m) { m.write(kTokenizer, "this is no protobuf at all"); },
     kBadInput,
     {"spiece.model"}},
    {"a field longer than the file",
     [](const ModelCopy& m) { m.write(kTokenizer, "\x0a\xff\xff\xff\xff\x0f"); },
     kBadInput,
     {"spiece.model"}},
    {"a varint without end",
     [](const ModelCopy& m) { m.write(kTokenizer, std::string(64, '\xff')); },
     kBadInput,
     {"spiece.model"}},
    {"a million empty pieces",
     [](const ModelCopy& m) {
         std::string bytes;
         for (int i = 0; i < 1'000'000; ++i) bytes += std::string("\x0a\x00", 2);
         m.write(kTokenizer, bytes);
     },
     kBadInput,
     {"spiece.model"}},
};

TEST(BadModel, RefusesPipelinesItDoesNotKnow) {
    for (const BadModel& row : kIndexes) expect_refused(row);
}

TEST(BadModel, RefusesTransformersThatCannotBe) {
    for (const BadModel& row : kTransformers) expect_refused(row);
}

TEST(BadModel, RefusesEncodersDecodersAndSchedulersThatCannotBe) {
    for (const BadModel& row : kOtherParts) expect_refused(row);
}

TEST(BadModel, RefusesTokenizersBeforeTheyAreUsed) {
    for (const BadModel& row : kTokenizers) expect_refused(row);
}

}  // namespace
}  // namespace kine::apps
