// Norm of heads and rotary embedding (Su et al. 2021, arXiv 2104.09864), in place on packed projections: one read and
// one write instead of three of each. A head is shared by a run of lanes, eight channels a lane; pairs are neighbours,
// so a lane turns its own.
#pragma once

#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"
#include "kernels/rope/query_key_launch.h"

namespace kine::kernels::cuda {

/// The channels [first, first + 8) of a head, of which the run of kLanes lanes holds all; absent ones are zero and stay
/// so. All lanes of the warp call it.
template <int kLanes>
__device__ void normalise_head(Chunk& part, const HeadSteps& steps, int first, int size) {
    if (steps.norm == HeadNorm::None) return;
    float mean = 0.0f;
    if (steps.norm == HeadNorm::Layer) {
#pragma unroll
        for (int i = 0; i < kChunk; ++i) mean += part.value[i];
        mean = sum_over<kLanes>(mean) / static_cast<float>(size);
    }
    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        part.value[i] = first + i < size ? part.value[i] - mean : 0.0f;
        squares += part.value[i] * part.value[i];
    }
    const float inverse = inverse_square_root(sum_over<kLanes>(squares) / static_cast<float>(size) + steps.eps);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        if (first + i >= size) continue;
        part.value[i] *= inverse * (steps.weight ? steps.weight[first + i] : 1.0f);
        part.value[i] += steps.bias ? steps.bias[first + i] : 0.0f;
    }
}

/// (a cos - b sin, b cos + a sin) for each pair.
__device__ inline void rotate_head(Chunk& part, const float* turns, int first, int size) {
#pragma unroll
    for (int i = 0; i < kChunk; i += 2) {
        if (first + i >= size) continue;
        const float a = part.value[i], b = part.value[i + 1];
        const float cosine = turns[first + i], sine = turns[first + i + 1];
        part.value[i] = a * cosine - b * sine;
        part.value[i + 1] = b * cosine + a * sine;
    }
}

/// What one block does; kLanes is lanes_per_head(head_size). Runs of lanes behind the last head go along idly, since
/// their warp exchanges values.
template <class T, int kLanes>
__device__ void query_key_block(const QueryKeyArguments<T>& all) {
    const int64_t run = (block_x() * threads_in_block() + thread_in_block()) / kLanes;
    const int sides = all.sides();
    const bool is_there = run < sides * all.tokens * all.heads;
    const int64_t token = is_there ? run / (sides * all.heads) : 0;
    const auto head = static_cast<int>(run % all.heads);
    const bool is_key = run / all.heads % sides != 0;
    const HeadSteps& steps = is_key ? all.key_steps : all.query_steps;
    const int first = lane() % kLanes * kChunk;
    T* values = (is_key ? all.keys : all.queries) + token * all.token_stride + int64_t{head} * all.head_size;
    Chunk part = load_part(values, first, is_there ? all.head_size : 0, all.by_words);
    normalise_head<kLanes>(part, steps, first, all.head_size);
    if (!is_there) return;
    if (steps.turns) {
        const int64_t frame = token / all.patches % all.frames, patch = token % all.patches;
        const float* turns = steps.turns + frame * all.frame_turns + patch * all.patch_turns;
        rotate_head(part, turns, first, all.head_size);
    }
    store_part(values, first, all.head_size, all.by_words, part);
}

}  // namespace kine::kernels::cuda
