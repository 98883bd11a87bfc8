// What ends a run that was well formed: too little memory, and numbers that are none.
#include "tests/apps/support/refusal.h"
#include "tests/support/safetensors_bytes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace kine::apps {
namespace {

constexpr int kDoesNotFit = 5;
constexpr int kNotFinite = 8;

void poison(const ModelCopy& model, std::string_view file, const std::string& tensor) {
    const float value = std::numeric_limits<float>::quiet_NaN();
    model.edit_checkpoint(file, [&](Checkpoint& c) { std::memcpy(c.bytes_of(tensor), &value, sizeof(value)); });
}

/// Initial latents [4, 3, 12, 12] with `value` as the last element.
std::string latents_file(const TemporaryFolder& folder, float value) {
    std::vector<float> values(4 * 3 * 12 * 12, 0.5f);
    values.back() = value;
    const std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    const std::string header = R"({"latents":{"dtype":"F32","shape":[4,3,12,12],"data_offsets":[0,6912]}})";
    return folder.write("latents.safetensors", little_endian(header.size()) + header + bytes);
}

TEST(Limits, SaysBeforeTheRunThatWeightsDoNotFit) {
    expect_refused(generate({"--max-ram", "1K"}), kDoesNotFit, {"weights need", "1024", "--max-ram"});
}

TEST(Limits, SaysBeforeTheRunThatActivationsDoNotFit) {
    const TemporaryFolder folder;
    const Ended ended = run(generate({"--max-ram", "1M", "--size", "512x512", "-o", folder / "v.mp4"}));
    EXPECT_EQ(ended.status, kDoesNotFit) << ended.error;
    EXPECT_TRUE(ended.says("budget is 1048576")) << ended.error;
    EXPECT_FALSE(ended.says("prompt 1/1")) << "work was done before\n" << ended.error;
    EXPECT_EQ(folder.count_files(), 0u);
}

TEST(Limits, PlanSaysWhatDoesNotFitAndWhatDoes) {
    std::vector<std::string> arguments = generate({"--size", "512x512"});
    arguments.front() = "plan";
    EXPECT_EQ(run(arguments).status, 0);
    arguments.insert(arguments.end(), {"--max-ram", "1M"});
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, kDoesNotFit) << ended.error;
    EXPECT_TRUE(ended.says("1.0 MiB")) << ended.error;
    EXPECT_NE(ended.output.find("budget"), std::string::npos) << "the plan itself is still data";
}

TEST(Limits, NamesStepAndBlockOfTheFirstNumberThatIsNone) {
    const ModelCopy model;
    poison(model, kTransformerFile, "transformer_blocks.1.attn1.to_q.bias");
    expect_refused(generate_with(model.path(), {}), kNotFinite, {"step 0", "spatial.1", "not finite"});
}

TEST(Limits, NamesTheStageOfANumberThatIsNone) {
    const ModelCopy decoder;
    poison(decoder, "vae/diffusion_pytorch_model.safetensors", "decoder.conv_out.bias");
    expect_refused(generate_with(decoder.path(), {}), kNotFinite, {"decode", "not finite"});
    const ModelCopy encoder;
    poison(encoder, "text_encoder/model.safetensors", "encoder.final_layer_norm.weight");
    expect_refused(generate_with(encoder.path(), {}), kNotFinite, {"encode", "text", "not finite"});
}

TEST(Limits, RefusesInitialLatentsThatAreNoNumbers) {
    const TemporaryFolder folder;
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float value : {std::nanf(""), infinity, -infinity}) {
        expect_refused(generate({"--latents", latents_file(folder, value)}), kNotFinite, {"initial latents", "finite"});
    }
}

}  // namespace
}  // namespace kine::apps
