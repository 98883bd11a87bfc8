// Models of a published size with random weights: speed depends on sizes, not on what was learned. Zeros would not do,
// since some processors run faster on them.
#pragma once

#include "dit/families/latte/config.h"
#include "dit/vae/autoencoder_kl.h"
#include "runtime/weights.h"

#include <filesystem>
#include <map>
#include <string>

namespace kine::bench {

using ShapeMap = std::map<std::string, Shape>;

/// Uniform values of zero mean and variance `deviation` squared, the same for the same seed.
Tensor random_tensor(const Context& context, const Shape& shape, DType dtype, uint64_t seed, float deviation = 1.0f);

/// Latents [C, F, Y, X] of waves that move from frame to frame. What is decoded from them costs an encoder about what a
/// picture costs; decoded noise costs it many times that.
Tensor moving_waves(const Context& context, const Shape& shape);

/// Weights that keep the size of what passes through them; those of norms are 1.
void write_random_weights(const Context& context, const ShapeMap& shapes, DType dtype,
                          const std::filesystem::path& file);
Weights random_weights(const Context& context, const ShapeMap& shapes);

/// Of whatever make(scope) binds.
template <class Make>
ShapeMap shapes_for(Context& context, Make&& make) {
    Weights asked = Weights::imagined("random weights");
    make(Scope(context, asked, DType::Float32));
    return asked.bound();
}

template <class Make>
Weights random_weights_for(Context& context, Make&& make) {
    return random_weights(context, shapes_for(context, make));
}

/// Latte-1 at 256 x 256 pixels.
dit::latte::Config latte_256();

/// Under the published names.
ShapeMap decoder_shapes(const dit::AutoencoderKlConfig& config);
ShapeMap spatial_block_shapes(const dit::latte::Config& config);
ShapeMap temporal_block_shapes(const dit::latte::Config& config);

/// Convolutions, linear layers and attention of one decoded frame.
double decoder_flops(const dit::AutoencoderKlConfig& config, int64_t latent_rows, int64_t latent_columns);

}  // namespace kine::bench
