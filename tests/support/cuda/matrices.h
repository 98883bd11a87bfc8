// What a warp's matrix instructions do, by the layouts of the PTX manual.
#pragma once

#include <array>
#include <cstdint>

namespace kine::emulation {

/// [row][k], 16 x 16: what all lanes of a warp gave, as mma.m16n8k16 has it in registers. T is BFloat16 or Float16.
using LeftFactor = std::array<std::array<float, 16>, 16>;
template <class T>
LeftFactor left_factor(const uint32_t (&a)[4]);

/// mma.m16n8k16 with factors of T and f32 sums.
template <class T>
void multiply_add(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
/// ldmatrix.m8n8.x2.trans of 16-bit elements.
void load_transposed(uint32_t (&parts)[2], const void* row);

}  // namespace kine::emulation
