#include "runtime/rng/noise.h"

#include "runtime/registry.h"
#include "runtime/rng/philox.h"
#include "runtime/rng/torch.h"

#include <array>
#include <span>

namespace kine {

namespace {

constexpr std::array<Entry<NoiseKind>, 2> kKinds = {
    {{"philox", "counter-based, any element from its index alone", NoiseKind::Philox},
     {"torch", "what torch.randn draws with a CPU generator", NoiseKind::Torch}}};

}  // namespace

NoiseKind noise_from_name(std::string_view name) {
    return find_entry(std::span<const Entry<NoiseKind>>(kKinds), "noise generator", name).make;
}

std::unique_ptr<Noise> make_noise(NoiseKind kind, uint64_t seed) {
    if (kind == NoiseKind::Torch) return std::make_unique<TorchNoise>(seed);
    return std::make_unique<PhiloxNoise>(seed);
}

}  // namespace kine
