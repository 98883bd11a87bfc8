// Published models by name: listed with their defaults, planned without files; models by other places than a directory.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/apps/support/refusal.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace kine::apps {
namespace {

using Json = nlohmann::json;

constexpr int kUsage = 2;
constexpr int kBadInput = 3;
constexpr int kUnsupported = 4;
constexpr int kDoesNotFit = 5;

Json json_of(const std::vector<std::string>& arguments) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.shown();
    return Json::parse(ended.output);
}

void expect_said(const std::vector<std::string>& arguments, int status, const std::string& words) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, status) << ended.shown();
    EXPECT_TRUE(ended.says(words)) << "expected '" << words << "' in\n" << ended.error;
}

TEST(Published, ModelsAreListedWithTheirFamilies) {
    std::map<std::string, Json> presets;
    for (const Json& family : json_of({"list", "families", "--json"})) {
        for (const Json& preset : family["presets"]) presets[preset["name"]] = preset;
    }
    for (const char* name : {"wan2.1-t2v-1.3b", "wan2.1-t2v-14b", "wan2.2-t2v-a14b", "wan2.2-ti2v-5b", "cogvideox-2b",
                             "cogvideox-5b", "cogvideox-1.5-5b", "open-sora-1.2", "latte-1"})
        ASSERT_TRUE(presets.contains(name)) << name;
    const Json& wan = presets["wan2.2-t2v-a14b"];
    EXPECT_EQ(wan["defaults"]["guidance_scale_2"], 3.0);
    EXPECT_EQ(wan["sampler"], "UniPCMultistepScheduler");
    EXPECT_EQ(wan["transformer"]["num_layers"], 40);
    const Ended listed = run({"list", "families"});
    EXPECT_NE(listed.output.find("cogvideox-1.5-5b       1360 x 768, 81 frames at 16 a second"), std::string::npos)
        << listed.output;
}

TEST(Published, ModelsArePlannedWithTheMemoryOfEachStage) {
    const Json plan = json_of({"plan", "--preset", "wan2.1-t2v-14b", "--cache", "pab", "--json"});
    EXPECT_EQ(plan["request"]["width"], 832);
    EXPECT_EQ(plan["family"], "wan");
    const Json& stages = plan["memory"]["stages"];
    ASSERT_EQ(stages.size(), 3u);
    EXPECT_EQ(stages[0]["name"], "encode");
    EXPECT_NEAR(stages[0]["weight_bytes"].get<double>(), 2 * 5.68e9, 0.1e9) << "UMT5-XXL in bf16";
    EXPECT_NEAR(stages[1]["weight_bytes"].get<double>(), 2 * 14.29e9, 0.5e9) << "what must be exact stays f32";
    EXPECT_FALSE(plan["memory"]["staged"].get<bool>());
    // All weights are 40 GB, those of the transformer 29 GB: a budget between them lets stages take turns.
    const std::vector<std::string> small = {"plan", "--preset", "wan2.1-t2v-14b", "--num-frames",
                                            "17",   "--json",   "--max-ram",      "36G"};
    EXPECT_TRUE(json_of(small)["memory"]["staged"].get<bool>());
    const Ended tiny = run({"plan", "--preset", "wan2.1-t2v-14b", "--max-ram", "10G"});
    EXPECT_EQ(tiny.status, kDoesNotFit) << tiny.shown();
    EXPECT_NE(tiny.output.find("denoise"), std::string::npos) << "the plan itself is still data";
}

/// The paper (arXiv 2408.12588) counts 3230.24 T without reuse; what reuse saves of it are linear layers alone.
TEST(Published, ThePapersSavingsComeOutOfThePlan) {
    const auto rest = [](const char* ranges) {
        return json_of({"plan", "--preset", "open-sora-1.2", "--cache", "pab", "--json", "--cache-option",
                        ranges})["published"]["teraflops"]
            .get<double>();
    };
    EXPECT_NEAR(rest("spatial_range=2,temporal_range=4,cross_range=6"), 2658.99, 0.02);
    EXPECT_NEAR(rest("spatial_range=3,temporal_range=5,cross_range=7"), 2616.46, 0.02);
    EXPECT_NEAR(rest("spatial_range=5,temporal_range=7,cross_range=9"), 2559.74, 0.02);
    const Ended text = run({"plan", "--preset", "open-sora-1.2", "--cache", "pab"});
    EXPECT_NE(text.output.find("2658.99 of 3230.24 TFLOP"), std::string::npos) << text.shown();
    EXPECT_FALSE(json_of({"plan", "--preset", "open-sora-1.2", "--steps", "29", "--json"}).contains("published"))
        << "nobody published that run";
}

TEST(Published, APlanReadsNoWeights) {
    const ModelCopy model;
    std::filesystem::remove(model / "transformer/diffusion_pytorch_model.safetensors");
    std::filesystem::remove_all(model / "tokenizer");
    EXPECT_EQ(run({"plan", "-m", model.path()}).status, 0);
    expect_refused(generate_with(model.path(), {}), kBadInput, {"tokenizer"});
}

TEST(Published, ThreeAnswersToAnUnknownPlace) {
    expect_said({"plan", "--preset", "wan3"}, kUsage, "wan2.1-t2v-1.3b");
    expect_said({"plan", "--preset", "wan2.1-t2v-14b", "-m", tiny_model()}, kUsage, "both");
    expect_refused(generate_with("Somebody/a-model", {}), kBadInput, {"Somebody/a-model", "hf download"});
    const TemporaryFolder folder;
    folder.write("model_index.json", R"({"_class_name": "HunyuanVideoPipeline"})");
    expect_said({"inspect", folder.path()}, kUnsupported, "HunyuanVideoPipeline");
}

TEST(Published, ResidencyChangesMemoryAndNotTheVideo) {
    const TemporaryFolder folder;
    const auto video = [&](const char* residency) {
        const std::string file = folder / (std::string(residency) + ".y4m");
        const Ended ended = run(generate({"--residency", residency, "-o", file}));
        EXPECT_EQ(ended.status, 0) << ended.shown();
        return content_of(file);
    };
    EXPECT_EQ(video("all"), video("stage"));
    expect_refused(generate({"--residency", "never"}), kUsage, {"auto, all, stage or layer"});
    expect_refused(generate({"--residency", "layer"}), kUsage, {"host memory anyhow", "auto, all or stage"});
}

}  // namespace
}  // namespace kine::apps
