#include "dit/vae/open_sora_vae.h"

#include "dit/vae/chunking.h"
#include "dit/vae/temporal_decoder.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"

#include <algorithm>

namespace kine::dit {

namespace {

// What ops hold beside their arguments: a share of the tensors, and a tile of rows and sums for each thread.
constexpr int64_t kScratchShare = 32;  // one part in so many
constexpr int64_t kThreadScratchBytes = 320 << 10;

}  // namespace

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

void OpenSoraVaeDecoder::decode(const Context& context, const Tensor& latents, const DecodeOptions& options,
                                std::stop_token stop, const FrameConsumer& consume) const {
    check_decode_options(options);
    const bool fits = latents.rank() == 4 && latents.dim(0) == latent_channels() && latents.elements() > 0;
    check(fits, ErrorCode::BadInput, "latents must have the shape [{}, frames, rows, columns], came {}",
          latent_channels(), to_string(latents.shape()));
    const int64_t frames = options.frames > 0 ? options.frames : frames_of(latents.dim(1));
    check(latent_frames_of(frames) == latents.dim(1), ErrorCode::BadInput, "{} latent frames, {} frames have {}",
          latents.dim(1), frames, latent_frames_of(frames));
    DecodeOptions pictures = options;
    pictures.frames = 0;
    int64_t done = 0;
    for_each_chunk(latents.dim(1), network_->config.group_latents(), [&](int64_t begin, int64_t end) {
        check_running(stop);
        const int64_t count = std::min(network_->config.micro_frame_size, frames - done);
        const Tensor group = network_->frame_latents(context, latents.slice(1, begin, end), count, stop);
        network_->spatial.decode(context, group, pictures, stop, consume);
        done += count;
    });
}

int64_t OpenSoraVaeDecoder::working_bytes(int64_t latent_rows, int64_t latent_columns,
                                          const DecodeOptions& options) const {
    const OpenSoraVaeConfig& config = network_->config;
    const int64_t area = latent_rows * latent_columns;
    const int64_t group_bytes =
        area * config.micro_frame_size * config.temporal.in_out_channels * size_of(DType::Float32);
    const int64_t temporal = network_->temporal_bytes(area);
    const int64_t temporal_most = temporal + temporal / kScratchShare + network_->threads * kThreadScratchBytes;
    const int64_t spatial_most = network_->spatial.working_bytes(latent_rows, latent_columns, options) + group_bytes;
    return std::max(temporal_most, spatial_most);
}

}  // namespace kine::dit
