// Whether all values are finite: what it is asked on a GPU. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"

#include <cstddef>

namespace kine::kernels::cuda {

/// Sets *found to 1 if one of `count` values, f32, bf16 or f16, is not finite, and else leaves it.
struct FiniteArguments {
    const std::byte* values = nullptr;
    DType dtype = DType::Float32;
    int64_t count = 0;
    int32_t* found = nullptr;
};

inline constexpr int kFiniteThreads = 256;
inline constexpr int kFiniteValues = 32;  ///< that a thread looks at

constexpr Launch finite_launch(int64_t count) {
    return {divide_up(count, kFiniteThreads * kFiniteValues), 1, kFiniteThreads, 0};
}

}  // namespace kine::kernels::cuda
