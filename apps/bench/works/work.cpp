#include "apps/bench/works/work.h"

#include "apps/bench/works/opening.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/tensor/transfer.h"

#include <array>

namespace kine::bench {

namespace {

constexpr std::array<WorkKind, 7> kKinds = {{
    {"temporal_256x16", "attention over 16 frames of 256 patches, 16 heads of 72", true, no_weights, temporal_16_inputs,
     open_temporal_16},
    {"spatial_16x256", "attention over 256 patches of 16 frames, 16 heads of 72", true, no_weights, spatial_256_inputs,
     open_spatial_256},
    {"spatial_4x1024", "attention over 1,024 patches of 4 frames, 16 heads of 72", true, no_weights,
     spatial_1024_inputs, open_spatial_1024},
    {"block_pair", "spatial and temporal block of Latte-1, 4,096 tokens, one branch", true, block_pair_weights,
     block_pair_inputs, open_block_pair},
    {"t5_block", "one block of the T5-XXL encoder, 120 tokens", true, t5_weights, nothing, open_t5},
    {"vae_256", "one frame of 256 x 256 through Stable Diffusion's decoder", true, vae_weights, vae_inputs, open_vae},
    {"latte_step", "Latte-1 at full size, 256 x 256 x 16, one guided step", false, latte_step_weights,
     latte_step_inputs, open_latte_step},
}};

Tensor as(const Context& context, const Tensor& values, DType dtype) {
    return values.dtype() == dtype ? values : kernels::cast(context, values, dtype);
}

}  // namespace

ShapeMap nothing() { return {}; }
ShapeMap no_weights(Context&) { return {}; }

std::span<const WorkKind> work_kinds() { return kKinds; }

Weights Opening::weights() const {
    Weights weights = Weights::open_file(folder / "weights.safetensors");
    weights.quantize_blocks(quantization);
    return weights;
}

Tensor Opening::input(const std::string& name) const {
    const Tensor stored = SafetensorsFile::open(folder / "inputs.safetensors").tensor(name);
    return as(context, to_device(context, stored), dtype);
}

void write_files(Context& context, const WorkKind& kind, const std::filesystem::path& folder) {
    const ShapeMap weights = kind.weights(context);
    if (!weights.empty()) write_random_weights(context, weights, DType::BFloat16, folder / "weights.safetensors");
    std::map<std::string, Tensor> inputs;
    uint64_t seed = 1000;
    for (const auto& [name, shape] : kind.inputs())
        inputs[name] = random_tensor(context, shape, DType::BFloat16, ++seed);
    if (!inputs.empty()) write_safetensors(folder / "inputs.safetensors", inputs);
}

}  // namespace kine::bench
