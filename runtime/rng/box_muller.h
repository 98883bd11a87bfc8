// Uniform to normal numbers with the very roundings of PyTorch's AVX2 path, so that the results agree bit for bit.
#pragma once

#include <cstdint>

namespace kine {

inline constexpr int64_t kBoxMullerBlock = 16;

/// In place: values[j] and values[j + 8], uniform in [0, 1), become two independent normal numbers.
void box_muller_block(float* values);

}  // namespace kine
