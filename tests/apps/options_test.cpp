// How options may be spelled, and which spellings contradict one another.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"

#include <gtest/gtest.h>

#include <sstream>

namespace kine::apps {
namespace {

using Json = nlohmann::json;

constexpr int kUsage = 2;

Json config_of(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"generate", "--print-config"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.error;
    return ended.status == 0 ? Json::parse(ended.output) : Json();
}

void expect_usage_error(const std::vector<std::string>& arguments, const std::vector<std::string>& says) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, kUsage) << ended.error;
    for (const std::string& words : says) EXPECT_TRUE(ended.says(words)) << words << "\n" << ended.error;
}

TEST(Options, SpellingsOfOtherProgramsMeanTheSame) {
    const std::vector<std::vector<std::string>> families = {
        {"num_frames", "2", "-f", "--num-frames", "--num_frames", "--frames", "--video-frames", "--frame_num",
         "--video_length"},
        {"steps", "3", "--steps", "--num-inference-steps", "--num_inference_steps", "--sample_steps", "--infer-steps",
         "--num_steps"},
        {"guidance_scale", "5", "-g", "--guidance-scale", "--guidance_scale", "--cfg-scale", "--sample_guide_scale"},
        {"seed", "9", "-s", "--seed", "--base_seed"},
        {"negative_prompt", "x", "-n", "--negative-prompt", "--negative_prompt", "--neg_prompt"},
        {"model", "dir", "-m", "--model", "--model_path", "--ckpt_dir"},
    };
    for (const auto& family : families) {
        std::vector<std::string> all;  // equal values agree, so one run tells whether every spelling is known
        for (size_t i = 2; i < family.size(); ++i) all.insert(all.end(), {family[i], family[1]});
        const Json config = config_of(all);
        EXPECT_EQ(config.value(family[0], ""), family[1]) << family[0];
        EXPECT_EQ(config.size(), 1u) << config;
    }
}

TEST(Options, ValuesMayFollowAnEqualsSign) {
    const Json config = config_of({"--num_frames=2", "--cache-option=spatial_range=2,temporal_range=3"});
    EXPECT_EQ(config.value("num_frames", ""), "2");
    EXPECT_EQ(config.value("cache_options", ""), "spatial_range=2,temporal_range=3");
}

TEST(Options, SomeFlagsMayHaveAValue) {
    EXPECT_TRUE(config_of({"--sequential-guidance"}).value("sequential_guidance", false));
    EXPECT_EQ(config_of({"--cfg-parallel", "--ranks", "4"}).value("cfg_parallel", ""), "true");
    EXPECT_EQ(config_of({"--cfg-parallel", "auto"}).value("cfg_parallel", ""), "auto");
    EXPECT_EQ(config_of({"--use_cfg_parallel=auto", "-p", ""}).value("prompt", "x"), "");
}

TEST(Options, SizeStandsForBothSides) {
    const Json config = config_of({"--size", "64*32"});
    EXPECT_EQ(config.value("width", ""), "64");
    EXPECT_EQ(config.value("height", ""), "32");
}

TEST(Options, SpellingsThatDisagreeAreAnError) {
    expect_usage_error({"generate", "--frames", "2", "--num-frames", "3"}, {"num_frames", "'2'", "'3'"});
    expect_usage_error({"generate", "--seed", "1", "-s", "2"}, {"seed", "'1'", "'2'"});
    expect_usage_error({"generate", "--size", "48x48", "-W", "32"}, {"width", "'32'", "'48'"});
    expect_usage_error({"plan", "-p", "a", "--prompt", "b"}, {"prompt", "'a'", "'b'"});
}

TEST(Options, UnknownOnesNameTheNearest) {
    expect_usage_error({"generate", "--num-frame", "2"}, {"--num-frame", "--num-frames"});
    expect_usage_error({"generate", "--sed", "2"}, {"--sed", "--seed"});
    expect_usage_error({"generate", "--zzzzzzzz"}, {"--zzzzzzzz"});
    expect_usage_error({"generate", "a prompt without -p"}, {"a prompt without -p", "-p"});
    expect_usage_error({"list", "--steps", "2"}, {"--steps"});
    expect_usage_error({"generate", "-p"}, {"prompt"});
}

TEST(Options, APromptMayLookLikeAnOption) {
    EXPECT_EQ(config_of({"--prompt=--steps"}).value("prompt", ""), "--steps");
    EXPECT_EQ(config_of({"-p", "-5 degrees"}).value("prompt", ""), "-5 degrees");
}

TEST(Options, FlagsWinOverTheConfigurationFile) {
    const TemporaryFolder folder;
    const std::string file = folder.write("c.json", R"({"num-frames": 2, "steps": 3, "seed": "4", "overwrite": true})");
    const Json config = config_of({"--config", file, "--steps", "5"});
    EXPECT_EQ(config.value("num_frames", ""), "2");
    EXPECT_EQ(config.value("steps", ""), "5");
    EXPECT_EQ(config.value("seed", ""), "4");
    EXPECT_TRUE(config.value("overwrite", false));
}

TEST(Options, APrintedConfigurationCanBeReadAgain) {
    const TemporaryFolder folder;
    const Json first = config_of({"-p", "caf\u00e9", "--frames", "2", "-y", "-o", "a.mp4", "-o", "b.mp4", "-g", "2.5"});
    EXPECT_EQ(config_of({"--config", folder.write("c.json", first.dump())}), first);
    const Json several = config_of({"-p", "a kite", "-p", "a boat"});
    EXPECT_EQ(several["prompt"], (Json{"a kite", "a boat"}));
    EXPECT_EQ(config_of({"--config", folder.write("c.json", several.dump())}), several);
    EXPECT_FALSE(config_of({"--config", folder / "c.json", "--prompts", folder / "c.json"}).contains("prompt"));
}

TEST(Options, ConfigurationFilesAreReadStrictly) {
    const TemporaryFolder folder;
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"{", "c.json"},
        {"[]", "object"},
        {R"({"num_frame": 2})", "num_frames"},
        {R"({"seed": 1, "seed": 2})", "twice"},
        {R"({"seed": [1]})", "seed"},
        {R"({"overwrite": 1})", "overwrite"},
        {R"({"prompt": "a\u0000b"})", "NUL"},
        {std::string(100'000, '['), "c.json"},
    };
    for (const auto& [text, words] : rows) {
        expect_usage_error({"generate", "--config", folder.write("c.json", text)}, {words});
    }
    EXPECT_EQ(run({"generate", "--config", folder / "nothing.json"}).status, 3);
}

TEST(Options, ProgressIsJsonWhereAsked) {
    const TemporaryFolder folder;
    const Ended ended = run(generate({"--progress", "json", "-q", "-o", folder / "a.mp4"}));
    EXPECT_EQ(ended.error, "") << "quiet wins";
    const Ended told = run(generate({"--progress", "json", "-o", folder / "b.mp4"}));
    int rows = 0;
    std::istringstream lines(told.error);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("{")) rows += Json::parse(line).contains("stage") ? 1 : 0;
    }
    EXPECT_GE(rows, 3 + 3 + 2) << told.error;
}

}  // namespace
}  // namespace kine::apps
