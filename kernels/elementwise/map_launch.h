// Arithmetic element by element on GPUs: what it is asked. Plain C++: host, device and tests share it.
#pragma once

#include "kernels/cuda/rows.h"

namespace kine::kernels::cuda {

enum class MapKind { GeluTanh, Silu, GeluTanhGate };

template <class T>
struct MapArguments {
    const T* x = nullptr;
    const T* value = nullptr;  ///< of GeluTanhGate: gelu_tanh(x) * value
    T* out = nullptr;          ///< may be x itself
    int64_t count = 0;
    bool by_words = false;  ///< all begin at multiples of 16 bytes
};

/// out = keep * x + move * (unconditional + guidance * (conditional - unconditional)) in f32: a sampler's step with the
/// guidance in it. Without unconditional it is keep * x + move * conditional.
struct GuidedStepArguments {
    const float* x = nullptr;
    const float* conditional = nullptr;
    const float* unconditional = nullptr;
    float* out = nullptr;  ///< may be x itself
    int64_t count = 0;
    float guidance = 1.0f;
    float keep = 1.0f;
    float move = 0.0f;
    bool by_words = false;
};

inline constexpr int kMapThreads = 256;

/// One chunk a thread.
constexpr Launch map_launch(int64_t count) {
    return {divide_up(divide_up(count, kChunk), kMapThreads), 1, kMapThreads, 0};
}

}  // namespace kine::kernels::cuda
