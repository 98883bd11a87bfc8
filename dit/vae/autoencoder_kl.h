// AutoencoderKL (Rombach et al. 2022, arXiv 2112.10752): the 2-D VAE of Stable Diffusion, frame by frame.
#pragma once

#include "dit/vae/frame_decoder.h"
#include "runtime/io/json_fwd.h"
#include "runtime/weights.h"

#include <memory>
#include <vector>

namespace kine::dit {

struct AutoencoderKlConfig {
    int64_t in_channels = 3;
    int64_t out_channels = 3;
    int64_t latent_channels = 4;
    std::vector<int64_t> block_out_channels = {128, 256, 512, 512};
    int64_t layers_per_block = 2;
    int64_t norm_num_groups = 32;
    double scaling_factor = 0.18215;
    double shift_factor = 0.0;
    bool mid_block_add_attention = true;
    bool use_quant_conv = true;
    bool use_post_quant_conv = true;

    template <class Visitor>
    void visit(Visitor& v) {
        v("in_channels", in_channels, "channels of a picture that is encoded");
        v("out_channels", out_channels, "channels of a decoded picture");
        v("latent_channels", latent_channels, "channels of the latents");
        v("block_out_channels", block_out_channels, "channels of each level, full size first");
        v("layers_per_block", layers_per_block, "residual blocks of an encoder level; the decoder has one more");
        v("norm_num_groups", norm_num_groups, "groups of every norm");
        v("scaling_factor", scaling_factor, "latents are the posterior mean times this");
        v("shift_factor", shift_factor, "taken from the posterior mean before scaling");
        v("mid_block_add_attention", mid_block_add_attention, "attention at the lowest level");
        v("use_quant_conv", use_quant_conv, "1x1 convolution after the encoder");
        v("use_post_quant_conv", use_post_quant_conv, "1x1 convolution before the decoder");
    }

    /// Pixels for each latent pixel, a side: every level but the last halves.
    int64_t spatial_factor() const { return int64_t{1} << (block_out_channels.size() - 1); }

    /// Checked: sizes sane and divisible by the groups, block types and activation known (else ErrorCode::Unsupported).
    /// `where` names the file in messages.
    static AutoencoderKlConfig from_json(const Json& config, std::string_view where);
};

class AutoencoderKlDecoder final : public FrameDecoder {
  public:
    AutoencoderKlDecoder(const Scope& scope, const AutoencoderKlConfig& config);
    ~AutoencoderKlDecoder() override;

    Pieces pieces(const Shape& latents, const DecodeOptions& options) const override;
    int64_t spatial_factor() const override;
    int64_t frames_of(int64_t latent_frames) const override { return latent_frames; }
    int64_t latent_frames_of(int64_t frames) const override { return frames; }
    int64_t latent_channels() const override;
    int64_t working_bytes(int64_t latent_rows, int64_t latent_columns, const DecodeOptions& options) const override;

  private:
    struct Network;
    class Pictures;
    std::unique_ptr<Decoding> open(const Tensor& latents, const DecodeOptions& options) const override;

    std::unique_ptr<const Network> network_;
};

/// Pictures to latents (image conditioning, recipes, tests).
class AutoencoderKlEncoder {
  public:
    AutoencoderKlEncoder(const Scope& scope, const AutoencoderKlConfig& config);
    ~AutoencoderKlEncoder();

    /// frames [F, Y, X, 3] f32 in [0, 1] -> the mean of the posterior times the scaling factor, [C, F, Y/f, X/f] f32.
    Tensor encode(const Context& context, const Tensor& frames) const;

  private:
    struct Network;
    std::unique_ptr<const Network> network_;
};

}  // namespace kine::dit
