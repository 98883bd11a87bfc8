#include "dit/vae/autoencoder_wan.h"

#include "dit/vae/blocks.h"
#include "dit/vae/chunking.h"
#include "dit/vae/tiling.h"
#include "dit/vae/wan_blocks.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "kernels/scratch.h"

#include <algorithm>

namespace kine::dit {

namespace {

constexpr int64_t kColours = 3;

std::vector<WanUpLevel> bind_levels(const Scope& scope, const WanVaeConfig& config) {
    std::vector<WanUpLevel> levels;
    int64_t channels = config.decoder_dim() * config.dim_mult.back();
    for (int64_t i = 0; i < config.levels(); ++i) {
        const bool upsamples = i + 1 < config.levels();
        const int64_t out = config.decoder_dim() * config.dim_mult[static_cast<size_t>(config.levels() - 1 - i)];
        levels.emplace_back(scope / i, WanUpShape{.in_channels = channels,
                                                  .out_channels = out,
                                                  .resnets = config.num_res_blocks + 1,
                                                  .upsamples = upsamples,
                                                  .doubles_time = upsamples && config.doubles_time(i),
                                                  .is_residual = config.is_residual});
        channels = levels.back().left_channels();
    }
    return levels;
}

kernels::ConvWeight bind_post_quant(const Scope& scope, int64_t channels) {
    const Tensor weight = scope.bind("weight", {channels, channels, 1, 1, 1}).reshape({channels, channels, 1, 1});
    return {scope.context(), weight, scope.bind("bias", {channels}), {}};
}

Tensor row_of(const Context& context, const std::vector<double>& values) {
    const std::vector<float> row(values.begin(), values.end());
    return Tensor::of<float>(context, {1, static_cast<int64_t>(row.size())}, row);
}

/// Pixels that lie in channels as (colour, column, row) of a patch -> [F, Y * patch, X * patch, 3].
Tensor unpatch(const Context& context, const Tensor& x, int64_t patch) {
    if (patch == 1) return x;
    const Tensor parts = x.split(3, kColours).split(4, patch);    // [F, Y, X, colour, px, py]
    const Tensor placed = parts.transpose(2, 5).transpose(3, 5);  // [F, Y, py, X, px, colour]
    return kernels::contiguous(context, placed).reshape({x.dim(0), x.dim(1) * patch, x.dim(2) * patch, kColours});
}

int64_t latents_at_once(const DecodeOptions& options) { return std::max<int64_t>(1, options.chunk); }

}  // namespace

struct AutoencoderWanDecoder::Network {
    Network(const Scope& scope, const WanVaeConfig& model)
        : config(model),
          dtype(scope.dtype()),
          threads(scope.context().threads.size()),
          mean(row_of(scope.context(), model.latents_mean)),
          deviation(row_of(scope.context(), model.latents_std)),
          post_quant(bind_post_quant(scope / "post_quant_conv", model.z_dim)),
          conv_in(scope / "decoder" / "conv_in", model.z_dim, model.decoder_dim() * model.dim_mult.back(),
                  TimeTaps::All, {}),
          mid(scope / "decoder" / "mid_block", model.decoder_dim() * model.dim_mult.back(), TimeTaps::All),
          levels(bind_levels(scope / "decoder" / "up_blocks", model)),
          norm_out(scope / "decoder" / "norm_out", {levels.back().left_channels(), 1, 1, 1}),
          conv_out(scope / "decoder" / "conv_out", levels.back().left_channels(), model.out_channels, TimeTaps::All,
                   {}) {}

    /// Whitened latents [C, F, Y, X] f32 -> [F, Y, X, C] on the VAE's own scale.
    Tensor unwhitened(const Context& context, const Tensor& latents) const {
        const Tensor z = kernels::to_channels_last(context, latents.transpose(0, 1), DType::Float32);
        const Shape rows = {1, 1, z.elements() / config.z_dim, config.z_dim};
        const Tensor scaled = kernels::gate_multiply(context, deviation, z.reshape(rows));
        return kernels::add_table(context, scaled, mean.unsqueeze(0)).reshape(z.shape());
    }

    /// z [F, Y, X, C] in our dtype, the next frames of a video -> their pictures [F', Y', X', 3] f32, around -1..1.
    Tensor operator()(const Context& context, Tensor x, FrameMemory& memory, const std::stop_token& stop) const {
        memory.begin_chunk();
        x = conv2d(context, x, post_quant);
        x = conv_in(context, std::move(x), memory);
        x = mid(context, std::move(x), memory, stop);
        for (const WanUpLevel& level : levels) x = level(context, std::move(x), memory, stop);
        x = conv_out(context, norm_out.with_silu(context, x), memory);
        x = unpatch(context, x, config.patch());
        return dtype == DType::Float32 ? x : kernels::cast(context, x, DType::Float32);
    }

    int64_t network_bytes(int64_t latent_pixels, int64_t latent_frames) const;

    WanVaeConfig config;
    DType dtype;
    int64_t threads;
    Tensor mean, deviation;  // [1, C]
    kernels::ConvWeight post_quant;
    CausalConv conv_in;
    CausalMid mid;
    std::vector<WanUpLevel> levels;
    PixelNorm norm_out;
    CausalConv conv_out;
};

/// Most bytes that the layers hold at once for a chunk, and all that they remember.
int64_t AutoencoderWanDecoder::Network::network_bytes(int64_t latent_pixels, int64_t latent_frames) const {
    int64_t pixels = latent_pixels;
    int64_t frames = latent_frames;
    int64_t peak = pixels * mid.peak_channels(frames);
    int64_t kept = 0;
    for (const WanUpLevel& level : levels) {
        const WanUpShape& shape = level.shape();
        peak = std::max(peak, pixels * level.peak_channels(frames));
        kept += pixels * 2 * shape.out_channels * (2 * shape.resnets + 1);
        if (shape.doubles_time) frames *= 2;
        if (shape.upsamples) pixels *= 4;
    }
    peak = std::max(peak, pixels * (4 * frames + 2) * levels.back().left_channels());
    return (peak + kept) * size_of(dtype);
}

AutoencoderWanDecoder::AutoencoderWanDecoder(const Scope& scope, const WanVaeConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
AutoencoderWanDecoder::~AutoencoderWanDecoder() = default;

int64_t AutoencoderWanDecoder::spatial_factor() const { return network_->config.spatial_factor(); }
int64_t AutoencoderWanDecoder::latent_channels() const { return network_->config.z_dim; }

int64_t AutoencoderWanDecoder::frames_of(int64_t latent_frames) const {
    return 1 + (latent_frames - 1) * network_->config.temporal_factor();
}

int64_t AutoencoderWanDecoder::latent_frames_of(int64_t frames) const {
    return 1 + (frames - 1) / network_->config.temporal_factor();
}

/// Tiles know nothing of one another. Bands of rows do: what a convolution needs of the rows beside it comes through
/// the links in the memory.
class AutoencoderWanDecoder::Chunks final : public Decoding {
  public:
    Chunks(const Network& network, Tensor latents, const DecodeOptions& options)
        : Decoding({latents.dim(2), latents.dim(3), options, network.config.spatial_factor()}),
          network_(network),
          latents_(std::move(latents)),
          chunk_(latents_at_once(options)),
          memories_(static_cast<size_t>(grid().count())) {}

    Pieces pieces() const override {
        return {.chunks = chunks_of(latents_.dim(1), chunk_),
                .tiles = grid().count(),
                .sharing = Sharing::Bands,
                .rows = latents_.dim(2)};
    }

    int64_t frames(int64_t chunk) const override {
        const int64_t latents = end_of(chunk) - chunk * chunk_;
        const int64_t factor = network_.config.temporal_factor();
        return chunk == 0 ? 1 + (latents - 1) * factor : latents * factor;
    }

    Tensor make(const Context& context, Piece piece, const std::stop_token& stop) override {
        const auto& [chunk, tile] = piece;
        const Tensor window = grid().window(latents_.slice(1, chunk * chunk_, end_of(chunk)), tile);
        const Tensor z = kernels::cast(context, network_.unwhitened(context, window), network_.dtype);
        return network_(context, z, memories_[static_cast<size_t>(tile)], stop);
    }

    void link_bands(BandLinks& links) override {
        for (FrameMemory& memory : memories_) memory.link(links);
    }

  private:
    int64_t end_of(int64_t chunk) const { return std::min(latents_.dim(1), (chunk + 1) * chunk_); }

    const Network& network_;
    Tensor latents_;
    int64_t chunk_;
    std::vector<FrameMemory> memories_;  // of each tile or band
};

Pieces AutoencoderWanDecoder::pieces(const Shape& latents, const DecodeOptions& options) const {
    const TileGrid grid(latents[2], latents[3], options, spatial_factor());
    return {.chunks = chunks_of(latents[1], latents_at_once(options)),
            .tiles = grid.count(),
            .sharing = Sharing::Bands,
            .rows = latents[2]};
}

std::unique_ptr<Decoding> AutoencoderWanDecoder::open(const Tensor& latents, const DecodeOptions& options) const {
    return std::make_unique<Chunks>(*network_, latents, options);
}

int64_t AutoencoderWanDecoder::working_bytes(int64_t latent_rows, int64_t latent_columns,
                                             const DecodeOptions& options) const {
    check_decode_options(options);
    const int64_t frames = std::max<int64_t>(1, options.chunk);
    const int64_t area = latent_rows * latent_columns;
    const auto tiles = [&](int64_t size) { return tile_spans(size, options.tile, options.tile_overlap); };
    const auto rows = tiles(latent_rows), columns = tiles(latent_columns);
    const int64_t window = rows.front().size() * columns.front().size();
    const auto count = static_cast<int64_t>(rows.size() * columns.size());
    const int64_t pixels = area * spatial_factor() * spatial_factor() * frames * network_->config.temporal_factor();
    const int64_t picture_bytes = 2 * pixels * kColours * size_of(DType::Float32);
    const int64_t layers = network_->network_bytes(window, frames) * (count > 1 ? 2 : 1);
    // Every tile keeps its memory between chunks.
    const int64_t remembered = count > 1 ? network_->network_bytes(window, 0) * (count - 1) : 0;
    const int64_t most = layers + remembered + picture_bytes;
    return kernels::with_scratch(most, network_->threads);
}

}  // namespace kine::dit
