// OpenSora-VAE-v1.2: a causal 3-D VAE over time whose latents a 2-D VAE turns into pictures. Groups of 17 frames (5
// latent ones) know nothing of one another, so a long video decodes in the memory of one group.
#pragma once

#include "dit/vae/autoencoder_kl.h"

namespace kine::dit {

/// The causal 3-D part.
struct TemporalVaeConfig {
    int64_t in_out_channels = 4;
    int64_t latent_embed_dim = 4;
    int64_t embed_dim = 4;
    int64_t filters = 128;
    int64_t num_res_blocks = 4;
    std::vector<int64_t> channel_multipliers = {1, 2, 2, 4};
    std::vector<int64_t> temporal_downsample = {0, 1, 1};  ///< between levels, lowest channels first
    int64_t num_groups = 32;

    size_t levels() const { return channel_multipliers.size(); }
    int64_t width(size_t level) const { return filters * channel_multipliers[level]; }
    /// Frames for each latent frame.
    int64_t temporal_factor() const;
};

struct OpenSoraVaeConfig {
    int64_t micro_frame_size = 17;  ///< frames of a group
    std::vector<double> scale = {3.85, 2.32, 2.33, 3.06};
    std::vector<double> shift = {-0.10, 0.34, 0.27, 0.98};
    AutoencoderKlConfig spatial;
    TemporalVaeConfig temporal;

    int64_t group_latents() const;
    int64_t latent_frames_of(int64_t frames) const;
    int64_t frames_of(int64_t latent_frames) const;  ///< the most that so many latent frames hold

    /// Checked; absent sizes are the published ones. Another VAE's name is ErrorCode::Unsupported.
    static OpenSoraVaeConfig from_json(const Json& json, std::string_view where);
};

/// A chunk is counted in pictures here: the temporal part always works on one whole group. Only the spatial part tiles.
class OpenSoraVaeDecoder final : public FrameDecoder {
  public:
    OpenSoraVaeDecoder(const Scope& scope, const OpenSoraVaeConfig& config);
    ~OpenSoraVaeDecoder() override;

    Pieces pieces(const Shape& latents, const DecodeOptions& options) const override;
    int64_t spatial_factor() const override;
    int64_t frames_of(int64_t latent_frames) const override;
    int64_t latent_frames_of(int64_t frames) const override;
    int64_t latent_channels() const override;
    int64_t working_bytes(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) const override;

  private:
    struct Network;
    class Groups;
    std::unique_ptr<Decoding> open(const Tensor& latents, const DecodeOptions& options) const override;

    std::unique_ptr<const Network> network_;
};

}  // namespace kine::dit
