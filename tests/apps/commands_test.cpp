// The other commands: what they print, where, and how they end.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/apps/support/videos.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace kine::apps {
namespace {

using Json = nlohmann::json;

constexpr int kUsage = 2;
constexpr int kBadInput = 3;

Json json_of(const std::vector<std::string>& arguments) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.error;
    return Json::parse(ended.output);
}

void expect_prints(const std::vector<std::string>& arguments, const std::vector<std::string>& words) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.error;
    for (const std::string& word : words)
        EXPECT_NE(ended.output.find(word), std::string::npos) << word << "\n" << ended.output;
}

TEST(Commands, EveryOneExplainsItself) {
    expect_prints({"--help"}, {"generate", "plan", "inspect", "verify", "compare", "bench", "list"});
    expect_prints({"--version"}, {"kinescope 0.1.0"});
    for (const char* command : {"generate", "plan", "inspect", "verify", "compare", "bench", "list"}) {
        expect_prints({command, "--help"}, {command, "--help"});
        EXPECT_EQ(run({"help", command}).output, run({command, "--help"}).output);
    }
    EXPECT_EQ(run(std::vector<std::string>{}).status, kUsage);
}

TEST(Commands, UnknownOnesNameTheNearest) {
    const Ended ended = run({"generat"});
    EXPECT_EQ(ended.status, kUsage);
    EXPECT_TRUE(ended.says("'generat'") && ended.says("'generate'")) << ended.error;
}

TEST(Commands, SayHowManyNamesTheyTake) {
    EXPECT_TRUE(run({"verify"}).says("verify: expected 1 to 1000 CASE, got 0"));
    EXPECT_TRUE(run({"compare", "a.mp4"}).says("compare: expected 2 VIDEO, got 1"));
    EXPECT_TRUE(run({"compare", "a.mp4", "b.mp4", "c.mp4"}).says("compare: expected 2 VIDEO, got 3"));
    EXPECT_TRUE(run({"inspect", "a", "b"}).says("inspect: expected 1 PATH, got 2"));
    EXPECT_EQ(run({"compare"}).status, kUsage);
}

TEST(Commands, SuggestNothingForASingleLetter) {
    const Ended ended = run({"inspect", "-m", "x"});
    EXPECT_TRUE(ended.says("unknown option '-m'") && !ended.says("did you mean")) << ended.error;
}

TEST(Commands, HelpSaysWhichNamesTheyTake) {
    expect_prints({"inspect", "--help"}, {"kinescope inspect [OPTIONS] PATH\n", "a model directory"});
    expect_prints({"compare", "--help"}, {"[OPTIONS] VIDEO VIDEO\n", "folders of pictures"});
    expect_prints({"verify", "--help"}, {"[OPTIONS] CASE...\n"});
    expect_prints({"list", "--help"}, {"[OPTIONS] [TABLE]\n", "families"});
    EXPECT_EQ(run({"inspect", "--help"}).output.find("PATH PATH"), std::string::npos);
}

TEST(Commands, ListSaysHowTheProgramWasBuilt) {
    expect_prints({"list", "build"}, {"build\n  ", "compiler  ", "\n  cudnn  "});
    EXPECT_EQ(run({"list", "build"}).output.find('{'), std::string::npos);
    EXPECT_TRUE(json_of({"list", "build", "--json"}).at(0).contains("compiler"));
}

TEST(Commands, ListPrintsEveryTable) {
    expect_prints({"list"}, {"latte", "pab", "ddim", "mp4", "cpu"});
    const Json tables = json_of({"list", "--json"});
    for (const char* table : {"families", "policies", "qualities", "strategies", "samplers", "codecs", "devices"}) {
        EXPECT_FALSE(tables.at(table).empty()) << table;
        expect_prints({"list", table}, {tables.at(table).at(0).at("name").get<std::string>()});
    }
    expect_prints({"list", "devices"}, {"threads", "cuda"});
    const Ended unknown = run({"list", "models"});
    EXPECT_EQ(unknown.status, kUsage);
    EXPECT_TRUE(unknown.says("families")) << unknown.error;
}

TEST(Commands, TellWhichInstructionsTheyUse) {
    const auto with = [](const std::string& set, std::vector<std::string> words) {
        return launch({.arguments = std::move(words), .shell = "export KINE_CPU=" + set});
    };
    EXPECT_NE(with("avx2", {"list", "devices"}).output.find(", avx2"), std::string::npos);
    const Ended unknown = with("sse9", generate({"-o", "/nowhere/video.mp4"}));
    EXPECT_EQ(unknown.status, kUsage);
    EXPECT_TRUE(unknown.says("unknown KINE_CPU 'sse9', known are avx2, avx512, amx")) << unknown.error;
}

TEST(Commands, ReadTheWishForGraphsBeforeTheRun) {
    const Ended unknown =
        launch({.arguments = generate({"-o", "/nowhere/video.mp4"}), .shell = "export KINE_CUDA_GRAPHS=maybe"});
    EXPECT_EQ(unknown.status, kUsage);
    EXPECT_TRUE(unknown.says("unknown KINE_CUDA_GRAPHS 'maybe', known are on, off")) << unknown.error;
}

TEST(Commands, TellWhetherTheyUseCudnn) {
    const auto with = [](const std::string& wish) {
        return launch({.arguments = {"list", "build"}, .shell = "export KINE_CUDNN=" + wish});
    };
    EXPECT_NE(with("off").output.find("not used: KINE_CUDNN is off"), std::string::npos);
    const Ended unknown = with("maybe");
    EXPECT_EQ(unknown.status, kUsage);
    EXPECT_TRUE(unknown.says("unknown KINE_CUDNN 'maybe', known are on, off")) << unknown.error;
}

TEST(Commands, InspectPrintsWhatAVideoSaysOfItself) {
    const TemporaryFolder folder;
    for (const char* name : {"v.mp4", "v.mkv", "v.webm"}) {
        const std::string file = folder / name;
        const Ended made = run({"generate", "-m", tiny_model(), "-p", "caf\u00e9 \"x\"", "-n", "grey", "--seed", "7",
                                "--steps", "5", "--cache", "pab", "-r", "24000/1001", "-o", file});
        ASSERT_EQ(made.status, 0) << made.error;
        const Json report = json_of({"inspect", "--json", file});
        EXPECT_EQ(report["frames"], 3);
        EXPECT_EQ(report["fps"], "24000/1001") << name;
        const Json& parameters = report["parameters"];
        EXPECT_EQ(parameters["prompt"], "caf\u00e9 \"x\"");
        EXPECT_EQ(parameters["negative_prompt"], "grey");
        EXPECT_EQ(parameters["seed"], 7);
        EXPECT_EQ(parameters["steps"], 5);
        EXPECT_EQ(parameters["model_hash"].get<std::string>().size(), 16u);
        EXPECT_TRUE(parameters["plan"].contains("skipped_share"));
        expect_prints({"inspect", file}, {"caf\u00e9", "model_hash", "skipped_share"});
    }
}

TEST(Commands, NoMetadataMeansNone) {
    const TemporaryFolder folder;
    const std::string file = folder / "v.mp4";
    ASSERT_EQ(run(generate({"--no-metadata", "-o", file})).status, 0);
    EXPECT_EQ(content_of(file).find("a kite"), std::string::npos);
    EXPECT_FALSE(json_of({"inspect", "--json", file}).contains("parameters"));
}

TEST(Commands, InspectSaysWhatAModelIsAndWhatIsWrongWithIt) {
    const Json report = json_of({"inspect", "--json", tiny_model()});
    EXPECT_EQ(report["family"], "latte");
    EXPECT_EQ(report["defaults"]["width"], 48);
    EXPECT_TRUE(report["problems"].empty());
    const ModelCopy model;
    model.edit_json(kTransformerConfig, [](Json& config) { config["num_layers"] = 3; });
    const Ended ended = run({"inspect", model.path()});
    EXPECT_EQ(ended.status, kBadInput) << ended.error;
    EXPECT_NE(ended.output.find("transformer_blocks.2."), std::string::npos) << ended.output;
}

TEST(Commands, InspectSaysWhatAWeightFileIs) {
    const std::filesystem::path file = tiny_model() / "transformer" / "diffusion_pytorch_model.safetensors";
    EXPECT_EQ(json_of({"inspect", "--json", file})["kind"], "tensors");
    const TemporaryFolder folder;
    const Ended ended = run({"inspect", folder.write("vae.pth", "no zip archive")});
    EXPECT_EQ(ended.status, kBadInput);
    EXPECT_TRUE(ended.says("is no zip archive")) << ended.error;
}

TEST(Commands, InspectRefusesWhatItCannotRead) {
    const TemporaryFolder folder;
    EXPECT_EQ(run({"inspect", folder / "nothing"}).status, kBadInput);
    EXPECT_EQ(run({"inspect", folder.write("text.mp4", "no video")}).status, kBadInput);
    EXPECT_EQ(run({"inspect", folder.write("empty.mp4", "")}).status, kBadInput);
    EXPECT_EQ(run({"inspect", folder.path()}).status, kBadInput);
    EXPECT_EQ(run({"inspect"}).status, kUsage);
}

TEST(Commands, PlanCountsWhatPabSkips) {
    std::vector<std::string> arguments = {"plan", "--json", "-m", tiny_model(), "--steps", "20", "--cache", "pab"};
    const Json plan = json_of(arguments);
    EXPECT_GT(plan["skipped_share"].get<double>(), 0.0);
    EXPECT_GT(plan["cache_peak_bytes"].get<int64_t>(), 0);
    EXPECT_TRUE(plan["fits"].get<bool>());
    arguments.insert(arguments.end(), {"--cache-budget", "1K"});
    const Json demoted = json_of(arguments);
    EXPECT_LE(demoted["cache_peak_bytes"].get<int64_t>(), 1024);
    EXPECT_LT(demoted["skipped_share"].get<double>(), plan["skipped_share"].get<double>());
    expect_prints({"plan", "-m", tiny_model(), "--steps", "20", "--cache", "pab"}, {"spatial", "skipped", "memory"});
}

TEST(Commands, CompareCallsEqualVideosEqual) {
    const TemporaryFolder folder;
    ASSERT_EQ(run(generate({"-o", folder / "a.mp4", "-o", folder / "b.mp4"})).status, 0);
    const Json report = json_of({"compare", "--json", folder / "a.mp4", folder / "b.mp4"});
    EXPECT_TRUE(report["psnr"].is_null()) << "JSON has no infinity";
    EXPECT_EQ(report["ssim"], 1.0);
    EXPECT_EQ(report["frames"].size(), 3u);
    expect_prints({"compare", folder / "a.mp4", folder / "b.mp4"}, {"equal", "1.0000"});
}

TEST(Commands, CompareRefusesVideosOfOtherSizesAndLengths) {
    const TemporaryFolder folder;
    ASSERT_EQ(run(generate({"-o", folder / "a.mp4"})).status, 0);
    ASSERT_EQ(run(generate({"-W", "32", "-o", folder / "narrow.mp4"})).status, 0);
    ASSERT_EQ(run(generate({"-f", "2", "-o", folder / "short.mp4"})).status, 0);
    for (const char* other : {"narrow.mp4", "short.mp4", "nothing.mp4"}) {
        const Ended ended = run({"compare", folder / "a.mp4", folder / other});
        EXPECT_TRUE(ended.status == kBadInput || ended.status == kUsage) << other << "\n" << ended.shown();
        EXPECT_EQ(ended.output, "");
    }
    EXPECT_EQ(run({"compare", folder / "a.mp4"}).status, kUsage);
}

TEST(Commands, CompareDrawsASheetButNotOverAnotherFile) {
    const TemporaryFolder folder;
    ASSERT_EQ(run(generate({"-o", folder / "a.mp4"})).status, 0);
    const std::vector<std::string> arguments = {"compare", folder / "a.mp4", folder / "a.mp4", "--sheet",
                                                folder / "sheet.png"};
    EXPECT_EQ(run(arguments).status, 0);
    EXPECT_EQ(frames_of(folder / "sheet.png").size(), 1u);
    EXPECT_EQ(run(arguments).status, 7);
}

TEST(Commands, PlanSaysHowManyRanksDecodeAndWhyNotMore) {
    const std::vector<std::string> plan = {"plan", "-m", tiny_model(), "-p", "a kite", "--ranks", "4"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), plan.begin(), plan.end());
        return run(more);
    };
    const Json decode = Json::parse(with({"--json"}).output).at("decode");  // 3 frames, 2 at a time
    EXPECT_EQ(decode.at("ranks"), 2);
    EXPECT_EQ(decode.at("chunks"), 2);
    EXPECT_EQ(decode.at("limit"), "there are no more pieces");
    const Json tiled = Json::parse(with({"--json", "--vae-tile-size", "4", "--decode-ranks", "3"}).output).at("decode");
    EXPECT_EQ(tiled.at("ranks"), 3);
    EXPECT_FALSE(tiled.contains("limit"));
    EXPECT_NE(with({}).output.find("decoding: 2 of 4 ranks"), std::string::npos);
    const Ended refused = with({"--decode-ranks", "3"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_TRUE(refused.says("decode_ranks 3: expected 1 to 2, since there are no more pieces")) << refused.error;
}

TEST(Commands, TraceHasATrackForEachRank) {
    const TemporaryFolder folder;
    const std::string file = folder / "trace.json";
    const Ended ended =
        run(generate({"--ranks", "3", "--parallel", "dsp", "-v", "--trace", file, "-o", folder / "v.mp4"}));
    ASSERT_EQ(ended.status, 0) << ended.error;
    std::map<int, std::set<std::string>> names;
    const Json trace = Json::parse(content_of(file));
    for (const Json& event : trace.at("traceEvents")) names[event["pid"]].insert(event["name"]);
    ASSERT_EQ(names.size(), 3u);
    for (const auto& [rank, seen] : names) {
        for (const char* name : {"step", "all_to_all", "spatial.0"}) EXPECT_TRUE(seen.contains(name)) << rank << name;
    }
    EXPECT_TRUE(ended.says("rank 2: sent ") && ended.says("step 1: rank ")) << ended.error;
}

TEST(Commands, TraceIsJsonWithTheStages) {
    const TemporaryFolder folder;
    const std::string file = folder / "trace.json";
    ASSERT_EQ(run(generate({"--trace", file, "-o", folder / "v.mp4"})).status, 0);
    const Json trace = Json::parse(content_of(file));
    std::set<std::string> names;
    for (const Json& event : trace.at("traceEvents")) names.insert(event.value("name", ""));
    for (const char* name : {"encode", "step", "decode", "write frame"}) EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Commands, BenchTimesStagesAndComparesPolicies) {
    const Ended ended = run({"bench", "--json", "-m", tiny_model(), "-p", "a kite", "--steps", "20", "--runs", "1",
                             "--warmup", "0", "--compare-cache", "none,pab"});
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_FALSE(Json::parse(ended.output).empty());
}

TEST(Commands, TheDemoModelNeedsNoName) {
    const TemporaryFolder folder;
    const Ended ended =
        run({"generate", "-p", "a red circle", "--size", "32x32", "-f", "2", "--steps", "2", "-o", folder / "v.mp4"});
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_EQ(frames_of(folder / "v.mp4").size(), 2u);
}

}  // namespace
}  // namespace kine::apps
