#include "dit/vae/autoencoder_cogvideox.h"

#include "dit/vae/cogvideox_blocks.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <cmath>

namespace kine::dit {

namespace {

constexpr int64_t kColours = 3;

/// Residual blocks, then half the size except at the last. A single picture is not halved in time.
struct ClipDownLevel {
    std::vector<ClipResnet> resnets;
    std::optional<Downsample> halve;
};

std::vector<ClipDownLevel> bind_levels(const Scope& scope, const CogVideoXVaeConfig& config,
                                       const ClipNormShape& norm) {
    std::vector<ClipDownLevel> levels(static_cast<size_t>(config.levels()));
    int64_t channels = config.block_out_channels.front();
    for (int64_t i = 0; i < config.levels(); ++i) {
        ClipDownLevel& level = levels[static_cast<size_t>(i)];
        const int64_t out = config.block_out_channels[static_cast<size_t>(i)];
        for (int64_t block = 0; block < config.layers_per_block; ++block, channels = out)
            level.resnets.emplace_back(scope / i / "resnets" / block, channels, out, norm);
        if (i + 1 < config.levels()) level.halve.emplace(scope / i / "downsamplers" / 0, out);
    }
    return levels;
}

/// mean + deviation * noise, from moments [1, (mean, logarithm of the variance), y, x].
Tensor sampled(const Context& context, const Tensor& on_device, const Tensor& drawn) {
    const Tensor moments = to_host(context, on_device), noise = to_host(context, drawn);
    Tensor result = Tensor::empty(context.host(), noise.shape(), DType::Float32);
    const float* mean = moments.data<float>();
    const float* log_variance = mean + noise.elements();
    for (int64_t i = 0; i < noise.elements(); ++i) {
        const float deviation = std::exp(0.5f * std::clamp(log_variance[i], -30.0f, 20.0f));
        result.data<float>()[i] = mean[i] + deviation * noise.data<float>()[i];
    }
    return to_device(context, result);
}

}  // namespace

struct CogVideoXEncoder::Network {
    Network(const Scope& scope, const CogVideoXVaeConfig& model)
        : config(model),
          dtype(scope.dtype()),
          conv_in(bind_clip_conv(scope / "encoder" / "conv_in", kColours, model.block_out_channels.front())),
          levels(bind_levels(scope / "encoder" / "down_blocks", model, norm())),
          first(scope / "encoder" / "mid_block" / "resnets" / 0, model.widest(), model.widest(), norm()),
          second(scope / "encoder" / "mid_block" / "resnets" / 1, model.widest(), model.widest(), norm()),
          norm_out(scope / "encoder" / "norm_out", model.widest(), {.groups = model.norm_num_groups}),
          conv_out(bind_clip_conv(scope / "encoder" / "conv_out", model.widest(), 2 * model.latent_channels)) {}

    ClipNormShape norm() const {
        return {.groups = config.norm_num_groups, .eps = static_cast<float>(config.norm_eps)};
    }

    /// x [1, Y, X, 3] -> mean and logarithm of the variance [1, y, x, 2C].
    Tensor operator()(const Context& context, Tensor x) const {
        FrameMemory memory;
        x = conv_in(context, std::move(x), memory);
        for (const ClipDownLevel& level : levels) {
            for (const ClipResnet& resnet : level.resnets) x = resnet(context, std::move(x), {}, memory);
            if (level.halve) x = (*level.halve)(context, x);
        }
        x = first(context, std::move(x), {}, memory);
        x = second(context, std::move(x), {}, memory);
        return conv_out(context, norm_out.with_silu(context, x, {}), memory);
    }

    CogVideoXVaeConfig config;
    DType dtype;
    CausalConv conv_in;
    std::vector<ClipDownLevel> levels;
    ClipResnet first, second;
    ClipNorm norm_out;
    CausalConv conv_out;
};

CogVideoXEncoder::CogVideoXEncoder(const Scope& scope, const CogVideoXVaeConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
CogVideoXEncoder::~CogVideoXEncoder() = default;

Tensor CogVideoXEncoder::sample(const Context& context, const Tensor& picture, Noise& noise) const {
    const int64_t factor = network_->config.spatial_factor(), channels = network_->config.latent_channels;
    check(picture.rank() == 4 && picture.dim(0) == 1 && picture.dim(1) % factor == 0 && picture.dim(2) % factor == 0,
          ErrorCode::Usage, "picture has the shape {}, expected sides that are multiples of {}",
          to_string(picture.shape()), factor);
    const Tensor moments = (*network_)(context, kernels::cast(context, picture, network_->dtype));
    const Shape shape = {channels, 1, moments.dim(1), moments.dim(2)};
    return sampled(context, kernels::to_channels_first(context, moments), noise.normal(context, shape));
}

}  // namespace kine::dit
