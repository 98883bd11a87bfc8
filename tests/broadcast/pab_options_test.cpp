#include "broadcast/policies/pab_options.h"

#include "runtime/error.h"
#include "tests/broadcast/published.h"

#include <gtest/gtest.h>

namespace kine::broadcast {
namespace {

/// The usage error that `text` ends in; empty if it does not.
std::string refusal(std::string_view text, const PabOptions& defaults = {}) {
    try {
        parse_pab_options(defaults, text);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage) << text;
        return error.what();
    }
    return "";
}

TEST(PabOptions, KeepTheDefaultsWhereNothingIsGiven) { EXPECT_EQ(parse_pab_options(latte_pab(), ""), latte_pab()); }

TEST(PabOptions, ReadEveryKey) {
    const PabOptions options = parse_pab_options(
        {},
        "spatial_range=3,temporal_range=5,cross_range=7,spatial_window=1:2,temporal_window=3:4,cross_window=-1:6,"
        "mlp_spatial=720@0-2*2/640@0+2+5-6*3,mlp_temporal=9@1*0,keep=gated");

    EXPECT_EQ(options.spatial, (PabRule{3, 1, 2}));
    EXPECT_EQ(options.temporal, (PabRule{5, 3, 4}));
    EXPECT_EQ(options.cross, (PabRule{7, -1, 6}));
    EXPECT_EQ(options.mlp_spatial, (std::vector<MlpRule>{{720, {0, 1, 2}, 2}, {640, {0, 2, 5, 6}, 3}}));
    EXPECT_EQ(options.mlp_temporal, (std::vector<MlpRule>{{9, {1}, 0}}));
    EXPECT_EQ(options.keep, Keep::Gated);
    EXPECT_EQ(parse_pab_options({}, "mlp_range=4,mlp_window=5:6").mlp, (PabRule{4, 5, 6}));
}

TEST(PabOptions, ReadBackWhatTheyPrint) {
    PabOptions ranged;
    ranged.mlp = {3, 200, 700};
    for (const PabOptions& options : {PabOptions{}, latte_pab(), open_sora_pab(3, 5, 7), ranged}) {
        EXPECT_EQ(parse_pab_options({}, to_text(options)), options) << to_text(options);
        EXPECT_EQ(parse_pab_options(latte_pab(), to_text(options)), options) << to_text(options);
    }
}

TEST(PabOptions, SetAllWindowsAtOnceButLetTheirOwnWin) {
    const PabOptions options = parse_pab_options({}, "cross_window=5:6,window=200:700");
    EXPECT_EQ(options.spatial.low, 200);
    EXPECT_EQ(options.temporal.high, 700);
    EXPECT_EQ(options.cross.low, 5);
    EXPECT_EQ(options.cross.high, 6);
}

TEST(PabOptions, DropTheModelsMlpRulesOnRequest) {
    EXPECT_TRUE(parse_pab_options(latte_pab(), "mlp=off").mlp_spatial.empty());
    EXPECT_TRUE(parse_pab_options(latte_pab(), "mlp=off").mlp_temporal.empty());
    EXPECT_TRUE(parse_pab_options(latte_pab(), "mlp_spatial=none").mlp_spatial.empty());
    EXPECT_EQ(parse_pab_options(latte_pab(), "mlp=on"), latte_pab());
}

TEST(PabOptions, PutARangeInThePlaceOfTheModelsMlpRules) {
    const PabOptions ranged = parse_pab_options(latte_pab(), "mlp_range=3");
    EXPECT_TRUE(ranged.mlp_spatial.empty());
    EXPECT_TRUE(ranged.mlp_temporal.empty());
    EXPECT_EQ(ranged.mlp.range, 3);
    EXPECT_EQ(parse_pab_options(ranged, "mlp=off").mlp.range, 1);
    EXPECT_EQ(parse_pab_options(latte_pab(), "mlp_range=1"), latte_pab());
}

TEST(PabOptions, RefuseWhatContradictsItself) {
    EXPECT_NE(refusal("mlp_range=2,mlp_spatial=720@0*2").find("mlp_range"), std::string::npos);
    EXPECT_NE(refusal("mlp=off,mlp_range=2").find("mlp_range"), std::string::npos);
    EXPECT_NE(refusal("mlp=off,mlp_spatial=720@0*2").find("mlp"), std::string::npos);
    EXPECT_NE(refusal("mlp=on").find("mlp"), std::string::npos);
}

TEST(PabOptions, NameOptionAndValueWhenRefusing) {
    const std::pair<const char*, const char*> cases[] = {
        {"spatial_range=0", "0"},
        {"temporal_range=-2", "-2"},
        {"cross_range=nan", "nan"},
        {"mlp_range=0", "0"},
        {"mlp_window=7:3", "7:3"},
        {"spatial_range=2.5", "2.5"},
        {"spatial_window=800:100", "800:100"},
        {"cross_window=nan:800", "nan"},
        {"temporal_window=100", "100"},
        {"temporal_window=1:2:3", "2:3"},
        {"keep=maybe", "maybe"},
        {"mlp_spatial=720", "720"},
        {"mlp_spatial=720@0-4", "720@0-4"},
        {"mlp_temporal=720@4-0*2", "4-0"},
        {"mlp_spatial=720@0*-1", "-1"},
        {"mlp_spatial=720@-1*1", "-1"},
        {"mlp_spatial=720@*1", ""},
        {"mlp_spatial=720@0-9999999*1", "9999999"},
        {"mlp_spatial=x@0*1", "x"},
    };
    for (const auto& [text, value] : cases) {
        const std::string message = refusal(text);
        const std::string option(text, std::string_view(text).find('='));
        EXPECT_NE(message.find(option), std::string::npos) << text << ": " << message;
        EXPECT_NE(message.find(value), std::string::npos) << text << ": " << message;
    }
    EXPECT_NE(refusal("window=9:1").find("9:1"), std::string::npos);
    EXPECT_NE(refusal("mlp_spatial=7@0*1/7@1*1").find("twice"), std::string::npos);
    EXPECT_NE(refusal("spatial_rnage=2").find("spatial_range"), std::string::npos);
}

TEST(PabOptions, AreCheckedWhereThePolicyIsMadeToo) {
    PabOptions options;
    options.cross.range = 0;
    EXPECT_THROW(make_pab(options, latte_schedule()), Error);
    options = {};
    options.mlp_temporal = {{720, {0}, -1}};
    EXPECT_THROW(make_pab(options, latte_schedule()), Error);
}

TEST(PabOptions, DescribeThemselvesWithTheModelsValues) {
    const std::vector<PolicyOption> described = describe_pab(latte_pab());
    const auto find = [&](std::string_view name) {
        return *std::find_if(described.begin(), described.end(),
                             [&](const auto& option) { return option.name == name; });
    };
    EXPECT_EQ(find("cross_range").value, "6");
    EXPECT_EQ(find("mlp_spatial").value, "720@0-4*2/640@0-4*2/560@0-4*2/480@0-4*2/400@0-4*2");
    EXPECT_NE(find("mlp_spatial").help.find("720@0-4*2/640@0+2*1"), std::string::npos);
    EXPECT_EQ(find("keep").value, "gated");
}

}  // namespace
}  // namespace kine::broadcast
