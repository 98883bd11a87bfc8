// Normal noise for latents. Drawn for the whole latent on the host and then sliced, so that a video does not depend on
// device, thread or rank count.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <string_view>

namespace kine {

enum class NoiseKind {
    Philox,  ///< counter-based, Philox4x32-10 (Salmon et al., SC 2011) and Box-Muller: any element from its index alone
    Torch,   ///< exactly what torch.randn with a CPU generator draws (mt19937), call after call
};

NoiseKind noise_from_name(std::string_view name);  ///< "philox" or "torch"

/// Philox4x32-10 itself, for tests against the published vectors.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// A sequence of draws of one run. Philox numbers its draws, so the n-th draw does not depend on earlier shapes.
class Noise {
  public:
    virtual ~Noise() = default;
    /// Standard normal values, float32, contiguous.
    virtual Tensor normal(const Context& context, const Shape& shape) = 0;
};

std::unique_ptr<Noise> make_noise(NoiseKind kind, uint64_t seed);

}  // namespace kine
