// How linear layers trade exactness for speed and memory.
#pragma once

#include <string_view>

namespace kine {

enum class Quantization {
    None,
    Int8,  ///< weights and activations in eight bits, one scale per output channel and per token, exact sums
    Fp8,   ///< the same as e4m3 beside bf16, sums in f32; on GPUs of compute capability 9.0 (Hopper)
    Tf32,  ///< f32 whose products take ten bits of mantissa; on GPUs
};

/// "none", "int8", "fp8", "tf32"; ErrorCode::Usage for other names.
Quantization quantization_from_name(std::string_view name);
std::string_view name_of(Quantization quantization);

}  // namespace kine
