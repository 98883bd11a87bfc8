// Latte-1 at its full size, 16 x 256 x 256 with guidance, random weights in bf16: each step computed whole and then
// under Pyramid Attention Broadcast as published, so that a processor that slows down slows both. Beside the speed-up
// stands the plan's price, 1 / (1 - skipped multiply-adds). Exit status 1 if they differ by more than a twentieth.
#include "apps/bench/bench_session.h"
#include "apps/bench/lone_step.h"
#include "apps/bench/random_model.h"
#include "dit/families/latte/transformer.h"

#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <exception>

namespace {

using namespace kine;

constexpr int kSteps = 10;
constexpr int64_t kFrames = 16;
constexpr int64_t kTextTokens = 120;
constexpr int64_t kBranches = 2;
constexpr double kAllowed = 0.05;
constexpr const char* kPublished = "spatial_range=2,temporal_range=3,cross_range=6,window=100:800,keep=gated,mlp=off";

/// As DDIM spaces them: 901, 801, ... 1.
broadcast::Schedule schedule() {
    broadcast::Schedule schedule;
    for (int step = 0; step < kSteps; ++step) schedule.timesteps.push_back(1000.0 - 100.0 * (step + 1) + 1);
    return schedule;
}

class Latte {
  public:
    explicit Latte(Context& context) : context_(context) {
        const auto make = [](const Scope& scope) { return dit::latte::LatteTransformer(scope, bench::latte_256()); };
        Weights weights = bench::random_weights_for(context, make);
        transformer_ = std::make_unique<dit::latte::LatteTransformer>(Scope(context, weights, DType::BFloat16),
                                                                      bench::latte_256());
        const dit::latte::Config& config = transformer_->config();
        const Shape latents = {config.in_channels, kFrames, 32, 32};
        const Shape batch = {kBranches, latents[0], latents[1], latents[2], latents[3]};
        latents_ = bench::random_tensor(context, batch, DType::Float32, 1);
        dit::Conditioning text;
        text.states =
            bench::random_tensor(context, {kBranches, kTextTokens, config.caption_channels}, DType::BFloat16, 2);
        prepared_ = transformer_->prepare(context, text, {latents, 256, 256}, schedule().timesteps);
        tokens_ = transformer_->token_shape(latents, kBranches);
        cost_ = transformer_->cost(latents, kBranches);
    }

    bench::LoneStep steps(const char* policy, const char* options) const {
        return {context_, tokens_, schedule(), cost_, policy, options};
    }

    double seconds_of_step(bench::LoneStep& lone, int index) {
        lone.step.index = index;
        const auto start = std::chrono::steady_clock::now();
        transformer_->predict(lone.step, *prepared_, transformer_->moment(lone.step, *prepared_), latents_);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

  private:
    Context& context_;
    std::unique_ptr<dit::latte::LatteTransformer> transformer_;
    std::unique_ptr<dit::Prepared> prepared_;
    Tensor latents_;
    Shape tokens_;
    dit::TransformerCost cost_;
};

int run() {
    bench::BenchSession session;
    Latte latte(session.context);
    bench::LoneStep whole = latte.steps("none", ""), reusing = latte.steps("pab", kPublished);
    double whole_seconds = 0, reusing_seconds = 0;
    latte.seconds_of_step(whole, 0);  // a processor's first step is slower
    for (int step = 0; step < kSteps; ++step) {
        const double one = latte.seconds_of_step(whole, step), other = latte.seconds_of_step(reusing, step);
        fmt::print("step {}: whole {:.2f} s, reusing {:.2f} s\n", step, one, other);
        whole_seconds += one;
        reusing_seconds += other;
    }
    const double speed_up = whole_seconds / reusing_seconds, price = 1 / (1 - reusing.plan.skipped_share());
    fmt::print("all steps: {:.2f} and {:.2f} s, speed-up {:.3f}, the plan's price {:.3f}, {:+.1f} %\n", whole_seconds,
               reusing_seconds, speed_up, price, 100 * (speed_up / price - 1));
    return std::abs(speed_up / price - 1) <= kAllowed ? 0 : 1;
}

}  // namespace

int main() {
    try {
        return run();
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_reuse: {}\n", error.what());
        return 2;
    }
}
