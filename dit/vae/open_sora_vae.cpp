#include "dit/vae/open_sora_vae.h"

#include "dit/vae/chunking.h"
#include "dit/vae/temporal_decoder.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "kernels/scratch.h"

#include <algorithm>

namespace kine::dit {

struct OpenSoraVaeDecoder::Network {
    Network(const Scope& scope, const OpenSoraVaeConfig& vae)
        : config(vae),
          dtype(scope.dtype()),
          threads(scope.context().threads.size()),
          scale(scope.as(DType::Float32).bind("scale", {1, vae.temporal.embed_dim, 1, 1, 1})),
          shift(scope.as(DType::Float32).bind("shift", {1, vae.temporal.embed_dim, 1, 1, 1})),
          temporal(scope / "temporal_vae", vae.temporal),
          spatial(scope / "spatial_vae.module", vae.spatial) {}

    /// Latents [C, T, Y, X] of one group -> [T, Y, X, C] in our dtype, each channel stretched to its own spread.
    Tensor unwhiten(const Context& context, const Tensor& latents) const {
        const Tensor z = kernels::to_channels_last(context, latents.transpose(0, 1), DType::Float32);
        const int64_t channels = z.dim(3);
        const Tensor flat = z.reshape({1, 1, z.elements() / channels, channels});
        const Tensor scaled = kernels::gate_multiply(context, scale.reshape({1, channels}), flat);
        const Tensor shifted = kernels::add_table(context, scaled, shift.reshape({1, 1, channels}));
        return kernels::cast(context, shifted.reshape(z.shape()), dtype);
    }

    /// Latents of one group -> 2-D latents [C', frames, Y, X] f32. What lies before the first frame is dropped.
    Tensor frame_latents(const Context& context, const Tensor& latents, int64_t frames,
                         const std::stop_token& stop) const {
        const Tensor x = temporal(context, unwhiten(context, latents), stop);  // [T factor, Y, X, C']
        const Tensor kept = kernels::contiguous(context, x.slice(0, x.dim(0) - frames, x.dim(0)));
        return kernels::to_channels_first(context, kept).transpose(0, 1);
    }

    /// Chunks of pictures, of which none lies in two groups.
    int64_t chunks_of_video(int64_t frames, int64_t chunk) const {
        const int64_t full = frames / config.micro_frame_size;
        return full * chunks_of(config.micro_frame_size, chunk) + chunks_of(frames % config.micro_frame_size, chunk);
    }

    int64_t temporal_bytes(int64_t area) const {
        return area * temporal.peak_elements(config.group_latents()) * size_of(dtype);
    }

    OpenSoraVaeConfig config;
    DType dtype;
    int64_t threads;
    Tensor scale;
    Tensor shift;
    TemporalDecoder temporal;
    AutoencoderKlDecoder spatial;
};

OpenSoraVaeDecoder::OpenSoraVaeDecoder(const Scope& scope, const OpenSoraVaeConfig& config)
    : network_(std::make_unique<const Network>(scope, config)) {}
OpenSoraVaeDecoder::~OpenSoraVaeDecoder() = default;

int64_t OpenSoraVaeDecoder::spatial_factor() const { return network_->spatial.spatial_factor(); }
int64_t OpenSoraVaeDecoder::latent_channels() const { return network_->config.temporal.embed_dim; }
int64_t OpenSoraVaeDecoder::frames_of(int64_t latent_frames) const { return network_->config.frames_of(latent_frames); }
int64_t OpenSoraVaeDecoder::latent_frames_of(int64_t frames) const { return network_->config.latent_frames_of(frames); }

/// Groups come one after the other; the pictures of one may be made by several, who each make the group's 2-D latents,
/// which is little work beside the pictures.
class OpenSoraVaeDecoder::Groups final : public Decoding {
  public:
    Groups(const Network& network, Tensor latents, const DecodeOptions& options)
        : Decoding({latents.dim(2), latents.dim(3), options, network.spatial.spatial_factor()}),
          network_(network),
          latents_(std::move(latents)),
          options_(options),
          frames_(options.frames > 0 ? options.frames : network.config.frames_of(latents_.dim(1))),
          chunk_(chunk_frames(latents_.dim(2), latents_.dim(3), options)) {
        options_.frames = 0;
    }

    Pieces pieces() const override {
        return {.chunks = network_.chunks_of_video(frames_, chunk_), .tiles = grid().count()};
    }

    int64_t frames(int64_t chunk) const override {
        const auto [group, within] = place_of(chunk);
        return std::min(chunk_, frames_of_group(group) - within * chunk_);
    }

    Tensor make(const Context& context, Piece piece, const std::stop_token& stop) override {
        const Place place = place_of(piece.chunk);
        if (!pictures_ || place.group != group_) begin_group(context, place.group, stop);
        return pictures_->make(context, {place.chunk, piece.tile}, stop);
    }

  private:
    struct Place {
        int64_t group = 0;
        int64_t chunk = 0;  // of the group
    };

    Place place_of(int64_t chunk) const {
        const int64_t of_full_group = chunks_of(network_.config.micro_frame_size, chunk_);
        return {chunk / of_full_group, chunk % of_full_group};
    }

    int64_t frames_of_group(int64_t group) const {
        const int64_t most = network_.config.micro_frame_size;
        return std::min(most, frames_ - group * most);
    }

    void begin_group(const Context& context, int64_t group, const std::stop_token& stop) {
        pictures_.reset();  // one group at a time
        const int64_t begin = group * network_.config.group_latents();
        const int64_t end = std::min(latents_.dim(1), begin + network_.config.group_latents());
        const Tensor z = network_.frame_latents(context, latents_.slice(1, begin, end), frames_of_group(group), stop);
        pictures_ = network_.spatial.begin(z, options_);
        group_ = group;
    }

    const Network& network_;
    Tensor latents_;
    DecodeOptions options_;  // of the pictures
    int64_t frames_;
    int64_t chunk_;
    int64_t group_ = 0;
    std::unique_ptr<Decoding> pictures_;  // of that group
};

Pieces OpenSoraVaeDecoder::pieces(const Shape& latents, const DecodeOptions& options) const {
    const int64_t frames = options.frames > 0 ? options.frames : frames_of(latents[1]);
    const TileGrid grid(latents[2], latents[3], options, spatial_factor());
    return {.chunks = network_->chunks_of_video(frames, chunk_frames(latents[2], latents[3], options)),
            .tiles = grid.count()};
}

std::unique_ptr<Decoding> OpenSoraVaeDecoder::open(const Tensor& latents, const DecodeOptions& options) const {
    const int64_t frames = options.frames > 0 ? options.frames : frames_of(latents.dim(1));
    check(latent_frames_of(frames) == latents.dim(1), ErrorCode::BadInput, "{} latent frames, {} frames have {}",
          latents.dim(1), frames, latent_frames_of(frames));
    return std::make_unique<Groups>(*network_, latents, options);
}

int64_t OpenSoraVaeDecoder::working_bytes(int64_t latent_rows, int64_t latent_columns,
                                          const DecodeOptions& options) const {
    const OpenSoraVaeConfig& config = network_->config;
    const int64_t area = latent_rows * latent_columns;
    const int64_t group_bytes =
        area * config.micro_frame_size * config.temporal.in_out_channels * size_of(DType::Float32);
    const int64_t temporal = network_->temporal_bytes(area);
    const int64_t temporal_most = kernels::with_scratch(temporal, network_->threads);
    const int64_t spatial_most = network_->spatial.working_bytes(latent_rows, latent_columns, options) + group_bytes;
    return std::max(temporal_most, spatial_most);
}

}  // namespace kine::dit
