// Group norm of channels-last pictures: two reads and one write. Moments of runs are merged (Chan, Golub and LeVeque,
// 1979) in an order that follows from the shape alone, so the same input gives the same bits.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/vec.cuh"
#include "kernels/cuda/warp.cuh"
#include "kernels/norm/group_norm_launch.h"

namespace kine::kernels::cuda {

/// Of `count` values. In double, since means are merged as often as there are runs.
struct CountedMoments {
    double count = 0.0;
    double mean = 0.0;
    double spread = 0.0;
};

__device__ inline CountedMoments merged(const CountedMoments& a, const CountedMoments& b) {
    const double count = a.count + b.count;
    if (count == 0.0) return a;
    const double distance = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + distance * share, a.spread + b.spread + distance * distance * a.count * share};
}

/// A thread's chunk of channels, and the positions of its run that it reads.
struct GroupNormPart {
    int64_t begin, end, step;  ///< positions
    int row, column;
    bool is_idle;

    template <class T>
    __device__ explicit GroupNormPart(const GroupNormArguments<T>& norm) {
        const int columns = group_norm_columns(norm.channels);
        const int64_t run = positions_in_run(norm.channels), first = block_x() * run;
        row = thread_in_block() / columns;
        column = thread_in_block() % columns;
        step = group_norm_rows(norm.channels);
        is_idle = row >= step;
        begin = first + row;
        end = first + run < norm.positions ? first + run : norm.positions;
    }
    __device__ int channel() const { return column * kChunk; }
    __device__ int64_t positions() const { return end - (begin - row); }  ///< of the run
};

/// What distances are taken from in one run, so that a mean far from zero costs no digits: some value of the group.
template <class T>
__device__ float group_shift(const GroupNormArguments<T>& norm, int group) {
    const int64_t position = block_y() * norm.positions + block_x() * positions_in_run(norm.channels);
    return widen(norm.x[position * norm.channels + group * (norm.channels / norm.groups)]);
}

/// Of each of a thread's channels, over its positions.
template <class T>
__device__ void sum_distances(const GroupNormArguments<T>& norm, const GroupNormPart& part, Chunk& sum,
                              Chunk& squares) {
    const T* picture = norm.x + block_y() * norm.positions * norm.channels;
    const int channel = part.channel(), width = norm.channels / norm.groups;
    Chunk shift;
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        sum.value[i] = squares.value[i] = 0.0f;
        shift.value[i] = channel + i < norm.channels ? group_shift(norm, (channel + i) / width) : 0.0f;
    }
    for (int64_t position = part.begin; position < part.end; position += part.step) {
        const Chunk x = load_part(picture + position * norm.channels, channel, norm.channels, norm.by_words);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
            const float distance = x.value[i] - shift.value[i];
            sum.value[i] += distance;
            squares.value[i] += distance * distance;
        }
    }
}

/// Moments of each group over one run of positions. `scratch`: of each row of threads the sums of its channels, each
/// with its squares.
template <class T>
__device__ void group_moments_block(const GroupNormArguments<T>& norm, float* scratch) {
    const GroupNormPart part(norm);
    const int padded = group_norm_columns(norm.channels) * kChunk;
    if (!part.is_idle) {
        Chunk sum, squares;
        sum_distances(norm, part, sum, squares);
        float* place = scratch + 2 * (part.row * padded + part.channel());
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
            place[2 * i] = sum.value[i];
            place[2 * i + 1] = squares.value[i];
        }
    }
    sync_block();
    const int width = norm.channels / norm.groups;
    const auto count = static_cast<float>(part.positions() * width);
    GroupMoments* parts = norm.parts + (block_y() * blocks_x() + block_x()) * norm.groups;
    for (int group = thread_in_block(); group < norm.groups; group += kGroupNormThreads) {
        float sum = 0.0f, squares = 0.0f;
        for (int row = 0; row < part.step; ++row) {
            const float* place = scratch + 2 * (row * padded + group * width);
            for (int i = 0; i < width; ++i) {
                sum += place[2 * i];
                squares += place[2 * i + 1];
            }
        }
        const float distance = sum / count;
        parts[group] = {group_shift(norm, group) + distance, fmaxf(squares - distance * sum, 0.0f)};
    }
}

/// Moments of one group of one picture, by a warp: each lane merges every 32nd run, then lanes merge in pairs.
template <class T>
__device__ void group_merge_block(const GroupNormArguments<T>& norm) {
    const int64_t run = positions_in_run(norm.channels), runs = runs_of(norm.positions, norm.channels);
    const int width = norm.channels / norm.groups;
    const GroupMoments* parts = norm.parts + block_y() * runs * norm.groups + block_x();
    CountedMoments all;
    for (int64_t index = lane(); index < runs; index += kWarp) {
        const int64_t left = norm.positions - index * run;
        const GroupMoments& of = parts[index * norm.groups];
        all = merged(all, {static_cast<double>((left < run ? left : run) * width), of.mean, of.spread});
    }
#pragma unroll
    for (int mask = 1; mask < kWarp; mask *= 2) {
        const CountedMoments other = {shuffle_xor(all.count, mask), shuffle_xor(all.mean, mask),
                                      shuffle_xor(all.spread, mask)};
        all = (lane() & mask) == 0 ? merged(all, other) : merged(other, all);
    }
    if (lane() != 0) return;
    const auto variance = static_cast<float>(all.spread / all.count);
    norm.moments[block_y() * norm.groups + block_x()] = {static_cast<float>(all.mean),
                                                         inverse_square_root(variance + norm.eps)};
}

/// Writes one run of positions.
template <class T, bool kHasSilu>
__device__ void group_norm_block(const GroupNormArguments<T>& norm) {
    const GroupNormPart part(norm);
    if (part.is_idle) return;
    const int channel = part.channel(), width = norm.channels / norm.groups;
    Chunk mean, factor;
    const Chunk weight = load_part(norm.weight, channel, norm.channels, norm.by_words);
    const Chunk bias = load_part(norm.bias, channel, norm.channels, norm.by_words);
    const GroupMoments* moments = norm.moments + block_y() * norm.groups;
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
        const bool is_there = channel + i < norm.channels;
        const GroupMoments of = is_there ? moments[(channel + i) / width] : GroupMoments{};
        mean.value[i] = of.mean;
        factor.value[i] = of.spread * weight.value[i];
    }
    const int64_t picture = block_y() * norm.positions * norm.channels;
    for (int64_t position = part.begin; position < part.end; position += part.step) {
        const int64_t begin = picture + position * norm.channels;
        Chunk x = load_part(norm.x + begin, channel, norm.channels, norm.by_words);
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
            const float value = (x.value[i] - mean.value[i]) * factor.value[i] + bias.value[i];
            x.value[i] = kHasSilu ? silu(value) : value;
        }
        store_part(norm.out + begin, channel, norm.channels, norm.by_words, x);
    }
}

}  // namespace kine::kernels::cuda
