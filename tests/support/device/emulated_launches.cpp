// Every launch that ops make, on an emulated grid: the kernels are ours, compiled as C++. cuBLASLt's place takes a
// plain product. A program that has these does not link the launches of the library.
#include "kernels/attention/flash.cuh"
#include "kernels/attention/flash_cuda.h"
#include "kernels/attention/hopper_cuda.h"
#include "kernels/attention/linear_attention.cuh"
#include "kernels/attention/linear_attention_cuda.h"
#include "kernels/attention/merge.cuh"
#include "kernels/attention/merge_cuda.h"
#include "kernels/attention/rows.cuh"
#include "kernels/attention/rows_cuda.h"
#include "kernels/attention/temporal_cuda.h"
#include "kernels/color/yuv420.cuh"
#include "kernels/color/yuv420_cuda.h"
#include "kernels/conv/windows.cuh"
#include "kernels/conv/windows_cuda.h"
#include "kernels/elementwise/finite.cuh"
#include "kernels/elementwise/finite_cuda.h"
#include "kernels/elementwise/strided.cuh"
#include "kernels/elementwise/strided_cuda.h"
#include "kernels/linear/fp8_rows.cuh"
#include "kernels/linear/fp8_rows_cuda.h"
#include "kernels/linear/gemm_cuda.h"
#include "kernels/move/gather.cuh"
#include "kernels/move/gather_cuda.h"
#include "kernels/norm/group_norm_cuda.h"
#include "kernels/norm/norm_cuda.h"
#include "kernels/norm/squares.cuh"
#include "kernels/norm/squares_cuda.h"
#include "kernels/patch/patch.cuh"
#include "kernels/patch/patch_cuda.h"
#include "kernels/resample/fold.cuh"
#include "kernels/resample/fold_cuda.h"
#include "kernels/rope/query_key_cuda.h"
#include "tests/support/cuda/emulated_kernels.h"
#include "tests/support/device/emulated_queue.h"
#include "tests/support/device/test_device.h"

#include <bit>
#include <vector>

namespace kine::kernels::cuda {

namespace {

using emulation::run_grid;
using emulation::run_lone_threads;

/// Calls run with the type that `dtype` stands for.
template <class Run>
void with_type(DType dtype, const Run& run) {
    if (dtype == DType::Float32) return run(float{});
    if (dtype == DType::Float16) return run(Float16{});
    run(BFloat16{});
}

template <int kHeadSize, class T>
void run_flash(const FlashArguments<T>& all) {
    run_grid(flash_launch(all.outer * all.inner, all.heads, all.queries, kHeadSize),
             [&](std::byte* shared) { flash_block<kHeadSize>(all, reinterpret_cast<T*>(shared)); });
}

template <class T>
void run_flash(const FlashArguments<T>& all, int head_size) {
    switch (head_size) {
        case 32:
            return run_flash<32>(all);
        case 64:
            return run_flash<64>(all);
        case 72:
            return run_flash<72>(all);
        case 80:
            return run_flash<80>(all);
        case 96:
            return run_flash<96>(all);
        default:
            return run_flash<128>(all);
    }
}

template <class T>
std::vector<float> widened(const std::byte* values, int64_t rows, int64_t stride, int64_t count) {
    std::vector<float> wide;
    wide.reserve(static_cast<size_t>(rows * count));
    for (int64_t row = 0; row < rows; ++row) {
        const T* from = reinterpret_cast<const T*>(values) + row * stride;
        wide.insert(wide.end(), from, from + count);
    }
    return wide;
}

/// Eight sums side by side, so that a compiler may use lanes.
float dot(const float* a, const float* b, int64_t count) {
    float sums[kChunk] = {};
    int64_t i = 0;
    for (; i + kChunk <= count; i += kChunk)
        for (int lane = 0; lane < kChunk; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    for (; i < count; ++i) sums[0] += a[i] * b[i];
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// Operands as f32: as they are, with ten bits of mantissa, or e4m3 times the scale of their row.
template <class T>
std::vector<float> operand(const GemmArguments& gemm, const std::byte* values, int64_t rows, int64_t stride,
                           const float* scales) {
    if (!scales) {
        std::vector<float> wide = widened<T>(values, rows, stride, gemm.depth);
        if (!gemm.rounds_to_tf32) return wide;
        for (float& value : wide)
            value = std::bit_cast<float>((std::bit_cast<uint32_t>(value) + 0x1000u) & 0xffffe000u);
        return wide;
    }
    std::vector<float> wide = widened<Float8E4M3>(values, rows, stride, gemm.depth);
    for (size_t i = 0; i < wide.size(); ++i) wide[i] *= scales[i / static_cast<size_t>(gemm.depth)];
    return wide;
}

template <class T>
void run_gemm(const GemmArguments& gemm) {
    const std::vector<float> x = operand<T>(gemm, gemm.x, gemm.rows, gemm.x_stride, gemm.x_scales);
    const std::vector<float> weight = operand<T>(gemm, gemm.weight, gemm.columns, gemm.depth, gemm.weight_scales);
    const auto* bias = reinterpret_cast<const T*>(gemm.bias);
    const auto* residual = reinterpret_cast<const T*>(gemm.residual);
    auto* out = reinterpret_cast<T*>(gemm.out);
    for (int64_t row = 0; row < gemm.rows; ++row) {
        for (int64_t column = 0; column < gemm.columns; ++column) {
            float sum = dot(x.data() + row * gemm.depth, weight.data() + column * gemm.depth, gemm.depth);
            if (residual) sum += static_cast<float>(residual[row * gemm.columns + column]);
            if (bias) sum += static_cast<float>(bias[column]);
            out[row * gemm.columns + column] = T(gemm.has_gelu ? gelu_tanh(sum) : sum);
        }
    }
}

}  // namespace

void launch_strided(const StridedArguments& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(strided_launch(work.rows(), work.last()), [&] { strided_block(work); }); });
}

void launch_strided_copy(const StridedArguments& work, int64_t bytes, Stream stream) {
    enqueue(stream, [=] {
        run_lone_threads(strided_copy_launch(work.rows() * work.last()), [&] {
            if (bytes == 1) return strided_copy_block<uint8_t>(work);
            if (bytes == 2) return strided_copy_block<uint16_t>(work);
            if (bytes == 4) return strided_copy_block<uint32_t>(work);
            strided_copy_block<uint64_t>(work);
        });
    });
}

void launch_find_not_finite(const FiniteArguments& work, Stream stream) {
    enqueue(stream, [=] {
        with_type(work.dtype,
                  [&]<class T>(T) { run_lone_threads(finite_launch(work.count), [&] { finite_block<T>(work); }); });
    });
}

void launch_norm(const NormArguments<float>& norm, Stream stream) {
    enqueue(stream, [=] { emulate(norm); });
}
void launch_norm(const NormArguments<BFloat16>& norm, Stream stream) {
    enqueue(stream, [=] { emulate(norm); });
}
void launch_norm(const NormArguments<Float16>& norm, Stream stream) {
    enqueue(stream, [=] { emulate(norm); });
}
void launch_group_norm(const GroupNormArguments<float>& norm, Stream stream) {
    enqueue(stream, [=] { emulate(norm); });
}
void launch_group_norm(const GroupNormArguments<BFloat16>& norm, Stream stream) {
    enqueue(stream, [=] { emulate(norm); });
}
void launch_group_norm(const GroupNormArguments<Float16>& norm, Stream stream) {
    enqueue(stream, [=] { emulate(norm); });
}

void launch_squares(const SquaresArguments& work, Stream stream) {
    enqueue(stream, [=] {
        with_type(work.dtype, [&]<class T>(T) {
            run_grid(squares_launch(work.rows), [&](std::byte*) { squares_block<T>(work); });
        });
    });
}

void launch_query_key(const QueryKeyArguments<float>& all, Stream stream) {
    enqueue(stream, [=] { emulate(all); });
}
void launch_query_key(const QueryKeyArguments<BFloat16>& all, Stream stream) {
    enqueue(stream, [=] { emulate(all); });
}
void launch_query_key(const QueryKeyArguments<Float16>& all, Stream stream) {
    enqueue(stream, [=] { emulate(all); });
}

void launch_gather(const GatherArguments& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(gather_launch(work.rows), [&] { gather_block(work); }); });
}

void launch_unfold(const FoldArguments<float>& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(fold_launch(work.values()), [&] { unfold_block(work); }); });
}
void launch_unfold(const FoldArguments<BFloat16>& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(fold_launch(work.values()), [&] { unfold_block(work); }); });
}
void launch_unfold(const FoldArguments<Float16>& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(fold_launch(work.values()), [&] { unfold_block(work); }); });
}
void launch_fold(const FoldArguments<float>& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(fold_launch(work.values()), [&] { fold_block(work); }); });
}
void launch_fold(const FoldArguments<BFloat16>& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(fold_launch(work.values()), [&] { fold_block(work); }); });
}
void launch_fold(const FoldArguments<Float16>& work, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(fold_launch(work.values()), [&] { fold_block(work); }); });
}

void launch_windows(const WindowArguments<float>& work, Stream stream) {
    enqueue(stream, [=] {
        run_lone_threads(window_launch(work.rows, work.pixels(), work.channels), [&] { window_block(work); });
    });
}
void launch_windows(const WindowArguments<BFloat16>& work, Stream stream) {
    enqueue(stream, [=] {
        run_lone_threads(window_launch(work.rows, work.pixels(), work.channels), [&] { window_block(work); });
    });
}
void launch_windows(const WindowArguments<Float16>& work, Stream stream) {
    enqueue(stream, [=] {
        run_lone_threads(window_launch(work.rows, work.pixels(), work.channels), [&] { window_block(work); });
    });
}

void launch_yuv420(const Yuv420Arguments<float>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(yuv420_launch(work.count, work.height, work.width), [&] { yuv420_block(work); }); });
}
void launch_yuv420(const Yuv420Arguments<BFloat16>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(yuv420_launch(work.count, work.height, work.width), [&] { yuv420_block(work); }); });
}
void launch_yuv420(const Yuv420Arguments<Float16>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(yuv420_launch(work.count, work.height, work.width), [&] { yuv420_block(work); }); });
}

void launch_patchify(const PatchArguments<float>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(patch_launch(work.geometry.token_values()), [&] { patchify_block(work); }); });
}
void launch_patchify(const PatchArguments<BFloat16>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(patch_launch(work.geometry.token_values()), [&] { patchify_block(work); }); });
}
void launch_patchify(const PatchArguments<Float16>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(patch_launch(work.geometry.token_values()), [&] { patchify_block(work); }); });
}
void launch_unpatchify(const UnpatchArguments<float>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(patch_launch(work.geometry.latent_values()), [&] { unpatchify_block(work); }); });
}
void launch_unpatchify(const UnpatchArguments<BFloat16>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(patch_launch(work.geometry.latent_values()), [&] { unpatchify_block(work); }); });
}
void launch_unpatchify(const UnpatchArguments<Float16>& work, Stream stream) {
    enqueue(stream,
            [=] { run_lone_threads(patch_launch(work.geometry.latent_values()), [&] { unpatchify_block(work); }); });
}

void launch_row_attention(const RowAttentionArguments& all, Stream stream) {
    enqueue(stream, [=] {
        with_type(all.dtype, [&]<class T>(T) {
            run_grid(row_attention_launch(all.rows(), all.head_size),
                     [&](std::byte* shared) { row_attention_block<T>(all, reinterpret_cast<float*>(shared)); });
        });
    });
}

TileMap make_tile_map(const TileSource& source) { return std::bit_cast<TileMap>(emulation::EmulatedMap{source}); }
bool is_hopper(Device) { return has_hopper(); }
void launch_hopper(const HopperArguments& all, int head_size, Stream stream) {
    enqueue(stream, [=] { emulate(all, head_size); });
}

void launch_temporal(const TemporalArguments<BFloat16>& all, int head_size, Stream stream) {
    enqueue(stream, [=] { emulate(all, head_size); });
}
void launch_temporal(const TemporalArguments<Float16>& all, int head_size, Stream stream) {
    enqueue(stream, [=] { emulate(all, head_size); });
}

void launch_flash(const FlashArguments<BFloat16>& all, int head_size, Stream stream) {
    enqueue(stream, [=] { run_flash(all, head_size); });
}
void launch_flash(const FlashArguments<Float16>& all, int head_size, Stream stream) {
    enqueue(stream, [=] { run_flash(all, head_size); });
}

void launch_take_keys(const LinearAttentionArguments& all, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(take_keys_launch(all), [&] { take_keys_block(all); }); });
}
void launch_ask_state(const LinearAttentionArguments& all, Stream stream) {
    enqueue(stream, [=] { run_grid(ask_state_launch(all), [&](std::byte*) { ask_state_block(all); }); });
}
void launch_causal(const LinearAttentionArguments& all, Stream stream) {
    enqueue(stream, [=] {
        run_lone_threads(causal_launch(all), [&] { causal_block(all); });
        if (all.plain_q || all.decay)
            run_grid(causal_divide_launch(all), [&](std::byte*) { causal_divide_block(all); });
    });
}
void launch_follow_state(const FollowStateArguments& all, Stream stream) {
    enqueue(stream, [=] { run_lone_threads(follow_state_launch(all), [&] { follow_state_block(all); }); });
}

void launch_merge(const MergeArguments& work, Stream stream) {
    enqueue(stream, [=] { run_grid(merge_launch(work.rows), [&](std::byte*) { merge_block(work); }); });
}

void launch_fp8_rows(const Fp8RowsArguments& work, Stream stream) {
    enqueue(stream, [=] { run_grid(fp8_rows_launch(work.rows), [&](std::byte*) { fp8_rows_block(work); }); });
}

void launch_gemm(const GemmArguments& gemm, Stream stream) {
    enqueue(stream, [=] { with_type(gemm.dtype, [&]<class T>(T) { run_gemm<T>(gemm); }); });
}

}  // namespace kine::kernels::cuda
