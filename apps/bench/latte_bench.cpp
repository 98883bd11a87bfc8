// A spatial and a temporal block of Latte-1 over 4,096 tokens (16 frames of 256 patches) and 120 text tokens, one
// guidance branch, nothing reused. The text's keys and values are made once a run, so they are not in the time.
#include "apps/bench/lone_step.h"
#include "apps/bench/random_model.h"
#include "apps/bench/report.h"
#include "dit/families/latte/transformer.h"

namespace kine::bench {

namespace {

constexpr int64_t kFrames = 16;
constexpr int64_t kPatches = 256;
constexpr int64_t kTextTokens = 120;

double multiply_adds(const dit::latte::Config& config) {
    const auto tokens = static_cast<double>(kFrames * kPatches);
    const auto channels = static_cast<double>(config.channels());
    const double linear = (4 + 8) + 2 + (4 + 8);  // q k v out and MLP; q and out of cross attention; temporal block
    const double keys = 2.0 * (kPatches + kTextTokens + kFrames);
    return tokens * channels * (linear * channels + keys);
}

void run_block_pair(benchmark::State& state, const BenchSetup& setup, DType dtype) {
    Context context = setup.context;
    const dit::latte::Config config;
    Weights spatial_weights = random_weights(context, spatial_block_shapes(config));
    Weights temporal_weights = random_weights(context, temporal_block_shapes(config));
    const dit::latte::SpatialBlock spatial(Scope(context, spatial_weights, dtype), config, 0);
    const dit::latte::TemporalBlock temporal(Scope(context, temporal_weights, dtype), config, 0);
    spatial_weights.finish();
    temporal_weights.finish();
    const LoneStep lone(context, {1, kFrames, kPatches, config.channels()});
    const Tensor text = spatial.text_keys_and_values(
        context, random_tensor(context, {1, kTextTokens, config.cross_attention_dim}, dtype, 1));
    const Tensor time = random_tensor(context, {1, 6, config.channels()}, DType::Float32, 2);
    const Tensor x = random_tensor(context, lone.step.tokens, dtype, 3);
    for (auto _ : state) benchmark::DoNotOptimize(temporal(lone.step, spatial(lone.step, x, text, time), time).raw());
    report_rate(state, setup, 2 * multiply_adds(config), dtype);
}

}  // namespace

void register_latte(const BenchSetup& setup) {
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        register_bench("latte/block_pair_4096_tokens", dtype,
                       [&setup, dtype](benchmark::State& state) { run_block_pair(state, setup, dtype); });
    }
}

}  // namespace kine::bench
