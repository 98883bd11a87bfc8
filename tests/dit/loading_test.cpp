// Which weights are in memory when, and what can be said of a model without them.
#include "dit/families/families.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/model_places.h"
#include "dit/presets.h"
#include "tests/dit/denoise.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <fstream>

namespace kine::dit {
namespace {

namespace fs = std::filesystem;

fs::path golden(const char* name) { return source_tree() / "tests" / "golden" / name; }

constexpr int64_t kTables = 4096;  // bytes of numbers from configurations, such as the latents' means
constexpr const char* kFamilyCases[] = {"latte", "open_sora", "cogvideox", "wan"};

class OfEachFamily : public testing::TestWithParam<const char*> {
  protected:
    fs::path model() const { return golden(GetParam()) / "model"; }

    Request request() const {
        Request request = GoldenCase(golden(GetParam())).request();
        request.steps = 2;
        return request;
    }

    static std::unique_ptr<Generator> open(Context& context, const fs::path& model, Residency residency) {
        return Generator::open(context, diffusers_source(model), {.residency = residency});
    }
};

TEST_P(OfEachFamily, AStagesWeightsAtATimeGiveTheSameBitsInLessMemory) {
    TestContext whole, staged;
    const auto all = open(whole.context, model(), Residency::All);
    const auto turns = open(staged.context, model(), Residency::Stage);
    EXPECT_LT(staged.allocator.bytes_in_use(), kTables) << "opening reads no weights";
    const std::vector<Tensor> expected = denoise(*all, whole.context, request());
    for (int run = 0; run < 2; ++run) {
        const std::vector<Tensor> latents = denoise(*turns, staged.context, request());
        ASSERT_EQ(latents.size(), expected.size());
        EXPECT_TRUE(same_bits(latents.back(), expected.back())) << "run " << run;
    }
    const int64_t weights = whole.allocator.bytes_in_use();
    EXPECT_LT(staged.allocator.bytes_in_use(), weights) << "only the last stage's are left";
}

TEST_P(OfEachFamily, ABudgetTooSmallForAllWeightsLetsStagesTakeTurns) {
    TestContext whole, small;
    const auto all = open(whole.context, model(), Residency::All);
    const Estimate estimate = all->estimate(whole.context, request());
    int64_t largest = 0;
    for (const StageEstimate& stage : estimate.stages)
        largest = std::max(largest, stage.weight_bytes + stage.working_bytes);
    ASSERT_LT(largest, estimate.peak_bytes);
    const std::vector<Tensor> expected = denoise(*all, whole.context, request());

    small.allocator.set_budget(estimate.peak_bytes - 1);
    const auto turns = open(small.context, model(), Residency::Auto);
    EXPECT_TRUE(turns->estimate(small.context, request()).is_staged);
    EXPECT_TRUE(same_bits(denoise(*turns, small.context, request()).back(), expected.back()));
    EXPECT_LE(small.allocator.peak_bytes(), small.allocator.budget());
}

/// The same folders and configurations, no weights and no vocabulary.
fs::path configurations_of(const fs::path& model, const TemporaryFolder& folder) {
    const fs::path copy = folder.path() / "configurations";
    for (const auto& file : fs::recursive_directory_iterator(model)) {
        const fs::path target = copy / fs::relative(file.path(), model);
        if (file.path().extension() != ".json") continue;
        fs::create_directories(target.parent_path());
        fs::copy_file(file.path(), target);
    }
    return copy;
}

TEST_P(OfEachFamily, ConfigurationsAloneGiveThePlanOfTheWholeDirectory) {
    const TemporaryFolder folder;
    TestContext bundle;
    const auto whole = open(bundle.context, model(), Residency::All);
    const int64_t loaded = bundle.allocator.bytes_in_use();
    const auto planned =
        Generator::open(bundle.context, diffusers_source(configurations_of(model(), folder)), {.is_plan = true});
    EXPECT_LT(bundle.allocator.bytes_in_use() - loaded, kTables) << "a plan reads no weights";
    const Request asked = planned->resolve(request());
    EXPECT_EQ(planned->plan(asked).to_text(), whole->plan(asked).to_text());
    const Estimate of_plan = planned->estimate(bundle.context, asked),
                   of_whole = whole->estimate(bundle.context, asked);
    EXPECT_EQ(of_plan.peak_bytes, of_whole.peak_bytes);
    for (const Stage stage : kStages) {
        EXPECT_EQ(planned->model().weights[stage], whole->model().weights[stage]) << name_of(stage);
        const bool has_it = stage != Stage::Refine || planned->model().has_second_guidance;
        EXPECT_EQ(planned->model().weights[stage] > 0, has_it) << name_of(stage);
    }
}

TEST_P(OfEachFamily, APlanCannotRunAndSaysSo) {
    TestContext bundle;
    const auto planned = Generator::open(bundle.context, diffusers_source(model()), {.is_plan = true});
    FrameQueue frames(100);
    Observer quiet;
    try {
        planned->generate(bundle.context, request(), frames, quiet, {});
        FAIL() << "a plan ran";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage);
        EXPECT_NE(std::string(error.what()).find("opened to plan"), std::string::npos) << error.what();
    }
}

TEST_P(OfEachFamily, AMissingWeightFileIsToldWhenTheModelIsOpened) {
    const TemporaryFolder folder;
    TestContext bundle;
    const fs::path copy = configurations_of(model(), folder);
    for (const Residency residency : {Residency::All, Residency::Stage}) {
        try {
            open(bundle.context, copy, residency);
            FAIL() << "a model without weights was opened";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::BadInput) << error.what();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Loading, OfEachFamily, testing::ValuesIn(kFamilyCases));

/// Of a model with two experts, whose turns come within the denoising.
TEST(Experts, TakeTurnsInMemoryOnEveryRank) {
    const ModelSource source = diffusers_source(golden("wan") / "model");
    Request request = GoldenCase(golden("wan")).request();
    TestContext whole;
    const auto all = Generator::open(whole.context, source, {.residency = Residency::All});
    const StageWeights& weights = all->model().weights;
    ASSERT_GT(weights[Stage::Refine], 0);
    for (const char* strategy : {"ulysses", "megatron"}) {
        request.ranks = 2;
        request.parallel = strategy;
        const std::vector<Tensor> expected = denoise(*all, whole.context, request);
        TestContext staged;
        const auto turns = Generator::open(staged.context, source, {.residency = Residency::Stage});
        EXPECT_TRUE(same_bits(denoise(*turns, staged.context, request).back(), expected.back())) << strategy;
        EXPECT_LT(staged.allocator.bytes_in_use(), weights[Stage::Refine] + kTables) << "only the second's are left";
    }
}

/// Parameters in thousands of millions, to three digits.
struct Published {
    const char* preset;
    const char* encoders;
    const char* transformer;
    const char* decoder;
};

std::ostream& operator<<(std::ostream& out, const Published& row) { return out << row.preset; }

class PublishedSizes : public testing::TestWithParam<Published> {};

std::string milliards(int64_t bytes) {
    return fmt::format("{:.3f}", static_cast<double>(bytes) / size_of(DType::Float32) / 1e9);
}

TEST_P(PublishedSizes, FollowFromTheConfigurationsToThePrintedDigit) {
    TestContext bundle;
    const auto generator = Generator::open(bundle.context, find_preset(GetParam().preset).source, {.is_plan = true});
    const StageWeights& weights = generator->model().weights;
    EXPECT_EQ(milliards(weights[Stage::Encode]), GetParam().encoders);
    EXPECT_EQ(milliards(weights[Stage::Denoise] + weights[Stage::Refine]), GetParam().transformer);
    EXPECT_EQ(milliards(weights[Stage::Decode]), GetParam().decoder);
    EXPECT_LT(bundle.allocator.peak_bytes(), kTables);
}

// Transformers and VAE halves of Wan are as published, CogVideoX says 1.69 and 5.57, Open-Sora 4.84 GB in f32. Encoders
// are UMT5-XXL's 5.681 and T5-XXL's 4.762, for image to video with the encoder half of the VAE.
INSTANTIATE_TEST_SUITE_P(Presets, PublishedSizes,
                         testing::Values(Published{"wan2.1-t2v-1.3b", "5.681", "1.419", "0.073"},
                                         Published{"wan2.1-t2v-14b", "5.681", "14.288", "0.073"},
                                         Published{"wan2.2-t2v-a14b", "5.681", "28.577", "0.073"},
                                         Published{"wan2.2-ti2v-5b", "5.829", "5.000", "0.555"},
                                         Published{"cogvideox-2b", "4.762", "1.694", "0.123"},
                                         Published{"cogvideox-5b", "4.762", "5.570", "0.123"},
                                         Published{"latte-1", "4.762", "1.057", "0.049"},
                                         Published{"open-sora-1.2", "4.764", "1.209", "0.215"}));

/// What a preset says of its model must be what the family says of a directory with these configurations, but for what
/// a directory cannot tell.
TEST(Presets, SayWhatTheFamilySays) {
    TestContext bundle;
    for (const Preset& preset : presets()) {
        ModelSource plain = preset.source;
        plain.defaults = nullptr;
        const ModelPlace place{plain, DType::BFloat16, true};
        EXPECT_EQ(to_json(open_model(bundle.context, place)->defaults),
                  to_json(with_overrides({}, preset.source.defaults, preset.name)))
            << preset.name;
    }
}

TEST(Presets, AreListedWhereANameIsUnknown) {
    try {
        find_preset("open-sora");
        FAIL() << "an unknown preset was found";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage);
        EXPECT_NE(std::string(error.what()).find("open-sora-1.2"), std::string::npos) << error.what();
    }
}

TEST(Presets, OfFilesAreCheckedLikeDirectories) {
    const TemporaryFolder folder;
    const auto code_of = [&](const std::string& text) {
        try {
            find_preset(folder.write("mine.json", text));
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::Ok;
    };
    EXPECT_EQ(code_of("["), ErrorCode::BadInput);
    EXPECT_EQ(code_of("[]"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"name": "mine"})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"name": "mine", "defaults": {}, "model_index": {"vae": ["a", "b"]}})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"name": "mine", "dtype": "f8", "defaults": {}, "model_index": {}})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"name": "mine", "defaults": {}, "model_index": {}})"), ErrorCode::Ok);
    EXPECT_EQ(code_of(R"({"name": "mine", "defaults": {}, "model_index": {"transformer_2": [null, null]}})"),
              ErrorCode::Ok)
        << "diffusers writes what a pipeline lacks as nulls";
}

class LoneConfiguration : public testing::TestWithParam<const char*> {
  protected:
    std::string plan_of(const ModelSource& source) {
        const auto generator = Generator::open(bundle.context, source, {.is_plan = true});
        return generator->plan(generator->resolve({})).to_text();
    }

    TestContext bundle;
    TemporaryFolder folder;
};

TEST_P(LoneConfiguration, OfATransformerGivesThePlanOfThePublishedModel) {
    const ModelSource published = find_preset(GetParam()).source;
    const fs::path file = folder.path() / "config.json";
    std::ofstream(file) << published.config("transformer", "").dump();
    EXPECT_EQ(plan_of(find_model(folder.path().string())), plan_of(published));
    fs::create_directory(folder.path() / "transformer");
    fs::rename(file, folder.path() / "transformer" / "config.json");
    EXPECT_EQ(plan_of(find_model(folder.path().string())), plan_of(published));
}

INSTANTIATE_TEST_SUITE_P(Presets, LoneConfiguration,
                         testing::Values("latte-1", "open-sora-1.2", "cogvideox-2b", "cogvideox-1.5-5b",
                                         "wan2.1-t2v-1.3b", "wan2.1-t2v-14b"));

TEST_F(LoneConfiguration, OfTheOriginalRepositoryIsUnderstoodToo) {
    std::ofstream(folder.path() / "config.json")
        << R"({"_class_name": "WanModel", "model_type": "t2v", "dim": 5120, "ffn_dim": 13824, "freq_dim": 256,
              "in_dim": 16, "num_heads": 40, "num_layers": 40, "out_dim": 16, "text_len": 512})";
    EXPECT_EQ(plan_of(find_model(folder.path().string())), plan_of(find_preset("wan2.1-t2v-14b").source));
}

TEST_F(LoneConfiguration, CannotRunAndOfAnUnknownClassIsNamed) {
    std::ofstream(folder.path() / "config.json") << R"({"_class_name": "NewTransformer3DModel"})";
    try {
        find_model(folder.path().string());
        ADD_FAILURE() << "was opened";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_NE(std::string(error.what()).find("NewTransformer3DModel"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace kine::dit
