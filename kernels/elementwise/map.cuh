// Arithmetic element by element: activations, gated activations, and a sampler's step with guidance.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"
#include "kernels/elementwise/map_launch.h"

namespace kine::kernels::cuda {

/// The run of up to eight elements that is this thread's; `count` is 0 behind the end.
struct Run {
    int64_t begin;
    int count;
    bool by_words;
};

__device__ inline Run own_run(int64_t count, bool by_words) {
    const int64_t begin = (block_x() * kMapThreads + thread_in_block()) * kChunk;
    const int64_t left = count - begin;
    const int own = left >= kChunk ? kChunk : left > 0 ? static_cast<int>(left) : 0;
    return {begin, own, by_words && own == kChunk};
}

template <class T>
__device__ Chunk load_run(const T* from, const Run& run) {
    return load_part(from + run.begin, 0, run.count, run.by_words);
}

template <class T>
__device__ void store_run(T* to, const Run& run, const Chunk& chunk) {
    store_part(to + run.begin, 0, run.count, run.by_words, chunk);
}

/// What one block does.
template <class T, MapKind kKind>
__device__ void map_block(const MapArguments<T>& map) {
    const Run run = own_run(map.count, map.by_words);
    if (run.count == 0) return;
    Chunk x = load_run(map.x, run);
    Chunk value;
    if constexpr (kKind == MapKind::GeluTanhGate) value = load_run(map.value, run);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        x.value[i] = kKind == MapKind::Silu ? silu(x.value[i]) : gelu_tanh(x.value[i]);
        if constexpr (kKind == MapKind::GeluTanhGate) x.value[i] *= value.value[i];
    }
    store_run(map.out, run, x);
}

__device__ inline void guided_step_block(const GuidedStepArguments& step) {
    const Run run = own_run(step.count, step.by_words);
    if (run.count == 0) return;
    Chunk x = load_run(step.x, run);
    Chunk towards = load_run(step.conditional, run);
    if (step.unconditional) {
        const Chunk from = load_run(step.unconditional, run);
#pragma unroll
        for (int i = 0; i < kChunk; ++i)
            towards.value[i] = from.value[i] + step.guidance * (towards.value[i] - from.value[i]);
    }
#pragma unroll
    for (int i = 0; i < kChunk; ++i) x.value[i] = step.keep * x.value[i] + step.move * towards.value[i];
    store_run(step.out, run, x);
}

}  // namespace kine::kernels::cuda
