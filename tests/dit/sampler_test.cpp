// Samplers against the numbers of the reference schedulers, and every key that they must refuse.
#include "dit/sampling/samplers.h"
#include "runtime/io/json.h"
#include "tests/support/random.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::dit {
namespace {

const std::vector<float> kStart = {1.5f, -0.7f, 0.2f, -2.1f};

/// Draws the same four numbers every time.
class FixedNoise final : public Noise {
  public:
    Tensor normal(const Context& context, const Shape& shape) override {
        return Tensor::of<float>(context, shape, std::vector<float>{0.5f, -1.0f, 0.25f, 1.0f});
    }
};

Json reference_cases() { return read_json(source_tree() / "tests" / "dit" / "sampler_reference.json")["cases"]; }

std::unique_ptr<Sampler> make(const Json& reference) {
    const std::string name = reference["scheduler"];
    return make_sampler(name, reference["config"], "scheduler_config.json", reference["steps"].get<int64_t>());
}

/// Latents after each step of the model 0.6 x - 0.25.
std::vector<std::vector<double>> trajectory(const Context& context, Sampler& sampler) {
    FixedNoise noise;
    std::vector<std::vector<double>> result;
    Tensor latents = Tensor::of<float>(context, {1, 1, 2, 2}, kStart);
    for (int index = 0; index < static_cast<int>(sampler.timesteps().size()); ++index) {
        std::vector<double> values = to_doubles(latents);
        for (double& value : values) value = static_cast<float>(0.6f * static_cast<float>(value)) - 0.25f;
        const Tensor prediction = from_doubles(context, latents.shape(), DType::Float32, values);
        latents = sampler.step(context, index, prediction, latents, noise);
        result.push_back(to_doubles(latents));
    }
    return result;
}

// Thirty multiply-adds in another order than the reference's: a few roundings each, grown by at most the size of the
// coefficients, which reach 100 where little signal is left.
void expect_near(const std::vector<double>& got, const std::vector<double>& want, const std::string& what) {
    double largest = 1.0;
    for (const double value : want) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 5e-6 * largest) << what << ", element " << i;
}

class ReferenceRun : public testing::TestWithParam<size_t> {};

TEST_P(ReferenceRun, HasTheReferencesSchedule) {
    const Json reference = reference_cases()[GetParam()];
    const auto sampler = make(reference);
    const auto timesteps = reference["timesteps"].get<std::vector<double>>();
    const auto sigmas = reference["sigmas"].get<std::vector<double>>();
    ASSERT_EQ(sampler->timesteps().size(), timesteps.size()) << reference.dump();
    ASSERT_EQ(sampler->sigmas().size(), sigmas.size()) << reference.dump();
    // Whole numbers exactly; flow timesteps and sigmas to one rounding of float32, since pow and exp of other libraries
    // differ in the last bit. With zero terminal SNR that bit (of a square root) weighs more, as the rest is
    // subtracted.
    const double rounding = reference["config"].value("rescale_betas_zero_snr", false) ? 5e-6 : 1.2e-7;
    for (size_t i = 0; i < timesteps.size(); ++i)
        EXPECT_NEAR(sampler->timesteps()[i], timesteps[i], 1.2e-7 * timesteps[i]) << reference.dump();
    for (size_t i = 0; i < sigmas.size(); ++i)
        EXPECT_NEAR(sampler->sigmas()[i], sigmas[i], rounding * sigmas[i]) << reference.dump();
}

TEST_P(ReferenceRun, TakesTheReferencesSteps) {
    TestContext bundle;
    const Json reference = reference_cases()[GetParam()];
    const auto got = trajectory(bundle.context, *make(reference));
    const auto want = reference["latents"].get<std::vector<std::vector<double>>>();
    const std::string what = reference["scheduler"].get<std::string>() + " " + reference["config"].dump();
    expect_near(got.front(), want[0], what + " first");
    expect_near(got[got.size() / 2], want[1], what + " middle");
    expect_near(got.back(), want[2], what + " last");
}

TEST_P(ReferenceRun, RepeatsItselfWhenItStartsAnew) {
    TestContext bundle;
    const Json reference = reference_cases()[GetParam()];
    const auto sampler = make(reference);
    const auto first = trajectory(bundle.context, *sampler);
    EXPECT_EQ(first, trajectory(bundle.context, *sampler));
}

INSTANTIATE_TEST_SUITE_P(Diffusers, ReferenceRun, testing::Range<size_t>(0, reference_cases().size()));

ErrorCode code_of(std::string_view name, const Json& config, int64_t steps = 8) {
    try {
        make_sampler(name, config, "scheduler_config.json", steps);
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Ok;
}

TEST(Samplers, AreFoundByNameAndByClass) {
    for (const SamplerRow& row : samplers()) {
        EXPECT_EQ(code_of(row.name, Json::object()), ErrorCode::Ok) << row.name;
        EXPECT_EQ(code_of(row.class_name, Json::object()), ErrorCode::Ok) << row.class_name;
        EXPECT_FALSE(row.summary.empty());
    }
}

TEST(Samplers, RefuseAnUnknownClassAndListTheKnownOnes) {
    try {
        make_sampler("LCMScheduler", Json::object(), "scheduler_config.json", 8);
        FAIL() << "accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_NE(std::string(error.what()).find("LCMScheduler"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("DDIMScheduler"), std::string::npos);
    }
}

TEST(Samplers, RefuseNoStepsAndMoreThanWereTrained) {
    for (const SamplerRow& row : samplers()) {
        EXPECT_EQ(code_of(row.name, Json::object(), 0), ErrorCode::Usage) << row.name;
        EXPECT_EQ(code_of(row.name, Json::object(), -3), ErrorCode::Usage) << row.name;
        EXPECT_EQ(code_of(row.name, Json::object(), 1001), ErrorCode::Usage) << row.name;
    }
}

struct Refusal {
    std::string_view sampler;
    std::string_view config;
    ErrorCode code;
};

TEST(Samplers, RefuseValuesThatTheyCannotFollow) {
    const Refusal refusals[] = {
        {"ddim", R"({"beta_schedule": "sigmoid"})", ErrorCode::BadInput},
        {"ddim", R"({"timestep_spacing": "Trailing"})", ErrorCode::BadInput},
        {"ddim", R"({"prediction_type": "noise"})", ErrorCode::BadInput},
        {"ddim", R"({"prediction_type": "flow_prediction"})", ErrorCode::BadInput},
        {"ddim", R"({"beta_start": -0.1})", ErrorCode::BadInput},
        {"ddim", R"({"beta_start": 0.5, "beta_end": 0.1})", ErrorCode::BadInput},
        {"ddim", R"({"beta_end": 1.5})", ErrorCode::BadInput},
        {"ddim", R"({"beta_end": "0.02"})", ErrorCode::BadInput},
        {"ddim", R"({"num_train_timesteps": 0})", ErrorCode::BadInput},
        {"ddim", R"({"num_train_timesteps": 2147483648})", ErrorCode::BadInput},
        {"ddim", R"({"num_train_timesteps": 1000.5})", ErrorCode::BadInput},
        {"ddim", R"({"steps_offset": -1})", ErrorCode::BadInput},
        {"ddim", R"({"steps_offset": 900})", ErrorCode::Usage},
        {"ddim", R"({"trained_betas": [0.1, 0.2]})", ErrorCode::BadInput},
        {"ddim", R"({"eta": 1.5})", ErrorCode::Usage},
        {"ddim", R"({"clip_sample_range": 0})", ErrorCode::BadInput},
        {"ddim", R"({"dynamic_thresholding_ratio": 2})", ErrorCode::BadInput},
        {"ddim", R"({"rescale_betas_zero_snr": true, "timestep_spacing": "trailing"})", ErrorCode::BadInput},
        {"euler_flow", R"({"shift": 0})", ErrorCode::BadInput},
        {"euler_flow", R"({"shift": 1e300})", ErrorCode::BadInput},
        {"euler_flow", R"({"use_dynamic_shifting": true})", ErrorCode::Unsupported},
        {"euler_flow", R"({"use_dynamic_shifting": true, "mu": 1, "time_shift_type": "square"})", ErrorCode::BadInput},
        {"euler_flow", R"({"use_karras_sigmas": true})", ErrorCode::Unsupported},
        {"euler_flow", R"({"invert_sigmas": true})", ErrorCode::Unsupported},
        {"euler_flow", R"({"sigmas": [1, 0.5]})", ErrorCode::Usage},
        {"dpmpp_2m", R"({"solver_order": 3})", ErrorCode::Unsupported},
        {"dpmpp_2m", R"({"algorithm_type": "sde-dpmsolver++"})", ErrorCode::Unsupported},
        {"dpmpp_2m", R"({"solver_type": "heun"})", ErrorCode::Unsupported},
        {"dpmpp_2m", R"({"final_sigmas_type": "sigma_max"})", ErrorCode::BadInput},
        {"dpmpp_2m", R"({"use_karras_sigmas": true, "use_flow_sigmas": true})", ErrorCode::Unsupported},
        {"ddim", R"({"snr_shift_scale": 3})", ErrorCode::Unsupported},
        {"dpmpp_2m", R"({"snr_shift_scale": 3})", ErrorCode::Unsupported},
        {"unipc", R"({"snr_shift_scale": 3})", ErrorCode::Unsupported},
        {"cogvideox_ddim", R"({"snr_shift_scale": 0})", ErrorCode::BadInput},
        {"cogvideox_ddim", R"({"prediction_type": "flow_prediction"})", ErrorCode::BadInput},
        {"cogvideox_ddim", R"({"rescale_betas_zero_snr": true, "timestep_spacing": "trailing"})", ErrorCode::BadInput},
        {"cogvideox_dpm", R"({"beta_schedule": "sigmoid"})", ErrorCode::BadInput},
        {"cogvideox_dpm", R"({"beta_start": 0.5})", ErrorCode::BadInput},
        {"cogvideox_dpm", R"({"num_train_timesteps": 1})", ErrorCode::BadInput},
        {"cogvideox_dpm", R"({"steps_offset": 900})", ErrorCode::Usage},
        {"cogvideox_dpm", R"({"eta": -1})", ErrorCode::Usage},
        {"unipc", R"({"solver_type": "bh3"})", ErrorCode::BadInput},
        {"unipc", R"({"predict_x0": false})", ErrorCode::Unsupported},
        {"unipc", R"({"flow_shift": -1})", ErrorCode::BadInput},
        {"unipc", R"({"use_exponential_sigmas": true})", ErrorCode::Unsupported},
    };
    for (const Refusal& refusal : refusals)
        EXPECT_EQ(code_of(refusal.sampler, Json::parse(refusal.config)), refusal.code)
            << refusal.sampler << " " << refusal.config;
}

TEST(Samplers, NameTheFileAndTheKeyThatTheyRefuse) {
    try {
        make_sampler("unipc", Json::parse(R"({"use_beta_sigmas": true})"), "model/scheduler_config.json", 8);
        FAIL() << "accepted";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "model/scheduler_config.json: use_beta_sigmas is true, only false is supported");
    }
}

TEST(Samplers, TakeAsManyStepsAsAskedForWhateverTheSpacing) {
    for (const char* spacing : {"leading", "trailing", "linspace"}) {
        for (int64_t steps = 1; steps <= 1000; steps += 13) {
            const auto sampler = make_sampler("ddim", {{"timestep_spacing", spacing}}, "file", steps);
            EXPECT_EQ(static_cast<int64_t>(sampler->timesteps().size()), steps);
            EXPECT_GE(sampler->timesteps().back(), 0);
        }
    }
}

TEST(AdaptedSettings, KeepTheFlowThatTheModelWasTrainedFor) {
    const Json euler = {{"_class_name", "FlowMatchEulerDiscreteScheduler"}, {"shift", 5.0}};
    const Json adapted = adapted_settings(*find_sampler("unipc"), euler, "config");
    EXPECT_EQ(adapted["prediction_type"], "flow_prediction");
    EXPECT_EQ(adapted["use_flow_sigmas"], true);
    EXPECT_EQ(adapted["flow_shift"], 5.0);
    const Json unipc = {
        {"_class_name", "UniPCMultistepScheduler"}, {"prediction_type", "flow_prediction"}, {"flow_shift", 3.0}};
    const auto sampler =
        make_sampler("euler_flow", adapted_settings(*find_sampler("euler_flow"), unipc, "config"), "config", 4);
    const auto same = make_sampler("euler_flow", {{"shift", 3.0}}, "config", 4);
    EXPECT_EQ(sampler->sigmas(), same->sigmas());
}

TEST(AdaptedSettings, LeaveTheSamplersOwnSettingsAlone) {
    const Json ddim = {{"_class_name", "DDIMScheduler"}, {"beta_schedule", "linear"}};
    // A word of UniPC's alone: every sampler takes its own.
    const Json bh2 = {{"_class_name", "UniPCMultistepScheduler"}, {"solver_type", "bh2"}};
    EXPECT_FALSE(adapted_settings(*find_sampler("dpmpp_2m"), bh2, "config").contains("solver_type"));
    EXPECT_TRUE(adapted_settings(*find_sampler("unipc"), bh2, "config").contains("solver_type"));
    EXPECT_EQ(adapted_settings(*find_sampler("ddim"), ddim, "config"), ddim);
    EXPECT_EQ(adapted_settings(*find_sampler("dpmpp_2m"), ddim, "config"), ddim);
}

TEST(AdaptedSettings, RefuseASamplerOfAnotherPath) {
    const auto message = [](const char* sampler, const char* stored) {
        try {
            adapted_settings(*find_sampler(sampler), {{"_class_name", stored}}, "scheduler_config.json");
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Usage);
            return std::string(error.what());
        }
        return std::string();
    };
    EXPECT_EQ(message("euler_flow", "DDIMScheduler"),
              "sampler 'euler_flow' is made for flow matching, but scheduler_config.json says that the model is one of "
              "diffusion");
    EXPECT_EQ(message("ddim", "FlowMatchEulerDiscreteScheduler"),
              "sampler 'ddim' is made for diffusion, but scheduler_config.json says that the model is one of flow "
              "matching");
}

TEST(Samplers, TakeNoShiftOfAScheduleThatNamesNone) {
    const SamplerRow& shifted = sampler_row("cogvideox_dpm", "file");
    const Json of_ddim = adapted_settings(shifted, {{"_class_name", "DDIMScheduler"}}, "file");
    EXPECT_EQ(of_ddim["snr_shift_scale"], 1.0);
    const Json own =
        adapted_settings(shifted, {{"_class_name", "CogVideoXDDIMScheduler"}, {"snr_shift_scale", 3.0}}, "");
    EXPECT_EQ(own["snr_shift_scale"], 3.0);
}

// The reference makes 62 timesteps of 61 steps, the last of them -1, where its table's last entry is pure noise.
TEST(Samplers, EndCogVideoXsScheduleAtATimestep) {
    for (const char* name : {"cogvideox_ddim", "cogvideox_dpm"}) {
        const auto sampler = make_sampler(name, {{"timestep_spacing", "trailing"}}, "file", 61);
        EXPECT_EQ(sampler->timesteps().size(), 61u);
        EXPECT_GE(sampler->timesteps().back(), 0);
    }
}

}  // namespace
}  // namespace kine::dit
