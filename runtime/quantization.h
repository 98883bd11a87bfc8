// How linear layers trade exactness for speed and memory.
#pragma once

#include <string_view>

namespace kine {

enum class Quantization {
    None,
    Int8,  ///< weights and activations in eight bits, one scale per output channel and per token, exact sums
};

/// "none", "int8"; ErrorCode::Usage for other names.
Quantization quantization_from_name(std::string_view name);
std::string_view name_of(Quantization quantization);

}  // namespace kine
