// Open-Sora's transformer configuration and its schedule.
#include "dit/families/open_sora/config.h"
#include "dit/sampling/samplers.h"
#include "runtime/error.h"

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
                            {{"mlp_ratio", 0.0}}, {{"patch_size", {2, 2, 2}}}, {{"patch_size", {}}},
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

}  // namespace
}  // namespace kine::dit
