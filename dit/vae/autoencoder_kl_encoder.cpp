#include "dit/vae/autoencoder_kl.h"
#include "dit/vae/blocks.h"
#include "dit/vae/chunking.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"

namespace kine::dit {

namespace {

std::vector<DownLevel> bind_levels(const Scope& scope, const AutoencoderKlConfig& config) {
    std::vector<DownLevel> levels;
    const std::vector<int64_t>& widths = config.block_out_channels;
    for (size_t i = 0; i < widths.size(); ++i) {
        const LevelShape shape = {.in_channels = widths[i == 0 ? 0 : i - 1],
                                  .out_channels = widths[i],
                                  .resnets = config.layers_per_block,
                                  .groups = config.norm_num_groups,
                                  .resizes = i + 1 < widths.size()};
        levels.emplace_back(scope / static_cast<int64_t>(i), shape);
    }
    return levels;
}

}  // namespace

struct AutoencoderKlEncoder::Network {
    Network(const Scope& scope, const AutoencoderKlConfig& model)
        : config(model),
          dtype(scope.dtype()),
          conv_in(bind_conv(scope / "encoder" / "conv_in", model.in_channels, model.block_out_channels.front(), 3)),
          levels(bind_levels(scope / "encoder" / "down_blocks", model)),
          mid(scope / "encoder" / "mid_block", model.block_out_channels.back(), model.norm_num_groups,
              model.mid_block_add_attention),
          norm_out(scope / "encoder" / "conv_norm_out", model.block_out_channels.back(), model.norm_num_groups),
          conv_out(bind_conv(scope / "encoder" / "conv_out", model.block_out_channels.back(), 2 * model.latent_channels,
                             3)) {
        if (model.use_quant_conv) {
            quant = bind_conv(scope / "quant_conv", 2 * model.latent_channels, 2 * model.latent_channels, 1);
        }
    }

    /// x [F, Y, X, 3] in -1..1 -> mean and logarithm of the variance [F, y, x, 2C].
    Tensor operator()(const Context& context, Tensor x) const {
        x = conv2d(context, x, conv_in);
        for (const DownLevel& level : levels) x = level(context, std::move(x));
        x = mid(context, std::move(x), {});
        x = norm_out(context, x, kernels::Activation::Silu);
        x = conv2d(context, x, conv_out);
        return quant ? conv2d(context, x, quant) : x;
    }

    /// frames [F, Y, X, 3] in 0..1 -> scaled means [C, F, y, x], f32.
    Tensor latents(const Context& context, const Tensor& frames) const {
        Tensor x = kernels::scale(context, kernels::contiguous(context, frames), 2.0f, -1.0f);
        x = (*this)(context, kernels::cast(context, x, dtype));
        x = kernels::contiguous(context, x.slice(3, 0, config.latent_channels));
        x = kernels::to_channels_first(context, x);
        const auto factor = static_cast<float>(config.scaling_factor);
        x = kernels::scale(context, x, factor, -factor * static_cast<float>(config.shift_factor));
        return x.transpose(0, 1);
    }

    AutoencoderKlConfig config;
    DType dtype;
    kernels::ConvWeight conv_in;
    std::vector<DownLevel> levels;
    MidBlock mid;
    GroupNorm norm_out;
    kernels::ConvWeight conv_out;
    kernels::ConvWeight quant;
};

AutoencoderKlEncoder::AutoencoderKlEncoder(const Scope& scope, const AutoencoderKlConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
AutoencoderKlEncoder::~AutoencoderKlEncoder() = default;

Tensor AutoencoderKlEncoder::encode(const Context& context, const Tensor& frames) const {
    const int64_t factor = network_->config.spatial_factor();
    check(frames.rank() == 4 && frames.dim(3) == 3 && frames.elements() > 0, ErrorCode::BadInput,
          "frames must have the shape [frames, rows, columns, 3], came {}", to_string(frames.shape()));
    check(frames.dim(1) % factor == 0 && frames.dim(2) % factor == 0, ErrorCode::BadInput,
          "frames to encode must be multiples of {} pixels a side, came {} x {}", factor, frames.dim(2), frames.dim(1));
    const int64_t rows = frames.dim(1) / factor;
    const int64_t columns = frames.dim(2) / factor;
    Tensor latents =
        Tensor::empty(context, {network_->config.latent_channels, frames.dim(0), rows, columns}, DType::Float32);
    for_each_chunk(frames.dim(0), chunk_frames(rows, columns, {}), [&](int64_t begin, int64_t end) {
        Tensor place = latents.slice(1, begin, end);
        kernels::copy_into(context, network_->latents(context, frames.slice(0, begin, end)), place);
    });
    return latents;
}

}  // namespace kine::dit
