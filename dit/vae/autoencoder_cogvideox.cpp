#include "dit/vae/autoencoder_cogvideox.h"

#include "dit/vae/chunking.h"
#include "dit/vae/cogvideox_blocks.h"
#include "dit/vae/tiling.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "kernels/scratch.h"

#include <algorithm>

namespace kine::dit {

namespace {

constexpr int64_t kColours = 3;
constexpr int64_t kClipLatents = 2;

/// Where the first clip ends.
int64_t first_clip(int64_t latent_frames) {
    return std::min(latent_frames, kClipLatents + latent_frames % kClipLatents);
}

int64_t clips_of(int64_t latent_frames) { return 1 + (latent_frames - first_clip(latent_frames)) / kClipLatents; }

int64_t clip_begin(int64_t latent_frames, int64_t clip) {
    return clip == 0 ? 0 : first_clip(latent_frames) + (clip - 1) * kClipLatents;
}

int64_t clip_end(int64_t latent_frames, int64_t clip) { return first_clip(latent_frames) + clip * kClipLatents; }

std::vector<ClipUpLevel> bind_levels(const Scope& scope, const CogVideoXVaeConfig& config, const ClipNormShape& norm) {
    std::vector<ClipUpLevel> levels;
    int64_t channels = config.widest();
    for (int64_t i = 0; i < config.levels(); ++i) {
        const bool resizes = i + 1 < config.levels();
        const ClipLevelShape shape = {.in_channels = channels,
                                      .out_channels = config.width(i),
                                      .resnets = config.layers_per_block + 1,
                                      .resizes = resizes,
                                      .doubles_time = resizes && config.doubles_time(i)};
        levels.emplace_back(scope / i, shape, norm);
        channels = config.width(i);
    }
    return levels;
}

}  // namespace

struct CogVideoXDecoder::Network {
    Network(const Scope& scope, const CogVideoXVaeConfig& model)
        : config(model),
          dtype(scope.dtype()),
          threads(scope.context().threads.size()),
          conv_in(bind_clip_conv(scope / "decoder" / "conv_in", model.latent_channels, model.widest())),
          first(scope / "decoder" / "mid_block" / "resnets" / 0, model.widest(), model.widest(), norm()),
          second(scope / "decoder" / "mid_block" / "resnets" / 1, model.widest(), model.widest(), norm()),
          levels(bind_levels(scope / "decoder" / "up_blocks", model, norm())),
          norm_out(scope / "decoder" / "norm_out", model.block_out_channels.front(), norm()),
          conv_out(bind_clip_conv(scope / "decoder" / "conv_out", model.block_out_channels.front(), kColours)) {}

    ClipNormShape norm() const { return {.groups = config.norm_num_groups, .latent_channels = config.latent_channels}; }

    /// z [F, y, x, C] in our dtype, the next clip's latents -> its pictures [F', Y, X, 3] f32, around -1..1.
    Tensor operator()(const Context& context, const Tensor& z, FrameMemory& memory, const std::stop_token& stop) const {
        memory.begin_chunk();
        Tensor x = conv_in(context, z, memory);
        x = first(context, std::move(x), z, memory);
        check_running(stop);
        x = second(context, std::move(x), z, memory);
        for (const ClipUpLevel& level : levels) x = level(context, std::move(x), z, memory, stop);
        x = conv_out(context, norm_out.with_silu(context, x, z), memory);
        return dtype == DType::Float32 ? x : kernels::cast(context, x, DType::Float32);
    }

    int64_t clip_frames(int64_t latents) const {
        for (const ClipUpLevel& level : levels) latents = level.frames_after(latents);
        return latents;
    }

    int64_t network_bytes(int64_t latent_pixels, int64_t latents) const;

    CogVideoXVaeConfig config;
    DType dtype;
    int64_t threads;
    CausalConv conv_in;
    ClipResnet first, second;
    std::vector<ClipUpLevel> levels;
    ClipNorm norm_out;
    CausalConv conv_out;
};

/// Most bytes that the layers hold at once for a clip, and all that they remember.
int64_t CogVideoXDecoder::Network::network_bytes(int64_t latent_pixels, int64_t latents) const {
    const int64_t widest = *std::ranges::max_element(config.block_out_channels);
    int64_t pixels = latent_pixels, frames = latents;
    int64_t peak = pixels * first.peak_channels(frames);
    int64_t kept = pixels * (2 * config.latent_channels + 2 * first.kept_channels());
    for (const ClipUpLevel& level : levels) {
        peak = std::max(peak, pixels * level.peak_channels(frames));
        kept += pixels * level.kept_channels();
        frames = level.frames_after(frames);
        if (level.shape().resizes) pixels *= 4;
    }
    const int64_t last = config.block_out_channels.front();
    peak = std::max(peak, pixels * (3 * frames + 2) * last);
    kept += pixels * 2 * last;
    const int64_t condition = latent_pixels * latents * (config.latent_channels + 2 * widest);
    return (peak + kept + condition) * size_of(dtype);
}

CogVideoXDecoder::CogVideoXDecoder(const Scope& scope, const CogVideoXVaeConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
CogVideoXDecoder::~CogVideoXDecoder() = default;

int64_t CogVideoXDecoder::spatial_factor() const { return network_->config.spatial_factor(); }
int64_t CogVideoXDecoder::latent_channels() const { return network_->config.latent_channels; }

int64_t CogVideoXDecoder::frames_of(int64_t latent_frames) const {
    const int64_t first = first_clip(latent_frames);
    const int64_t others = (latent_frames - first) / kClipLatents;
    return network_->clip_frames(first) + others * network_->clip_frames(kClipLatents);
}

int64_t CogVideoXDecoder::latent_frames_of(int64_t frames) const {
    return (frames - 1) / network_->config.temporal_compression_ratio + 1;
}

/// Norms sum over whole pictures, so only tiles, which know nothing of one another, can be made apart.
class CogVideoXDecoder::Clips final : public Decoding {
  public:
    Clips(const Network& network, Tensor latents, const DecodeOptions& options)
        : Decoding({latents.dim(2), latents.dim(3), options, network.config.spatial_factor()}),
          network_(network),
          latents_(std::move(latents)),
          memories_(static_cast<size_t>(grid().count())) {}

    Pieces pieces() const override {
        return {.chunks = clips_of(latents_.dim(1)), .tiles = grid().count(), .sharing = Sharing::Tiles};
    }

    int64_t frames(int64_t chunk) const override {
        return network_.clip_frames(clip_end(latents_.dim(1), chunk) - clip_begin(latents_.dim(1), chunk));
    }

    Tensor make(const Context& context, Piece piece, const std::stop_token& stop) override {
        const int64_t begin = clip_begin(latents_.dim(1), piece.chunk), end = clip_end(latents_.dim(1), piece.chunk);
        const Tensor clip = grid().window(latents_.slice(1, begin, end), piece.tile).transpose(0, 1);
        const auto unscaled = static_cast<float>(1.0 / network_.config.scaling_factor);
        const Tensor z = kernels::scale(context, kernels::to_channels_last(context, clip, DType::Float32), unscaled);
        FrameMemory& memory = memories_[static_cast<size_t>(piece.tile)];
        return network_(context, kernels::cast(context, z, network_.dtype), memory, stop);
    }

  private:
    const Network& network_;
    Tensor latents_;
    std::vector<FrameMemory> memories_;  // of each tile
};

Pieces CogVideoXDecoder::pieces(const Shape& latents, const DecodeOptions& options) const {
    const TileGrid grid(latents[2], latents[3], options, spatial_factor());
    return {.chunks = clips_of(latents[1]), .tiles = grid.count(), .sharing = Sharing::Tiles};
}

std::unique_ptr<Decoding> CogVideoXDecoder::open(const Tensor& latents, const DecodeOptions& options) const {
    return std::make_unique<Clips>(*network_, latents, options);
}

int64_t CogVideoXDecoder::working_bytes(int64_t latent_rows, int64_t latent_columns,
                                        const DecodeOptions& options) const {
    check_decode_options(options);
    const int64_t latents = first_clip(options.frames > 0 ? latent_frames_of(options.frames) : kClipLatents + 1);
    const auto tiles = [&](int64_t size) { return tile_spans(size, options.tile, options.tile_overlap); };
    const auto rows = tiles(latent_rows), columns = tiles(latent_columns);
    const int64_t window = rows.front().size() * columns.front().size();
    const auto count = static_cast<int64_t>(rows.size() * columns.size());
    const int64_t pixels = latent_rows * latent_columns * spatial_factor() * spatial_factor();
    const int64_t picture_bytes = 3 * pixels * network_->clip_frames(latents) * kColours * size_of(DType::Float32);
    const int64_t layers = network_->network_bytes(window, latents);
    // Every tile keeps its memory between clips.
    const int64_t remembered = network_->network_bytes(window, 0) * (count - 1);
    const int64_t most = layers + remembered + picture_bytes;
    return kernels::with_scratch(most, network_->threads);
}

}  // namespace kine::dit
