// Kernels of several instances on an emulated grid, picked as their entries pick them on a GPU.
#pragma once

#include "kernels/attention/hopper.cuh"
#include "kernels/attention/temporal.cuh"
#include "kernels/norm/group_norm.cuh"
#include "kernels/norm/norm.cuh"
#include "kernels/rope/query_key.cuh"
#include "tests/support/cuda/emulated_grid.h"

namespace kine::kernels::cuda {

template <class T, int kWarps, bool kByWords>
void run_norm(const NormArguments<T>& norm) {
    emulation::run_grid(norm_launch(norm.rows, norm.width, norm.by_words), [&](std::byte* shared) {
        norm_block<T, kWarps, kByWords>(norm, reinterpret_cast<float*>(shared));
    });
}

template <class T>
void emulate(const NormArguments<T>& norm) {
    const int warps = norm_warps(norm.width, norm.by_words);
    switch (warps) {
        case 1:
            return norm.by_words ? run_norm<T, 1, true>(norm) : run_norm<T, 1, false>(norm);
        case 2:
            return run_norm<T, 2, true>(norm);
        case 4:
            return run_norm<T, 4, true>(norm);
        case 8:
            return norm.by_words ? run_norm<T, 8, true>(norm) : run_norm<T, 8, false>(norm);
        default:
            return norm.by_words ? run_norm<T, kNormMostWarps, true>(norm) : run_norm<T, kNormMostWarps, false>(norm);
    }
}

template <class T>
void emulate(const GroupNormArguments<T>& norm) {
    const Launch runs = group_norm_launch(norm.pictures, norm.positions, norm.channels);
    emulation::run_grid(runs, [&](std::byte* shared) { group_moments_block(norm, reinterpret_cast<float*>(shared)); });
    emulation::run_grid(group_merge_launch(norm.pictures, norm.groups), [&](std::byte*) { group_merge_block(norm); });
    emulation::run_grid(
        runs, [&](std::byte*) { norm.has_silu ? group_norm_block<T, true>(norm) : group_norm_block<T, false>(norm); });
}

template <class T, int kLanes = 1>
void emulate(const QueryKeyArguments<T>& all) {
    if (lanes_per_head(all.head_size) != kLanes) {
        if constexpr (kLanes < kWarp) emulate<T, kLanes * 2>(all);
        return;
    }
    emulation::run_grid(query_key_launch(all.tokens, all.heads, all.head_size, all.sides()),
                        [&](std::byte*) { query_key_block<T, kLanes>(all); });
}

template <int kHeadSize, class T>
void run_temporal(const TemporalArguments<T>& all) {
    emulation::run_grid(temporal_launch(all.outer * all.inner, all.heads, all.keys, kHeadSize),
                        [&](std::byte* shared) { temporal_block<kHeadSize>(all, reinterpret_cast<T*>(shared)); });
}

template <class T>
void emulate(const TemporalArguments<T>& all, int head_size) {
    switch (head_size) {
        case 32:
            return run_temporal<32>(all);
        case 64:
            return run_temporal<64>(all);
        case 72:
            return run_temporal<72>(all);
        case 96:
            return run_temporal<96>(all);
        default:
            return run_temporal<128>(all);
    }
}

template <int kHeadSize>
void run_hopper(const HopperArguments& all) {
    emulation::run_grid(hopper_launch(all.outer * all.inner, all.heads, all.queries, kHeadSize),
                        [&](std::byte* shared) { hopper_block<kHeadSize>(all, shared); });
}

inline void emulate(const HopperArguments& all, int head_size) {
    switch (head_size) {
        case 64:
            return run_hopper<64>(all);
        case 72:
            return run_hopper<72>(all);
        case 96:
            return run_hopper<96>(all);
        default:
            return run_hopper<128>(all);
    }
}

}  // namespace kine::kernels::cuda
