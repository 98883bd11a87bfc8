// Latte-1: a spatial and a temporal block, and the whole transformer. The text's keys and values are made once a run,
// so they are not part of a step here.
#include "apps/bench/lone_step.h"
#include "apps/bench/works/opening.h"
#include "dit/families/latte/transformer.h"
#include "dit/step_graphs.h"
#include "runtime/environment_switch.h"

namespace kine::bench {

namespace {

constexpr int64_t kFrames = 16;
constexpr int64_t kPatches = 256;
constexpr int64_t kTextTokens = 120;
constexpr double kTimes[] = {500};

double block_pair_flops(const dit::latte::Config& config) {
    const auto tokens = static_cast<double>(kFrames * kPatches);
    const auto channels = static_cast<double>(config.channels());
    const double linear = (4 + 8) + 2 + (4 + 8);  // q k v out and MLP; q and out of cross attention; temporal block
    const double keys = 2.0 * (kPatches + kTextTokens + kFrames);
    return 2 * tokens * channels * (linear * channels + keys);
}

class BlockPair final : public Work {
  public:
    explicit BlockPair(const Opening& opening)
        : context_(opening.context), lone_(context_, {1, kFrames, kPatches, config_.channels()}) {
        Weights weights = opening.weights();
        const Scope scope(context_, weights, opening.dtype);
        spatial_ = std::make_unique<dit::latte::SpatialBlock>((scope / "spatial").of_block(), config_, 0);
        temporal_ = std::make_unique<dit::latte::TemporalBlock>((scope / "temporal").of_block(), config_, 0);
        weights.finish();
        text_ = spatial_->text_keys_and_values(context_, opening.input("text"));
        time_ = Opening{context_, DType::Float32, opening.folder}.input("time");
        x_ = opening.input("x");
    }

    Tensor run() override {
        dit::Residual x = (*spatial_)(lone_.step, dit::Residual(x_), text_, time_);
        return (*temporal_)(lone_.step, std::move(x), time_).release(context_);
    }
    double flops() const override { return block_pair_flops(config_); }

  private:
    Context& context_;
    dit::latte::Config config_;
    LoneStep lone_;
    std::unique_ptr<dit::latte::SpatialBlock> spatial_;
    std::unique_ptr<dit::latte::TemporalBlock> temporal_;
    Tensor text_, time_, x_;
};

class LatteStep final : public Work {
  public:
    explicit LatteStep(const Opening& opening) : context_(opening.context), latents_(opening.input("latents")) {
        Weights weights = opening.weights();
        transformer_ =
            std::make_unique<dit::latte::LatteTransformer>(Scope(context_, weights, opening.dtype), latte_256());
        weights.finish();
        const Shape latents = {latents_.dim(1), latents_.dim(2), latents_.dim(3), latents_.dim(4)};
        dit::Conditioning text;
        text.states = opening.input("text");
        prepared_ = transformer_->prepare(context_, text, {latents, 256, 256}, kTimes);
        lone_ = std::make_unique<LoneStep>(context_, transformer_->token_shape(latents, latents_.dim(0)));
        const std::vector<dit::RowId> often(dit::StepGraphs::kLeastSteps, {dit::Stage::Denoise, 0});
        if (context_.device.kind == DeviceKind::Cuda && is_switched_on("KINE_CUDA_GRAPHS"))
            graphs_ = std::make_unique<dit::StepGraphs>(context_, *transformer_, lone_->plan, often, memory_);
    }

    /// As a run does it: on a GPU, the first is enqueued as it comes, the second recorded.
    Tensor run() override {
        if (graphs_) return graphs_->predict(lone_->step, *prepared_, latents_);
        const dit::Moment moment = transformer_->moment(lone_->step, *prepared_);
        return transformer_->predict(lone_->step, *prepared_, moment, latents_);
    }
    double flops() const override {
        const dit::latte::Config& config = transformer_->config();
        return static_cast<double>(latents_.dim(0) * config.num_layers) * block_pair_flops(config);
    }

  private:
    Context& context_;
    Tensor latents_;
    std::unique_ptr<dit::latte::LatteTransformer> transformer_;
    std::unique_ptr<dit::Prepared> prepared_;
    std::unique_ptr<LoneStep> lone_;
    RepeatedMemory memory_{context_.allocator};
    std::unique_ptr<dit::StepGraphs> graphs_;
};

}  // namespace

ShapeMap block_pair_weights(Context&) {
    ShapeMap shapes;
    for (const auto& [name, shape] : spatial_block_shapes({})) shapes["spatial." + name] = shape;
    for (const auto& [name, shape] : temporal_block_shapes({})) shapes["temporal." + name] = shape;
    return shapes;
}

ShapeMap block_pair_inputs() {
    const int64_t channels = dit::latte::Config().channels();
    return {{"x", {1, kFrames, kPatches, channels}}, {"text", {1, kTextTokens, channels}}, {"time", {1, 6, channels}}};
}

std::unique_ptr<Work> open_block_pair(const Opening& opening) { return std::make_unique<BlockPair>(opening); }

ShapeMap latte_step_weights(Context& context) {
    return shapes_for(context, [](const Scope& scope) { return dit::latte::LatteTransformer(scope, latte_256()); });
}

ShapeMap latte_step_inputs() {
    const dit::latte::Config config = latte_256();
    return {{"latents", {2, config.in_channels, kFrames, 32, 32}}, {"text", {2, kTextTokens, config.caption_channels}}};
}

std::unique_ptr<Work> open_latte_step(const Opening& opening) { return std::make_unique<LatteStep>(opening); }

}  // namespace kine::bench
