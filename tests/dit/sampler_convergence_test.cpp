// How fast each sampler approaches the true solution as steps double. The problem has one: data of a normal
// distribution with deviation s, for which the best prediction and the path of the probability flow are known in closed
// form: the path keeps x / sqrt(alpha^2 s^2 + sigma^2).
#include "dit/sampling/samplers.h"
#include "runtime/io/json.h"
#include "tests/support/random.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace kine::dit {
namespace {

constexpr double kDeviation = 0.6;
constexpr double kStart = 1.25;

struct Level {
    double alpha;
    double sigma;

    double variance() const { return alpha * alpha * kDeviation * kDeviation + sigma * sigma; }
    double clean(double x) const { return alpha * kDeviation * kDeviation * x / variance(); }
    double noise(double x) const { return sigma * x / variance(); }
};

/// What the model says at a level and x, and the level of a step.
struct Problem {
    std::function<double(const Level&, double x)> predict;
    std::function<Level(const Sampler&, size_t index)> level;
};

double error_of(const Problem& problem, std::string_view name, const Json& config, int64_t steps) {
    TestContext bundle;
    const auto sampler = make_sampler(name, config, "config", steps);
    const auto noise = make_noise(NoiseKind::Philox, 1);
    Tensor latents = from_doubles(bundle.context, {1, 1, 1, 1}, DType::Float32, {kStart});
    for (int index = 0; index < static_cast<int>(steps); ++index) {
        const Level level = problem.level(*sampler, static_cast<size_t>(index));
        const double prediction = problem.predict(level, to_doubles(latents)[0]);
        const Tensor predicted = from_doubles(bundle.context, latents.shape(), DType::Float32, {prediction});
        latents = sampler->step(bundle.context, index, predicted, latents, *noise);
    }
    const double last = problem.level(*sampler, static_cast<size_t>(steps)).variance();
    const double exact = kStart * std::sqrt(last / problem.level(*sampler, 0).variance());
    return std::abs(to_doubles(latents)[0] - exact);
}

/// The exponent p of error ~ steps^-p between `few` and 4 * few steps.
double order_of(const Problem& problem, std::string_view name, const Json& config, int64_t few) {
    return std::log2(error_of(problem, name, config, few) / error_of(problem, name, config, 4 * few)) / 2;
}

Level flow_level(const Sampler& sampler, size_t index) {
    const double sigma = sampler.sigmas()[index];
    return {1.0 - sigma, sigma};
}

Level diffusion_level(const Sampler& sampler, size_t index) {
    if (index == sampler.timesteps().size()) return {1.0, 0.0};
    double alpha = 1.0;
    for (int t = 0; t <= static_cast<int>(sampler.timesteps()[index]); ++t)
        alpha *= 1.0 - (0.0001 + (0.02 - 0.0001) * t / 999.0);
    return {std::sqrt(alpha), std::sqrt(1.0 - alpha)};
}

/// Sigma as noise over signal.
Level ratio_level(const Sampler& sampler, size_t index) {
    const double sigma = sampler.sigmas()[index];
    const double alpha = 1.0 / std::sqrt(1.0 + sigma * sigma);
    return {alpha, sigma * alpha};
}

const Problem kFlow = {[](const Level& level, double x) { return level.noise(x) - level.clean(x); }, flow_level};
const Problem kNoise = {[](const Level& level, double x) { return level.noise(x); }, diffusion_level};
const Problem kClean = {[](const Level& level, double x) { return level.clean(x); }, ratio_level};

const Json kDdim = {{"clip_sample", false}, {"timestep_spacing", "trailing"}};
// These levels shrink every step of the logarithm alike as there are more of them; spacings that are even in time keep
// a first or last step of infinite length, whose error hides the order.
const Json kKarras = {{"use_karras_sigmas", true}, {"final_sigmas_type", "sigma_min"}, {"prediction_type", "sample"}};
const Json kFlowSigmas = {{"use_flow_sigmas", true}, {"prediction_type", "flow_prediction"}};

TEST(SamplerConvergence, DdimIsOfFirstOrder) { EXPECT_NEAR(order_of(kNoise, "ddim", kDdim, 25), 1.0, 0.2); }

TEST(SamplerConvergence, EulerIsOfFirstOrder) {
    EXPECT_NEAR(order_of(kFlow, "euler_flow", Json::object(), 16), 1.0, 0.2);
}

// Sixteen steps and more: with fewer, lower_order_final changes the method.
TEST(SamplerConvergence, Dpmpp2mIsOfSecondOrder) { EXPECT_NEAR(order_of(kClean, "dpmpp_2m", kKarras, 32), 2.0, 0.3); }

TEST(SamplerConvergence, UniPcIsAtLeastOfSecondOrder) {
    EXPECT_GT(order_of(kClean, "unipc", kKarras, 16), 1.8);
    EXPECT_LT(error_of(kClean, "unipc", kKarras, 16), error_of(kClean, "dpmpp_2m", kKarras, 16));
}

TEST(SamplerConvergence, AllArriveAtTheExactSolution) {
    EXPECT_LT(error_of(kNoise, "ddim", kDdim, 1000), 2e-3);
    EXPECT_LT(error_of(kFlow, "euler_flow", Json::object(), 1000), 2e-3);
    EXPECT_LT(error_of(kFlow, "dpmpp_2m", kFlowSigmas, 200), 1e-3);
    EXPECT_LT(error_of(kFlow, "unipc", kFlowSigmas, 200), 1e-3);
}

}  // namespace
}  // namespace kine::dit
