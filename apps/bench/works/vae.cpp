// One frame of 256 x 256 through the decoder of Stable Diffusion's VAE.
#include "apps/bench/works/opening.h"

namespace kine::bench {

namespace {

constexpr int64_t kLatentSide = 32;

class Decode final : public Work {
  public:
    explicit Decode(const Opening& opening) : context_(opening.context) {
        latents_ = Opening{context_, DType::Float32, opening.folder}.input("latents");
        Weights weights = opening.weights();
        decoder_ = std::make_unique<dit::AutoencoderKlDecoder>(Scope(context_, weights, opening.dtype), config_);
        weights.finish();
    }

    Tensor run() override {
        Tensor picture;
        decoder_->decode(context_, latents_, {}, {}, [&](const Tensor& frames) { picture = frames; });
        return picture;
    }
    double flops() const override { return decoder_flops(config_, kLatentSide, kLatentSide); }

  private:
    Context& context_;
    dit::AutoencoderKlConfig config_;
    Tensor latents_;
    std::unique_ptr<dit::AutoencoderKlDecoder> decoder_;
};

}  // namespace

ShapeMap vae_weights(Context&) { return decoder_shapes({}); }
ShapeMap vae_inputs() {
    return {{"latents", {dit::AutoencoderKlConfig().latent_channels, 1, kLatentSide, kLatentSide}}};
}
std::unique_ptr<Work> open_vae(const Opening& opening) { return std::make_unique<Decode>(opening); }

}  // namespace kine::bench
