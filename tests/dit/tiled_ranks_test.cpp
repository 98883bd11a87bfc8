// Ranks that switch tokens in tiles: the bits of one rank, and the bytes of bare all-to-alls.
#include "dit/families/families.h"
#include "dit/golden_case.h"
#include "parallel/strategies/strategies.h"
#include "tests/dit/tiled_predictions.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <ostream>

namespace kine::dit {
namespace {

/// Strategies that have tiles there: branches in turn, or heads where the first rank has several.
struct Tiled {
    const char* name;
    const char* model;
    std::vector<const char*> strategies;
    std::vector<int> ranks;
};

void PrintTo(const Tiled& row, std::ostream* out) { *out << row.model; }

const Tiled kTiled[] = {
    {"latte", "tests/golden/latte/model", {"dsp_frames", "dsp_patches"}, {2, 3, 5}},
    {"open_sora", "tests/golden/open_sora/model", {"dsp_frames", "dsp_patches"}, {2, 3}},
    {"five_heads", "assets/demo", {"dsp_frames", "dsp_patches", "ulysses_frames", "ulysses_patches"}, {2, 3, 4}},
    {"three_heads_and_text", "tests/golden/cogvideox_2b/model", {"dsp_patches", "ulysses_frames"}, {2}},
};

/// Five frames of six patches, both guidance branches.
Request small_request() {
    Request request;
    request.prompt = "a red circle";
    request.width = 48;
    request.height = 32;
    request.num_frames = 5;
    request.guidance_scale = 4.0;
    return request;
}

class TiledRanks : public testing::TestWithParam<Tiled> {};

TEST_P(TiledRanks, GiveTheBitsOfOneRankAndSendNoByteMore) {
    TestContext bundle;
    const std::filesystem::path folder = source_tree() / GetParam().model;
    const auto model = load_model(bundle.context, diffusers_source(folder), DType::Float32);
    const bool is_golden = std::filesystem::exists(folder.parent_path() / "case.json");
    Request request = is_golden ? GoldenCase(folder.parent_path()).request() : small_request();
    request.steps = 2;
    request = resolve_request(*model, request);
    const std::vector<Tensor> alone = predict_in_tiles(bundle.context, *model, request, 1).all;
    for (const char* strategy : GetParam().strategies) {
        for (const int ranks : GetParam().ranks) {
            SCOPED_TRACE(fmt::format("{} on {} ranks", strategy, ranks));
            request.parallel = strategy;
            request.ranks = ranks;
            const Predictions tiled = predict_in_tiles(bundle.context, *model, request, 1);
            const Predictions bare = predict_in_tiles(bundle.context, *model, request, parallel::kLeastTileBytes);
            ASSERT_EQ(tiled.all.size(), alone.size());
            for (size_t step = 0; step < alone.size(); ++step) {
                EXPECT_TRUE(same_bits(tiled.all[step], alone[step])) << "tiled, step " << step;
                EXPECT_TRUE(same_bits(bare.all[step], alone[step])) << "bare, step " << step;
            }
            EXPECT_EQ(tiled.traffic.bytes_sent, bare.traffic.bytes_sent);
            EXPECT_GT(tiled.traffic.calls, bare.traffic.calls) << "there were no tiles";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Models, TiledRanks, testing::ValuesIn(kTiled),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace kine::dit
