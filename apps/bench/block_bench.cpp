// One block of Wan 2.1 1.3B and of CogVideoX-2b over the tokens of a 480p video, one guidance branch, bf16, nothing
// reused. Attention is over all tokens, so that its share grows with length: the short video shows the layers, the
// published length shows attention. These take a minute or two a pass and run once.
#include "apps/bench/lone_step.h"
#include "apps/bench/random_model.h"
#include "apps/bench/report.h"
#include "dit/families/cogvideox/transformer.h"
#include "dit/families/wan/transformer.h"
#include "dit/modules/rotary_grid.h"

namespace kine::bench {

namespace {

constexpr DType kType = DType::BFloat16;

struct Grid {
    const char* name;
    int64_t frames, rows, columns;  ///< of patches

    int64_t patches() const { return rows * columns; }
    int64_t tokens() const { return frames * patches(); }
};

double attention_adds(int64_t rows, int64_t keys, int64_t channels) {
    return 2.0 * static_cast<double>(rows) * static_cast<double>(keys) * static_cast<double>(channels);
}

double linear_adds(int64_t rows, int64_t channels, double squares) {
    return squares * static_cast<double>(rows) * static_cast<double>(channels) * static_cast<double>(channels);
}

dit::wan::Config wan_1_3b() {
    dit::wan::Config config;
    config.num_attention_heads = 12;
    config.ffn_dim = 8960;
    config.num_layers = 30;
    return config;
}

/// Queries, keys, values and output; queries and output of cross attention; MLP. The text's keys are made once a run.
double wan_adds(const dit::wan::Config& config, const Grid& grid, int64_t text) {
    const int64_t channels = config.channels(), tokens = grid.tokens();
    const double mlp = 2.0 * static_cast<double>(config.ffn_dim) / static_cast<double>(channels);
    return linear_adds(tokens, channels, 6 + mlp) + attention_adds(tokens, tokens + text, channels);
}

void run_wan(benchmark::State& state, const BenchSetup& setup, const Grid& grid) {
    constexpr int64_t kText = 512;
    Context context = setup.context;
    const dit::wan::Config config = wan_1_3b();
    const auto make = [&](const Scope& scope) { return dit::wan::Block(scope, config, 0); };
    Weights weights = random_weights_for(context, make);
    const dit::wan::Block block = make(Scope(context, weights, kType));
    const LoneStep lone(context, {1, grid.frames, grid.patches(), config.channels()});
    const Tensor text =
        block.text_keys_and_values(context, random_tensor(context, {1, kText, config.channels()}, kType, 1));
    const int64_t side = 2 * (config.attention_head_dim / 6);
    const Tensor time = random_tensor(context, {1, 6, config.channels()}, DType::Float32, 2);
    const Tensor turns = dit::rotary_turns(
        context, {.frames = {dit::counted_positions(grid.frames), config.attention_head_dim - 2 * side},
                  .rows = {dit::counted_positions(grid.rows), side},
                  .columns = {dit::counted_positions(grid.columns), side}});
    const Tensor x = random_tensor(context, lone.step.tokens, kType, 3);
    for (auto _ : state) await_result(context, block(lone.step, dit::Residual(x), text, time, turns).release(context));
    report_rate(state, setup, 2 * wan_adds(config, grid, kText), kType);
}

void run_cogvideox(benchmark::State& state, const BenchSetup& setup, const Grid& grid) {
    constexpr double kSquares = 4 + 8;  // queries, keys, values and output; MLP
    Context context = setup.context;
    const dit::cogvideox::Config config;
    const auto make = [&](const Scope& scope) { return dit::cogvideox::Block(scope, config, 0); };
    Weights weights = random_weights_for(context, make);
    const dit::cogvideox::Block block = make(Scope(context, weights, kType));
    const int64_t channels = config.channels(), rows = grid.tokens() + dit::cogvideox::kTextLength;
    const LoneStep lone(context, {1, grid.frames, grid.patches(), channels});
    const Tensor time = random_tensor(context, {1, config.time_embed_dim}, kType, 1);
    const dit::ResidualStreams x = {
        dit::Residual(random_tensor(context, lone.step.tokens, kType, 2)),
        dit::Residual(random_tensor(context, {1, 1, dit::cogvideox::kTextLength, channels}, kType, 3))};
    for (auto _ : state) await_result(context, block(lone.step, x, time, {}).video.release(context));
    report_rate(state, setup, 2 * (linear_adds(rows, channels, kSquares) + attention_adds(rows, rows, channels)),
                kType);
}

template <class Run>
void register_block(const BenchSetup& setup, const std::string& model, const Grid& grid, Run run) {
    const std::string name = fmt::format("blocks/{}_{}_{}_tokens/{}", model, grid.name, grid.tokens(), name_of(kType));
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&setup, grid, run](benchmark::State& state) { run(state, setup, grid); })
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
}

}  // namespace

void register_blocks(const BenchSetup& setup) {
    for (const Grid& grid : {Grid{"17_frames", 5, 30, 52}, Grid{"81_frames", 21, 30, 52}})
        register_block(setup, "wan_1.3b", grid, run_wan);
    for (const Grid& grid : {Grid{"17_frames", 5, 30, 45}, Grid{"49_frames", 13, 30, 45}})
        register_block(setup, "cogvideox_2b", grid, run_cogvideox);
}

}  // namespace kine::bench
