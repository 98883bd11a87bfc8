// CogVideoX's own rules: configurations, sizes, guidance, noise, ranks.
#include "dit/families/cogvideox/config.h"
#include "dit/families/cogvideox/family.h"
#include "dit/families/families.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/modules/position_table.h"
#include "dit/modules/rotary_grid.h"
#include "dit/presets.h"
#include "dit/rank_plan.h"
#include "dit/run.h"
#include "parallel/strategies/strategies.h"
#include "tests/dit/denoise.h"
#include "tests/dit/planned_traffic.h"
#include "tests/dit/steps_of_one.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::dit {
namespace {

std::filesystem::path golden(const char* name) { return source_tree() / "tests" / "golden" / name; }

Json small_config() {
    return {{"num_attention_heads", 1}, {"attention_head_dim", 16}, {"num_layers", 1}, {"text_embed_dim", 4}};
}

struct Refusal {
    const char* changes;
    ErrorCode code;
    const char* named;
};

TEST(CogVideoXConfig, NamesWhatItRefuses) {
    const Refusal refusals[] = {
        {R"({"activation_fn": "gelu"})", ErrorCode::Unsupported, "activation_fn"},
        {R"({"timestep_activation_fn": "gelu"})", ErrorCode::Unsupported, "timestep_activation_fn"},
        {R"({"flip_sin_to_cos": false})", ErrorCode::Unsupported, "flip_sin_to_cos"},
        {R"({"freq_shift": 1})", ErrorCode::Unsupported, "freq_shift"},
        {R"({"norm_elementwise_affine": false})", ErrorCode::Unsupported, "norm_elementwise_affine"},
        {R"({"use_learned_positional_embeddings": true})", ErrorCode::Unsupported, "learned"},
        {R"({"patch_size_t": 2})", ErrorCode::Unsupported, "patch_size_t"},
        {R"({"max_text_seq_length": 224})", ErrorCode::Unsupported, "max_text_seq_length"},
        {R"({"in_channels": 33})", ErrorCode::Unsupported, "in_channels"},
        {R"({"ofs_embed_dim": 512})", ErrorCode::Unsupported, "ofs_embed_dim"},
        {R"({"ofs_embed_dim": 60, "in_channels": 32})", ErrorCode::BadInput, "ofs_embed_dim"},
        {R"({"_class_name": "CogView3PlusTransformer2DModel"})", ErrorCode::Unsupported, "CogView3Plus"},
        {R"({"attention_head_dim": 24})", ErrorCode::BadInput, "width of a token"},
        {R"({"attention_head_dim": 24, "num_attention_heads": 2, "use_rotary_positional_embeddings": true})",
         ErrorCode::BadInput, "attention_head_dim"},
        {R"({"num_layers": 0})", ErrorCode::BadInput, "num_layers"},
        {R"({"patch_size": "two"})", ErrorCode::BadInput, "patch_size"},
        {R"({"spatial_interpolation_scale": 0})", ErrorCode::BadInput, "spatial_interpolation_scale"},
        {R"({"norm_eps": -1})", ErrorCode::BadInput, "norm_eps"},
    };
    EXPECT_NO_THROW(cogvideox::Config::from_json(small_config(), "file"));
    for (const Refusal& refusal : refusals) {
        Json config = small_config();
        config.update(Json::parse(refusal.changes));
        try {
            cogvideox::Config::from_json(config, "transformer/config.json");
            FAIL() << "accepted " << refusal.changes;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), refusal.code) << refusal.changes;
            EXPECT_NE(std::string(error.what()).find(refusal.named), std::string::npos) << error.what();
            EXPECT_NE(std::string(error.what()).find("transformer/config.json"), std::string::npos) << error.what();
        }
    }
}

TEST(CogVideoXPositions, GiveAQuarterToTheFrameThenColumnsThenRows) {
    TestContext bundle;
    const VideoGrid grid = {.frames = 3, .rows = 2, .columns = 5, .spatial_interpolation = 2.0};
    const Tensor table = video_position_table(bundle.context, grid, 16);
    ASSERT_EQ(table.shape(), Shape({3, 10, 16}));
    const float* token = table.data<float>() + (2 * 10 + 1 * 5 + 4) * 16;  // frame 2, row 1, column 4
    EXPECT_FLOAT_EQ(token[0], std::sin(2.0f));
    EXPECT_FLOAT_EQ(token[2], std::cos(2.0f));
    EXPECT_FLOAT_EQ(token[4], std::sin(2.0f));      // column 4 / 2
    EXPECT_FLOAT_EQ(token[4 + 3], std::cos(2.0f));  // of three pairs
    EXPECT_FLOAT_EQ(token[10], std::sin(0.5f));     // row 1 / 2
}

class CogVideoX : public testing::Test {
  protected:
    void open(const char* name) {
        model = load_model(bundle.context, diffusers_source(golden(name) / "model"), DType::Float32);
        request = GoldenCase(golden(name)).request();
    }
    ErrorCode refusal() {
        try {
            resolve_request(*model, request);
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::Ok;
    }

    TestContext bundle;
    std::unique_ptr<Model> model;
    Request request;
};

TEST_F(CogVideoX, GivesAsManyFramesAsItsDecoderMakes) {
    open("cogvideox_2b");
    const std::pair<int64_t, int64_t> frames[] = {{1, 1},   {4, 1},   {5, 8},   {9, 9},
                                                  {13, 16}, {16, 16}, {17, 17}, {49, 49}};
    for (const auto& [asked, given] : frames) {
        request.num_frames = asked;
        const Request resolved = resolve_request(*model, request);
        EXPECT_EQ(resolved.num_frames, given);
        EXPECT_EQ(resolve_request(*model, resolved).num_frames, given);
        EXPECT_EQ(model->latent_shape(resolved)[1], (asked - 1) / 4 + 1);
    }
}

TEST_F(CogVideoX, DenoisesWholePatchesOfFramesAndDropsTheAdded) {
    open("cogvideox_1.5");
    request = resolve_request(*model, request);
    EXPECT_EQ(request.num_frames, 9);
    EXPECT_EQ(model->latent_shape(request)[1], 4);
    const Tensor latents = Tensor::zeros(bundle.context, model->latent_shape(request), DType::Float32);
    EXPECT_EQ(model->to_decode(bundle.context, request, {}, latents).dim(1), 3);
}

TEST_F(CogVideoX, RefusesSizesThatItHasNoPositionsFor) {
    open("cogvideox_1.5");  // counted up to 10 x 8 latent pixels
    request.width = 96;
    EXPECT_EQ(refusal(), ErrorCode::Usage);
    open("cogvideox");  // learned for one size
    request.width = 64;
    EXPECT_EQ(refusal(), ErrorCode::Usage);
    open("cogvideox_2b");  // computed for any
    request.width = 64;
    EXPECT_EQ(refusal(), ErrorCode::Ok);
    request.width = 56;
    EXPECT_EQ(refusal(), ErrorCode::Usage) << "half a patch";
    request.width = 64;
    request.num_frames = 100000;
    EXPECT_EQ(refusal(), ErrorCode::Usage);
}

TEST_F(CogVideoX, TakesAnImageOfTheVideosSizeWhereItsPipelineDoes) {
    open("cogvideox_2b");
    const auto noise = make_run_noise(*model, request);
    request.image = Tensor::zeros(bundle.context, {32, 48, 3}, DType::UInt8);
    EXPECT_THROW(model->encode_image(bundle.context, request, *noise), Error);
    open("cogvideox");
    EXPECT_EQ(model->encode_image(bundle.context, request, *noise).shape(), Shape({5, 1, 4, 6}));
    request.image = {};
    EXPECT_THROW(model->encode_image(bundle.context, request, *noise), Error);
    request.image = Tensor::zeros(bundle.context, {48, 32, 3}, DType::UInt8);
    EXPECT_THROW(model->encode_image(bundle.context, request, *noise), Error);
}

TEST_F(CogVideoX, DrawsNoiseFrameByFrameAsItsPipelineDoes) {
    open("cogvideox_2b");
    request.rng = "torch";
    const Tensor ours = make_run_noise(*model, request)->normal(bundle.context, {5, 3, 4, 6});
    const Tensor theirs = make_noise(NoiseKind::Torch, request.seed)->normal(bundle.context, {3, 5, 4, 6});
    EXPECT_EQ(ours.shape(), Shape({5, 3, 4, 6}));
    EXPECT_EQ(to_doubles(ours), to_doubles(theirs.transpose(0, 1)));
}

/// What diffusers' pipeline says for 8 steps and guidance 6 at these timesteps.
TEST_F(CogVideoX, ChangesGuidanceFromStepToStepAsTheReference) {
    open("cogvideox");
    const std::pair<double, double> scales[] = {{999, 1.376388485866829},
                                                {874, 5.01932653316056},
                                                {749, 2.623742270518334},
                                                {624, 6.9999999999992415},
                                                {124, 4.870854032110977}};
    request.steps = 8;
    request.guidance_scale = 6.0;
    request.dynamic_guidance = true;
    const Tensor branches = Tensor::of<float>(bundle.context, {2, 1, 1, 1, 1}, std::vector<float>{0.0f, 1.0f});
    for (const auto& [timestep, scale] : scales)
        EXPECT_FLOAT_EQ(model->guide(bundle.context, branches, request, timestep).data<float>()[0],
                        static_cast<float>(scale));
}

TEST_F(CogVideoX, LeavesGuidanceThatChangesToItsOwnFamily) {
    model = load_model(bundle.context, diffusers_source(golden("latte") / "model"), DType::Float32);
    request = GoldenCase(golden("latte")).request();
    request.dynamic_guidance = true;
    EXPECT_EQ(refusal(), ErrorCode::Usage);
}

struct Shared {
    const char* name;
    const char* keep;
    std::vector<int64_t> ranks;
};

class CogVideoXRanks : public testing::TestWithParam<Shared> {};

/// Image or not, patches of one frame or two: T and S that the ranks do not divide, and sites that keep both streams.
TEST_P(CogVideoXRanks, GiveTheBitsOfOneUnderEveryStrategy) {
    TestContext bundle;
    const auto generator = Generator::open(bundle.context, golden(GetParam().name) / "model", DType::Float32);
    Request request = GoldenCase(golden(GetParam().name)).request();
    request.steps = 3;
    request.cache = *GetParam().keep == 0 ? "none" : "pab";
    if (request.cache == "pab")
        request.cache_options = std::string("spatial_range=2,window=0:1001,keep=") + GetParam().keep;
    const std::vector<Tensor> alone = denoise(*generator, bundle.context, request);
    ASSERT_EQ(alone.size(), 3u);
    const double noise = merging_noise(golden(GetParam().name));
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        request.parallel = strategy.name;
        for (const int64_t ranks : GetParam().ranks) {
            request.ranks = ranks;
            expect_steps_of_one(strategy, denoise(*generator, bundle.context, request), alone, noise,
                                fmt::format("{} on {}", strategy.name, ranks));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, CogVideoXRanks,
                         testing::Values(Shared{"cogvideox", "ungated", {3}}, Shared{"cogvideox_2b", "ungated", {2, 4}},
                                         Shared{"cogvideox_2b", "gated", {3}}, Shared{"cogvideox_1.5", "", {4}}));

TEST_F(CogVideoX, GivesTheBitsOfOneBatchWithBranchesApart) {
    const auto generator = Generator::open(bundle.context, golden("cogvideox") / "model", DType::Float32);
    request = GoldenCase(golden("cogvideox")).request();
    request.steps = 2;
    const std::vector<Tensor> alone = denoise(*generator, bundle.context, request);
    request.ranks = 4;
    request.cfg_parallel = true;
    const std::vector<Tensor> shared = denoise(*generator, bundle.context, request);
    EXPECT_TRUE(same_bits(shared.back(), alone.back()));
    request.ranks = 1;
    request.cfg_parallel = false;
    request.sequential_guidance = true;
    EXPECT_TRUE(same_bits(denoise(*generator, bundle.context, request).back(), alone.back()));
}

TEST_F(CogVideoX, KeepsOtherOutputsWithAndWithoutTheGate) {
    const auto generator = Generator::open(bundle.context, golden("cogvideox_2b") / "model", DType::Float32);
    request = GoldenCase(golden("cogvideox_2b")).request();
    request.steps = 3;
    request.cache = "pab";
    const auto last = [&](const char* options) {
        request.cache_options = options;
        return denoise(*generator, bundle.context, request).back();
    };
    const Tensor ungated = last("spatial_range=2,window=0:1001,keep=ungated");
    EXPECT_FALSE(same_bits(last("spatial_range=2,window=0:1001,keep=gated"), ungated));
    // Without reuse only the rounding of the gated output differs.
    expect_close(last("spatial_range=1,window=0:1001,keep=gated"),
                 to_doubles(last("spatial_range=1,window=0:1001,keep=ungated")), {1e-4, 1e-4});
}

TEST_F(CogVideoX, StandsByItsPublishedDefaults) {
    open("cogvideox_2b");  // a tiny one: its own sample size
    EXPECT_EQ(model->defaults.width, 48);
    EXPECT_EQ(model->defaults.num_frames, 9);
    EXPECT_EQ(model->defaults.steps, 50);
    EXPECT_EQ(*resolve_request(*model, {}).guidance_scale, 6.0);
    const auto sampler = make_run_sampler(*model, resolve_request(*model, {}));
    Request reused;
    reused.cache = "pab";
    const broadcast::Plan plan = make_run_plan(*model, resolve_request(*model, reused), *sampler);
    // 50 trailing steps, every second one strictly inside 100..850: odd steps 9 to 43.
    const std::vector<int> steps = plan.reused_steps({broadcast::SiteKind::JointAttention, 0});
    EXPECT_EQ(steps.size(), 18u);
    EXPECT_EQ(steps.front(), 9);
    EXPECT_EQ(steps.back(), 43);
    EXPECT_TRUE(plan.reused_steps({broadcast::SiteKind::SpatialMlp, 0}).empty());
}

/// What ranks send, as the planner says it from sizes alone, text and all.
TEST_F(CogVideoX, SendsToTheByteWhatThePlannerSays) {
    const auto generator = Generator::open(bundle.context, golden("cogvideox_2b") / "model", DType::Float32);
    request = GoldenCase(golden("cogvideox_2b")).request();
    request.steps = 2;
    request.ranks = 3;
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        request.parallel = strategy.name;
        expect_planned_traffic(*generator, bundle.context, request);
    }
}

/// CogVideoX-2b as published: 13 x 1350 tokens of the video, 226 of the text, for both branches.
TEST(CogVideoXPreset, PricesThePublishedModelWithoutItsWeights) {
    TestContext bundle;
    const auto open = [&](const char* name) {
        return Generator::open(bundle.context, find_preset(name).source, {.dtype = DType::BFloat16, .is_plan = true});
    };
    Request request;
    request.cache = "pab";
    const auto generator = open("cogvideox-2b");
    EXPECT_EQ(generator->rank_work(request).tokens, Shape({2, 13, 1350, 1920}));
    const broadcast::Plan plan = generator->plan(request);
    EXPECT_EQ(plan.sites().front().bytes, 2 * (13 * 1350 + 226) * 1920 * 2);
    EXPECT_EQ(plan.reused_steps({broadcast::SiteKind::JointAttention, 29}).size(), 18u);
    EXPECT_EQ(open("cogvideox-1.5-5b")->rank_work({}).tokens, Shape({2, 11, 85 * 48, 3072}));
}

TEST(CogVideoXFamily, IsFoundByBothItsPipelines) {
    EXPECT_EQ(family_of(diffusers_source(golden("cogvideox") / "model")).name, "cogvideox");
    EXPECT_EQ(family_of(diffusers_source(golden("cogvideox_2b") / "model")).name, "cogvideox");
}

}  // namespace
}  // namespace kine::dit
