// Wan's own rules: names, versions, sizes, experts, ranks.
#include "broadcast/policies/pab.h"
#include "dit/families/families.h"
#include "dit/families/wan/config.h"
#include "dit/families/wan/names.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/run.h"
#include "parallel/strategies/strategies.h"
#include "tests/dit/denoise.h"
#include "tests/dit/planned_traffic.h"
#include "tests/dit/steps_of_one.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

std::filesystem::path golden_case() { return source_tree() / "tests" / "golden" / "wan"; }

TEST(WanNames, AreThoseOfTheOriginalFilesToo) {
    const std::pair<const char*, const char*> names[] = {
        {"blocks.3.self_attn.q.weight", "blocks.3.attn1.to_q.weight"},
        {"blocks.3.self_attn.norm_k.weight", "blocks.3.attn1.norm_k.weight"},
        {"blocks.12.cross_attn.o.bias", "blocks.12.attn2.to_out.0.bias"},
        {"blocks.0.norm3.weight", "blocks.0.norm2.weight"},
        {"blocks.0.modulation", "blocks.0.scale_shift_table"},
        {"blocks.0.ffn.2.bias", "blocks.0.ffn.net.2.bias"},
        {"model.diffusion_model.head.head.weight", "proj_out.weight"},
        {"head.modulation", "scale_shift_table"},
        {"time_projection.1.bias", "condition_embedder.time_proj.bias"},
        {"text_embedding.2.weight", "condition_embedder.text_embedder.linear_2.weight"},
        {"blocks.0.ffn.net.0.proj.weight", "blocks.0.ffn.net.0.proj.weight"},
        {"patch_embedding.weight", "patch_embedding.weight"},
    };
    for (const auto& [stored, ours] : names) EXPECT_EQ(wan::transformer_name(stored), ours);
}

Json small_config() {
    return {{"num_attention_heads", 2}, {"attention_head_dim", 16}, {"num_layers", 1}, {"ffn_dim", 8}, {"text_dim", 4}};
}

std::string refusal_of(const char* key, const Json& value) {
    Json config = small_config();
    config[key] = value;
    try {
        wan::Config::from_json(config, "transformer/config.json");
    } catch (const Error& error) {
        return fmt::format("{} {}", static_cast<int>(error.code()), error.what());
    }
    return "";
}

TEST(WanConfig, NamesAVersionThatWeLack) {
    EXPECT_NO_THROW(wan::Config::from_json(small_config(), "transformer/config.json"));
    EXPECT_TRUE(refusal_of("_class_name", "WanVACETransformer3DModel").starts_with("4 "))
        << refusal_of("_class_name", "X");
    EXPECT_NE(refusal_of("_class_name", "WanVACETransformer3DModel").find("WanVACETransformer3DModel"),
              std::string::npos);
    EXPECT_TRUE(refusal_of("image_dim", 1280).starts_with("4 "));
    EXPECT_TRUE(refusal_of("in_channels", 36).starts_with("4 "));
    EXPECT_TRUE(refusal_of("patch_size", Json{2, 2, 2}).starts_with("4 "));
    EXPECT_TRUE(refusal_of("attention_head_dim", 15).starts_with("3 "));
}

class Wan : public testing::Test {
  protected:
    TestContext bundle;
    std::unique_ptr<Model> model =
        load_model(bundle.context, diffusers_source(golden_case() / "model"), DType::Float32);
    Request request = GoldenCase(golden_case()).request();
};

TEST_F(Wan, RoundsFramesAndSizesAsItsPipelineDoes) {
    request.num_frames = 12;
    EXPECT_EQ(resolve_request(*model, request).num_frames, 13);
    request.num_frames = 3;
    EXPECT_EQ(resolve_request(*model, request).num_frames, 1);
    request.width = 72;
    EXPECT_THROW(resolve_request(*model, request), Error) << "the pipeline wants multiples of 16";
}

TEST_F(Wan, CountsReuseAnewWhereTheSecondExpertTakesOver) {
    const broadcast::Schedule schedule = model->reuse_schedule({999, 950, 900, 860, 840, 500, 300, 100});
    EXPECT_EQ(schedule.restarts, std::vector<int>({4}));
    broadcast::PabOptions options;
    options.spatial = {3, 0, 1000};
    const auto policy = broadcast::make_pab(options, schedule);
    std::vector<int> sources;
    for (int step = 0; step < 8; ++step)
        sources.push_back(policy->source({broadcast::SiteKind::JointAttention, 0}, step));
    EXPECT_EQ(sources, std::vector<int>({0, 0, 0, 3, 4, 4, 4, 7}));
}

TEST_F(Wan, RefusesMlpSpansAcrossTheExperts) {
    const broadcast::Schedule schedule = model->reuse_schedule({999, 900, 840, 500});
    broadcast::PabOptions options;
    options.mlp_spatial = {{900, {0}, 1}};
    EXPECT_THROW(broadcast::make_pab(options, schedule), Error);
}

TEST_F(Wan, TakesNoImageWhereTheFirstFrameIsNoise) {
    request = resolve_request(*model, request);
    request.image = Tensor::zeros(bundle.context, {32, 64, 3}, DType::UInt8);
    EXPECT_THROW(model->encode_image(bundle.context, request, *make_run_noise(*model, request)), Error);
}

/// T = 3 frames of S = 15 patches: two and four ranks divide neither.
TEST_F(Wan, GivesTheBitsOfOneRankUnderEveryStrategy) {
    const auto generator = Generator::open(bundle.context, golden_case() / "model", DType::Float32);
    request.width = 80;
    request.height = 48;
    request.num_frames = 9;
    request.steps = 3;
    const auto run = [&] { return denoise(*generator, bundle.context, request); };
    const double noise = merging_noise(golden_case());
    for (const char* cache : {"none", "pab"}) {
        request.cache = cache;
        request.cache_options = request.cache == "pab" ? "spatial_range=2,cross_range=2,window=0:1001" : "";
        request.ranks = 1;
        const std::vector<Tensor> alone = run();
        for (const parallel::Strategy& strategy : parallel::strategies()) {
            request.parallel = strategy.name;
            for (const int64_t ranks : {2, 4}) {
                request.ranks = ranks;
                expect_steps_of_one(strategy, run(), alone, noise,
                                    fmt::format("{} on {}, cache {}", strategy.name, ranks, cache));
            }
        }
    }
}

/// Two heads: the third rank has none where heads are shared out.
TEST_F(Wan, SendsToTheByteWhatThePlannerSays) {
    const auto generator = Generator::open(bundle.context, golden_case() / "model", DType::Float32);
    request.steps = 2;
    request.ranks = 3;
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        request.parallel = strategy.name;
        expect_planned_traffic(*generator, bundle.context, request);
    }
}

}  // namespace
}  // namespace kine::dit
