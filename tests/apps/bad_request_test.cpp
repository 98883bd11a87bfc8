// Requests that no model or not this one can serve: usage errors before anything runs.
#include "tests/apps/support/refusal.h"

#include <gtest/gtest.h>

namespace kine::apps {
namespace {

constexpr int kUsage = 2;
constexpr int kBadInput = 3;
constexpr int kDevice = 6;

struct BadRequest {
    std::vector<std::string> arguments;
    std::vector<std::string> says;
    int status = kUsage;
};

std::string shown(const BadRequest& row) {
    std::string text;
    for (const std::string& argument : row.arguments) text += argument.substr(0, 60) + " ";
    return text;
}

void expect_all_refused(const std::vector<BadRequest>& rows) {
    for (const BadRequest& row : rows) {
        SCOPED_TRACE(shown(row));
        std::vector<std::string> arguments = {"generate", "-m", tiny_model(), "-p", "a kite"};
        arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
        expect_refused(std::move(arguments), row.status, row.says);
    }
}

TEST(BadRequest, RefusesSizesThatTheModelHasNoPlacesFor) {
    expect_all_refused({
        {{"-W", "50"}, {"width", "50", "8"}},
        {{"-H", "33"}, {"height", "33", "8"}},
        {{"-W", "0"}, {"width", "0"}},
        {{"-H", "-8"}, {"height", "-8"}},
        {{"-W", "20000"}, {"width", "20000", "16384"}},
        {{"-W", "99999999999999999999"}, {"width", "99999999999999999999"}},
        {{"-W", "48.5"}, {"width", "48.5"}},
        {{"--size", "48"}, {"size", "WxH", "48"}},
        {{"--size", "48x"}, {"size", "WxH", "48x"}},
        {{"-f", "0"}, {"num_frames", "0"}},
        {{"-f", "-3"}, {"num_frames", "-3"}},
        {{"-f", "100"}, {"100", "3"}},
        {{"-W", "16384", "-H", "16384"}, {"width 16384 x height 16384", "67108864"}},
    });
}

TEST(BadRequest, RefusesTwoFilesUnderOneNameHoweverItIsSpelled) {
    expect_all_refused({
        {{"-o", "./q.y4m", "--save-latents", "q.y4m"}, {"save_latents and output", "q.y4m"}},
        {{"-o", "q.json", "--container", "y4m", "--trace", "./q.json"}, {"trace and output", "q.json"}},
        {{"-o", "s.mp4", "-o", "./s.mp4"}, {"twice", "s.mp4"}},
    });
}

TEST(BadRequest, RefusesFrameRatesThatAGifCannotSay) {
    expect_all_refused({{{"-o", "q.gif", "-r", "150"}, {"fps 150", "gif", "50"}}});
}

TEST(BadRequest, NamesTheOptionOfAFileThatIsNotThere) {
    expect_refused({"generate", "-m", tiny_model(), "--prompt-file", "nope.txt"}, kBadInput,
                   {"prompt_file 'nope.txt'"});
    expect_refused({"generate", "-m", tiny_model(), "--prompts", "nope.txt"}, kBadInput, {"prompts 'nope.txt'"});
    expect_all_refused({
        {{"--config", "nope.json"}, {"config 'nope.json'"}, kBadInput},
        {{"--vae", "nope.safetensors"}, {"vae '", "nope.safetensors'"}, kBadInput},
        {{"--text-encoder", "nope.pt"}, {"text_encoder '", "nope.pt'"}, kBadInput},
        {{"--trace", "t{n}.json"}, {"trace 't{n}.json'", "without {n}"}},
        {{"--seed", "-2"}, {"seed", "-1 for a random one", "'-2'"}},
    });
}

TEST(BadRequest, RefusesAPolicyThatTheQualityIsNot) {
    expect_all_refused({
        {{"--cache", "none", "--cache-quality", "fast"}, {"fast", "pab", "none"}},
        {{"--cache", "pab", "--cache-quality", "lossless"}, {"lossless", "none", "pab"}},
    });
}

TEST(BadRequest, RefusesAClusterThatNobodyKnows) {
    expect_all_refused({{{"--cluster", "nonesuch"}, {"cluster", "nonesuch"}}});
}

/// With a GPU or without: models do not run there.
TEST(BadRequest, RefusesDevicesThatModelsCannotRunOn) {
    expect_all_refused({
        {{"--device", "cuda"}, {"'cuda", "use cpu"}, kDevice},
        {{"--device", "cuda:99"}, {"cuda:99", "use cpu"}, kDevice},
        {{"--device", "cuda:x"}, {"cuda:x", "cuda:INDEX"}},
        {{"--device", "gpu"}, {"gpu", "cpu or cuda"}},
        {{"--devices", "cuda:98,99"}, {"cuda:98", "use cpu"}, kDevice},
        {{"--devices", "cuda:0,0"}, {"cuda:0", "twice"}},
        {{"--devices", "cpu,cuda:0"}, {"cpu,cuda:0", "several GPUs"}},
    });
}

TEST(BadRequest, RefusesNumbersThatAreNone) {
    expect_all_refused({
        {{"--steps", "0"}, {"steps", "0"}},
        {{"--steps", "10000"}, {"steps", "10000", "1000"}},
        {{"--steps", "two"}, {"steps", "two"}},
        {{"--steps", "-1"}, {"steps", "-1"}},
        {{"-g", "nan"}, {"guidance_scale", "nan"}},
        {{"-g", "inf"}, {"guidance_scale", "inf"}},
        {{"-g", "1e999"}, {"guidance_scale", "1e999"}},
        {{"-g", ""}, {"guidance_scale"}},
        {{"--seed", "-2"}, {"seed", "-2"}},
        {{"--seed", "18446744073709551616"}, {"seed", "18446744073709551616"}},
        {{"-r", "0"}, {"0"}},
        {{"-r", "24/0"}, {"24/0"}},
        {{"-t", "-1"}, {"threads", "-1"}},
        {{"-t", "100000"}, {"threads", "100000"}},
        {{"--max-ram", "much"}, {"max_ram", "much"}},
        {{"--decode-chunk", "-1"}, {"decode_chunk", "-1"}},
        {{"--vae-tile-overlap", "0.9"}, {"vae_tile_overlap", "0.9"}},
    });
}

TEST(BadRequest, RefusesNamesThatNoTableHolds) {
    expect_all_refused({
        {{"--sampler", "dimm"}, {"dimm", "ddim"}},
        {{"--cache", "pabb"}, {"pabb", "pab"}},
        {{"--cache", "pab", "--cache-option", "spatial_rage=2"}, {"spatial_rage", "spatial_range"}},
        {{"--cache-quality", "best"}, {"best", "balanced"}},
        {{"--cache", "pab", "--cache-quality", "lossless"}, {"lossless", "pab"}},
        {{"--cache", "pab", "--cache-option", "spatial_range=x"}, {"spatial_range", "x"}},
        {{"--sampler-option", "eta"}, {"eta", "key=value"}},
        {{"--rng", "mersenne"}, {"mersenne", "philox"}},
        {{"--dtype", "fp4"}, {"dtype", "f32", "bf16", "f16", "fp4"}},
        {{"--device", "tpu"}, {"tpu"}},
        {{"--video-codec", "libx266"}, {"libx266"}},
        {{"--container", "avi"}, {"avi", "mp4"}},
        {{"--progress", "loud"}, {"progress", "loud"}},
    });
}

TEST(BadRequest, RefusesPromptsThatAreNoText) {
    const TemporaryFolder folder;
    const std::string with_nul = folder.write("nul.txt", std::string("a\0b", 3));
    const std::string long_text = folder.write("long.txt", std::string(1 << 20, 'a'));
    const std::string model = tiny_model().string();
    const auto with_prompt = [&](std::vector<std::string> prompt) {
        std::vector<std::string> arguments = {"generate", "-m", model};
        arguments.insert(arguments.end(), prompt.begin(), prompt.end());
        return arguments;
    };
    expect_refused(with_prompt({"-p", "caf\xe9"}), kUsage, {"prompt", "UTF-8", "byte 3"});
    expect_refused(with_prompt({"-p", "\xed\xa0\x80"}), kUsage, {"prompt", "UTF-8", "byte 0"});  // half a surrogate
    expect_refused(with_prompt({"-p", "a", "-n", "\xff"}), kUsage, {"negative_prompt", "UTF-8"});
    expect_refused(with_prompt({"-p", "bell\a"}), kUsage, {"prompt", "0x07"});
    expect_refused(with_prompt({"--prompt-file", with_nul}), kUsage, {"nul.txt", "NUL"});
    expect_refused(with_prompt({"--prompt-file", long_text}), kUsage, {"long.txt", "65536"});
    expect_refused(with_prompt({"--prompt-file", "/nowhere/at/all"}), kBadInput, {"/nowhere/at/all"});
    expect_refused(with_prompt({"-p", std::string(100'000, 'a')}), kUsage, {"prompt", "65536", "100000"});
    expect_refused(with_prompt({}), kUsage, {"prompt", "-p"});
}

TEST(BadRequest, RefusesAPromptOfAMegabyteFromAPipe) {
    const TemporaryFolder folder;
    const std::string text = folder.write("long.txt", std::string(1 << 20, 'a'));
    const Ended ended =
        launch({.arguments = {"generate", "-m", tiny_model().string(), "-p", "-", "-o", folder / "v.mp4"},
                .shell = "exec < '" + text + "'"});
    EXPECT_EQ(ended.status, kUsage) << ended.shown();
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(BadRequest, RefusesLatentsThatDoNotFit) {
    const std::string golden = (golden_case() / "tensors.safetensors").string();
    expect_all_refused({
        {{"--latents", "/nowhere.safetensors"}, {"/nowhere.safetensors"}, kBadInput},
        {{"--latents", golden + ":nothing"}, {"nothing"}, kBadInput},
        {{"--latents", golden}, {"latents", "FILE:NAME"}, kBadInput},
        {{"--latents", golden + ":text/prompt/input_ids"}, {"text/prompt/input_ids", "[120]"}, kBadInput},
        {{"--latents", golden + ":denoise/initial_latents", "-W", "32", "-H", "32"}, {"[4, 3, 8, 12]", "[4, 3, 8, 8]"}},
    });
}

}  // namespace
}  // namespace kine::apps
