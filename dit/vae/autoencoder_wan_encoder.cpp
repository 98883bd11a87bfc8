#include "dit/vae/autoencoder_wan.h"

#include "dit/vae/wan_blocks.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/fold.h"
#include "kernels/resample/resample.h"
#include "runtime/tensor/transfer.h"

namespace kine::dit {

namespace {

/// Residual blocks of one level, then half the size except at the last. A video's first picture keeps its place in
/// time, so the convolutions in time that follow are not met.
struct DownLevel {
    std::vector<CausalResnet> resnets;
    kernels::ConvWeight halve;  // none at the last level
    kernels::Cell cell;         // what the shortcut folds into one pixel
    int64_t out_channels = 0;
};

kernels::ConvWeight bind_halving(const Scope& scope, int64_t channels) {
    return {scope.context(),
            scope.bind("weight", {channels, channels, 3, 3}),
            scope.bind("bias", {channels}),
            {.stride = 2, .pad_begin = 0, .pad_end = 1}};
}

/// Wan 2.2 names blocks by level, 2.1 counts them through.
class DownBinder {
  public:
    DownBinder(const Scope& scope, const WanVaeConfig& config) : scope_(scope), config_(config) {}

    DownLevel operator()(int64_t level) {
        const int64_t out = config_.base_dim * config_.dim_mult[static_cast<size_t>(level)];
        int64_t in =
            level == 0 ? config_.base_dim : config_.base_dim * config_.dim_mult[static_cast<size_t>(level - 1)];
        DownLevel result;
        result.out_channels = out;
        for (int64_t i = 0; i < config_.num_res_blocks; ++i, in = out) {
            const Scope place = config_.is_residual ? scope_ / level / "resnets" / i : scope_ / next_++;
            result.resnets.emplace_back(place, in, out, TimeTaps::Last);
        }
        if (level + 1 == config_.levels()) return result;
        const Scope place = config_.is_residual ? scope_ / level / "downsampler" : scope_ / next_++;
        result.halve = bind_halving(place / "resample" / 1, out);
        result.cell = {.frames = config_.halves_time[static_cast<size_t>(level)] ? 2 : 1, .side = 2};
        return result;
    }

  private:
    Scope scope_;
    const WanVaeConfig& config_;
    int64_t next_ = 0;
};

std::vector<DownLevel> bind_levels(const Scope& scope, const WanVaeConfig& config) {
    DownBinder bind(scope, config);
    std::vector<DownLevel> levels;
    for (int64_t level = 0; level < config.levels(); ++level) levels.push_back(bind(level));
    return levels;
}

kernels::ConvWeight bind_quant(const Scope& scope, int64_t channels) {
    const Tensor weight = scope.bind("weight", {channels, channels, 1, 1, 1}).reshape({channels, channels, 1, 1});
    return {scope.context(), weight, scope.bind("bias", {channels}), {}};
}

/// Pixels [1, Y, X, 3] as channels (colour, column, row) of a patch.
Tensor patched(const Context& context, const Tensor& x, int64_t patch) {
    if (patch == 1) return x;
    const Tensor parts = x.split(1, x.dim(1) / patch).split(3, x.dim(2) / patch);  // [1, Y, py, X, px, colour]
    const Tensor placed = parts.transpose(3, 5).transpose(2, 5);                   // [1, Y, X, colour, px, py]
    return kernels::contiguous(context, placed)
        .reshape({x.dim(0), x.dim(1) / patch, x.dim(2) / patch, x.dim(3) * patch * patch});
}

}  // namespace

struct AutoencoderWanEncoder::Network {
    Network(const Scope& scope, const WanVaeConfig& model)
        : config(model),
          dtype(scope.dtype()),
          conv_in(scope / "encoder" / "conv_in", model.in_channels, model.base_dim, TimeTaps::Last, {}),
          levels(bind_levels(scope / "encoder" / "down_blocks", model)),
          mid(scope / "encoder" / "mid_block", widest(), TimeTaps::Last),
          norm_out(scope / "encoder" / "norm_out", {widest(), 1, 1, 1}),
          conv_out(scope / "encoder" / "conv_out", widest(), 2 * model.z_dim, TimeTaps::Last, {}),
          quant(bind_quant(scope / "quant_conv", 2 * model.z_dim)) {}

    int64_t widest() const { return config.base_dim * config.dim_mult.back(); }

    Tensor through(const Context& context, const DownLevel& level, Tensor x) const {
        FrameMemory none;
        const Tensor before = config.is_residual ? x : Tensor();
        for (const CausalResnet& resnet : level.resnets) x = resnet(context, std::move(x), none);
        if (level.halve) x = conv2d(context, x, level.halve);
        if (!before) return x;
        return kernels::gate_residual(context, std::move(x), {},
                                      kernels::fold_means(context, before, level.cell, level.out_channels));
    }

    /// x [1, Y, X, in_channels] -> mean and logarithm of the variance [1, y, x, 2C].
    Tensor operator()(const Context& context, Tensor x) const {
        FrameMemory none;
        x = conv_in(context, std::move(x), none);
        for (const DownLevel& level : levels) x = through(context, level, std::move(x));
        x = mid(context, std::move(x), none, {});
        x = conv_out(context, norm_out.with_silu(context, x), none);
        return conv2d(context, x, quant);
    }

    WanVaeConfig config;
    DType dtype;
    CausalConv conv_in;
    std::vector<DownLevel> levels;
    CausalMid mid;
    PixelNorm norm_out;
    CausalConv conv_out;
    kernels::ConvWeight quant;
};

AutoencoderWanEncoder::AutoencoderWanEncoder(const Scope& scope, const WanVaeConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
AutoencoderWanEncoder::~AutoencoderWanEncoder() = default;

Tensor AutoencoderWanEncoder::encode(const Context& context, const Tensor& picture) const {
    const WanVaeConfig& config = network_->config;
    const int64_t factor = config.spatial_factor();
    check(picture.rank() == 4 && picture.dim(0) == 1 && picture.dim(1) % factor == 0 && picture.dim(2) % factor == 0,
          ErrorCode::Usage, "picture has the shape {}, expected sides that are multiples of {}",
          to_string(picture.shape()), factor);
    const Tensor x = kernels::cast(context, patched(context, picture, config.patch()), network_->dtype);
    const Tensor moments = (*network_)(context, x);
    Tensor mean = to_host(
        context, kernels::to_channels_first(context, kernels::contiguous(context, moments.slice(3, 0, config.z_dim))));
    float* values = mean.data<float>();  // [1, C, y, x]
    const int64_t area = mean.dim(2) * mean.dim(3);
    for (int64_t i = 0; i < mean.elements(); ++i) {
        const auto channel = static_cast<size_t>(i / area);
        values[i] = (values[i] - static_cast<float>(config.latents_mean[channel])) /
                    static_cast<float>(config.latents_std[channel]);
    }
    return to_device(context, mean.reshape({config.z_dim, 1, mean.dim(2), mean.dim(3)}));
}

}  // namespace kine::dit
