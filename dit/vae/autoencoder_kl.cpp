#include "dit/vae/autoencoder_kl.h"

#include "dit/vae/blocks.h"
#include "dit/vae/chunking.h"
#include "dit/vae/tiling.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "kernels/scratch.h"

#include <algorithm>

namespace kine::dit {

namespace {

constexpr int64_t kColours = 3;

std::vector<UpLevel> bind_levels(const Scope& scope, const AutoencoderKlConfig& config) {
    std::vector<UpLevel> levels;
    const std::vector<int64_t> widths(config.block_out_channels.rbegin(), config.block_out_channels.rend());
    for (size_t i = 0; i < widths.size(); ++i) {
        const LevelShape shape = {.in_channels = widths[i == 0 ? 0 : i - 1],
                                  .out_channels = widths[i],
                                  .resnets = config.layers_per_block + 1,
                                  .groups = config.norm_num_groups,
                                  .resizes = i + 1 < widths.size()};
        levels.emplace_back(scope / static_cast<int64_t>(i), shape);
    }
    return levels;
}

/// Latent pixels of one axis that go through the network at once.
int64_t window_side(int64_t size, const DecodeOptions& options) {
    return tile_spans(size, options.tile, options.tile_overlap).front().size();
}

}  // namespace

struct AutoencoderKlDecoder::Network {
    Network(const Scope& scope, const AutoencoderKlConfig& model)
        : config(model),
          dtype(scope.dtype()),
          threads(scope.context().threads.size()),
          conv_in(bind_conv(scope / "decoder" / "conv_in", model.latent_channels, model.block_out_channels.back(), 3)),
          mid(scope / "decoder" / "mid_block", model.block_out_channels.back(), model.norm_num_groups,
              model.mid_block_add_attention),
          levels(bind_levels(scope / "decoder" / "up_blocks", model)),
          norm_out(scope / "decoder" / "conv_norm_out", model.block_out_channels.front(), model.norm_num_groups),
          conv_out(bind_conv(scope / "decoder" / "conv_out", model.block_out_channels.front(), kColours, 3)) {
        if (model.use_post_quant_conv) {
            post_quant = bind_conv(scope / "post_quant_conv", model.latent_channels, model.latent_channels, 1);
        }
    }

    /// x [F, Y, X, C] in our dtype, unscaled -> [F, Y * factor, X * factor, 3] in -1..1, f32.
    Tensor operator()(const Context& context, Tensor x, const std::stop_token& stop) const {
        if (post_quant) x = conv2d(context, x, post_quant);
        x = conv2d(context, x, conv_in);
        x = mid(context, std::move(x), stop);
        for (const UpLevel& level : levels) x = level(context, std::move(x), stop);
        x = norm_out(context, x, kernels::Activation::Silu);
        x = conv2d(context, x, conv_out);
        return dtype == DType::Float32 ? x : kernels::cast(context, x, DType::Float32);
    }

    int64_t network_bytes(int64_t latent_pixels) const;

    AutoencoderKlConfig config;
    DType dtype;
    int64_t threads;
    kernels::ConvWeight post_quant;
    kernels::ConvWeight conv_in;
    MidBlock mid;
    std::vector<UpLevel> levels;
    GroupNorm norm_out;
    kernels::ConvWeight conv_out;
};

/// Most bytes that the layers hold at once, their input and result included.
int64_t AutoencoderKlDecoder::Network::network_bytes(int64_t latent_pixels) const {
    int64_t pixels = latent_pixels;
    int64_t elements = pixels * std::max(mid.peak_channels(), 2 * config.latent_channels);
    for (const UpLevel& level : levels) {
        elements = std::max(elements, pixels * level.peak_channels());
        if (level.resizes()) pixels *= 4;
    }
    elements = std::max(elements, pixels * 2 * config.block_out_channels.front());
    const int64_t result_bytes = pixels * kColours * (size_of(dtype) + size_of(DType::Float32));
    return std::max(elements * size_of(dtype), result_bytes);
}

AutoencoderKlDecoder::AutoencoderKlDecoder(const Scope& scope, const AutoencoderKlConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
AutoencoderKlDecoder::~AutoencoderKlDecoder() = default;

int64_t AutoencoderKlDecoder::spatial_factor() const { return network_->config.spatial_factor(); }
int64_t AutoencoderKlDecoder::latent_channels() const { return network_->config.latent_channels; }

/// Frames do not see one another.
class AutoencoderKlDecoder::Pictures final : public Decoding {
  public:
    Pictures(const Network& network, Tensor latents, const DecodeOptions& options)
        : Decoding({latents.dim(2), latents.dim(3), options, network.config.spatial_factor()}),
          network_(network),
          latents_(std::move(latents)),
          chunk_(chunk_frames(latents_.dim(2), latents_.dim(3), options)) {}

    Pieces pieces() const override { return {.chunks = chunks_of(latents_.dim(1), chunk_), .tiles = grid().count()}; }

    int64_t frames(int64_t chunk) const override { return end_of(chunk) - chunk * chunk_; }

    Tensor make(const Context& context, Piece piece, const std::stop_token& stop) override {
        const auto& [chunk, tile] = piece;
        const Tensor window = grid().window(latents_.slice(1, chunk * chunk_, end_of(chunk)), tile);
        Tensor z = kernels::to_channels_last(context, window.transpose(0, 1), DType::Float32);
        const auto unscale = static_cast<float>(1.0 / network_.config.scaling_factor);
        z = kernels::scale(context, z, unscale, static_cast<float>(network_.config.shift_factor));
        check_running(stop);
        return network_(context, kernels::cast(context, z, network_.dtype), stop);
    }

  private:
    int64_t end_of(int64_t chunk) const { return std::min(latents_.dim(1), (chunk + 1) * chunk_); }

    const Network& network_;
    Tensor latents_;
    int64_t chunk_;
};

Pieces AutoencoderKlDecoder::pieces(const Shape& latents, const DecodeOptions& options) const {
    const TileGrid grid(latents[2], latents[3], options, spatial_factor());
    return {.chunks = chunks_of(latents[1], chunk_frames(latents[2], latents[3], options)), .tiles = grid.count()};
}

std::unique_ptr<Decoding> AutoencoderKlDecoder::open(const Tensor& latents, const DecodeOptions& options) const {
    return std::make_unique<Pictures>(*network_, latents, options);
}

int64_t AutoencoderKlDecoder::working_bytes(int64_t latent_rows, int64_t latent_columns,
                                            const DecodeOptions& options) const {
    check_decode_options(options);
    const int64_t frames = chunk_frames(latent_rows, latent_columns, options);
    const int64_t area = latent_rows * latent_columns;
    const int64_t window = window_side(latent_rows, options) * window_side(latent_columns, options);
    const int64_t latent_bytes = frames * area * latent_channels() * size_of(DType::Float32);
    const int64_t pixels = frames * area * spatial_factor() * spatial_factor();
    const int64_t picture_bytes = pixels * kColours * size_of(DType::Float32);
    const int64_t layers = latent_bytes + network_->network_bytes(frames * window);
    // The picture that tiles are laid into is there while the layers run; bringing it to 0..1 holds it twice.
    const int64_t most = std::max(layers + (window < area ? picture_bytes : 0), latent_bytes + 2 * picture_bytes);
    return kernels::with_scratch(most, network_->threads);
}

}  // namespace kine::dit
