// Open-Sora: its configuration and schedule, its sizes and lengths, ranks, and the published PAB settings.
#include "dit/families/open_sora/config.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/sampling/samplers.h"
#include "parallel/strategies/strategies.h"
#include "runtime/error.h"
#include "tests/dit/warnings.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::dit {
namespace {

using open_sora::Config;

Json published() { return {{"_class_name", "STDiT3"}, {"depth", 28}, {"hidden_size", 1152}, {"num_heads", 16}}; }

TEST(OpenSoraConfig, ReadsThePublishedModel) {
    const Config config = Config::from_json(published(), "config.json");
    EXPECT_EQ(config.head_size(), 72);
    EXPECT_EQ(config.mlp_channels(), 4608);
    EXPECT_EQ(config.out_channels(), 8);
    EXPECT_EQ(config.model_max_length, 300);
}

TEST(OpenSoraConfig, NamesAVersionThatWeLack) {
    for (const char* key : {"_class_name", "model_type"}) {
        Json json = published();
        json[key] = "STDiT2";
        try {
            Config::from_json(json, "config.json");
            FAIL() << "no error";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Unsupported);
            EXPECT_NE(std::string(error.what()).find("'STDiT2'"), std::string::npos) << error.what();
        }
    }
}

TEST(OpenSoraConfig, RefusesSizesThatAreNone) {
    const Json changes[] = {{{"num_heads", 7}},   {{"num_heads", 0}},          {{"depth", -1}},
                            {{"mlp_ratio", 0.0}}, {{"patch_size", {2, 2, 2}}}, {{"patch_size", Json::array()}},
                            {{"depth", "x"}},     {{"hidden_size", nullptr}}};
    for (const Json& change : changes) {
        Json json = published();
        json.update(change);
        EXPECT_THROW(Config::from_json(json, "config.json"), Error) << change;
    }
    EXPECT_THROW(Config::from_json(Json::array(), "config.json"), Error);
}

TEST(Rflow, FallsEvenlyWithoutAShiftAndStaysHighWithOne) {
    const auto even = make_sampler("RFLOW", Json{{"shift", 1.0}}, "file", 4);
    EXPECT_EQ(even->timesteps(), (std::vector<double>{1000, 750, 500, 250}));
    // 480 x 854 and 51 frames, 30 steps, as the published schedule has them after rounding down.
    const double shift = std::sqrt(480.0 * 854.0 / (512.0 * 512.0) * 15.0);
    const auto shifted = make_sampler("rflow", Json{{"shift", shift}}, "file", 30);
    const std::vector<int64_t> want = {1000, 992, 985, 977, 969, 960, 950, 940, 930, 918, 906, 893, 879, 863, 846,
                                       828,  809, 787, 763, 737, 707, 674, 637, 595, 547, 492, 426, 349, 257, 143};
    for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(static_cast<int64_t>(shifted->timesteps()[i]), want[i]) << i;
}

TEST(Rflow, IgnoresTheShiftWhereTheFileTurnsTheTransformOff) {
    const auto sampler = make_sampler("RFLOW", Json{{"shift", 3.0}, {"use_timestep_transform", false}}, "file", 2);
    EXPECT_EQ(sampler->timesteps(), (std::vector<double>{1000, 500}));
}

TEST(Rflow, RefusesWhatItWouldHaveToRound) {
    EXPECT_THROW(make_sampler("RFLOW", Json{{"use_discrete_timesteps", true}}, "file", 2), Error);
    EXPECT_THROW(make_sampler("RFLOW", Json{{"shift", 0.0}}, "file", 2), Error);
    EXPECT_THROW(make_sampler("RFLOW", Json::object(), "file", 0), Error);
}

/// Keeps the latents of the last step.
class LastLatents final : public Observer {
  public:
    void on_latents(int, const Tensor& latents) override { last = latents; }
    Tensor last;
};

/// 7 latent frames of 3 x 3 patches, padded from 5 x 5 latent pixels: nothing divides by two ranks.
Request awkward_request() {
    Request request;
    request.prompt = "A green kite";
    request.width = 47;
    request.height = 43;
    request.num_frames = 23;
    request.steps = 3;
    request.seed = 5;
    return request;
}

std::filesystem::path golden_case() { return source_tree() / "tests" / "golden" / "open_sora"; }

class OpenSora : public testing::Test {
  protected:
    Tensor latents_of(const Request& request) {
        LastLatents observer;
        FrameQueue frames(100);
        generator->generate(bundle.context, request, frames, observer, {});
        return observer.last;
    }

    TestContext bundle;
    std::unique_ptr<Generator> generator = Generator::open(bundle.context, golden_case() / "model", DType::Float32);
};

/// Rings add in another order: held to 8 times the float32 noise of the golden case's own last step.
TEST_F(OpenSora, GivesTheLatentsOfOneRankUnderEveryStrategyWithAndWithoutBroadcast) {
    Request request = awkward_request();
    const GoldenCase golden(golden_case());
    const std::string last = GoldenCase::step_key("denoise", golden.request().steps - 1, "latents");
    const double noise = golden.allowed(last, last);
    for (const char* cache : {"none", "pab"}) {
        request.cache = cache;
        request.cache_options = request.cache == "pab" ? "window=0:1001,temporal_range=2,cross_range=2" : "";
        request.ranks = 1;
        const Tensor alone = latents_of(request);
        for (const parallel::Strategy& strategy : parallel::strategies()) {
            request.parallel = strategy.name;
            for (const int64_t ranks : {2, 4}) {
                request.ranks = ranks;
                SCOPED_TRACE(fmt::format("{} on {} ranks, cache {}", strategy.name, request.ranks, cache));
                const Tensor latents = latents_of(request);
                EXPECT_TRUE(same_bits(latents, alone) || !strategy.is_exact());
                expect_close(latents, to_doubles(alone), {0, noise});
            }
        }
    }
}

/// It learned the text that it is guided away from.
TEST_F(OpenSora, SaysThatANegativePromptIsIgnored) {
    Request request = GoldenCase(golden_case()).request();
    request.steps = 1;
    EXPECT_TRUE(warnings_of(*generator, bundle.context, request).empty());
    request.negative_prompt = "dark";
    const std::vector<std::string> lines = warnings_of(*generator, bundle.context, request);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("negative prompt"), std::string::npos) << lines[0];
}

TEST_F(OpenSora, GivesFramesOfWholeLatentPixelsYetSeesTheSizeAskedFor) {
    const Request request = awkward_request();
    EXPECT_EQ(generator->frame_size(request).width, 40);
    EXPECT_EQ(generator->frame_size(request).height, 40);
    Request smaller = request;
    smaller.width = 40;
    smaller.height = 40;
    EXPECT_FALSE(same_bits(latents_of(request), latents_of(smaller)));
}

TEST_F(OpenSora, RefusesLengthsWithoutANoiseScheduleAndOffersTheOthers) {
    Request request = awkward_request();
    for (const int64_t frames : {2, 16}) {
        request.num_frames = frames;
        EXPECT_THROW(generator->resolve(request), Error) << frames;
    }
    for (const int64_t frames : {1, 17, 408}) {
        request.num_frames = frames;
        EXPECT_NO_THROW(generator->resolve(request)) << frames;
    }
}

/// What is known of the published run: 480p, 51 frames, 30 steps.
TEST_F(OpenSora, ReusesAtThePublishedStepsWhereTheFamilySettingsHold) {
    Request request;
    request.cache = "pab";
    const broadcast::Plan plan = generator->plan(request);
    using broadcast::SiteKind;
    EXPECT_EQ(plan.reused_steps({SiteKind::SpatialAttention, 0}),
              (std::vector<int>{9, 11, 13, 15, 17, 19, 21, 23, 25}));
    EXPECT_EQ(plan.reused_steps({SiteKind::TemporalAttention, 1}),
              (std::vector<int>{9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25}));
    const std::vector<int> cross = {9, 10, 11, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 25};
    EXPECT_EQ(plan.reused_steps({SiteKind::SpatialCrossAttention, 0}), cross);
    EXPECT_EQ(plan.reused_steps({SiteKind::TemporalCrossAttention, 0}), cross);
    EXPECT_EQ(plan.reused_steps({SiteKind::SpatialMlp, 0}), (std::vector<int>{14, 15, 18, 19, 22, 23}));
    EXPECT_EQ(plan.reused_steps({SiteKind::TemporalMlp, 1}), (std::vector<int>{14, 15, 18, 19, 22, 23}));
}

}  // namespace
}  // namespace kine::dit
