#include "kernels/attention/attention_device.h"

#include "kernels/attention/cudnn_attention.h"
#include "kernels/attention/flash_cuda.h"
#include "kernels/attention/hopper_cuda.h"
#include "kernels/attention/rows_cuda.h"
#include "kernels/attention/temporal_cuda.h"
#include "kernels/cuda/tensor_rows.h"
#include "kernels/host/visit.h"
#include "kernels/rope/side_norm.h"

#include <array>

namespace kine::kernels {

namespace {

/// Of [B1, B2, L, H, D]; an axis of size 1 is shared.
cuda::HeadStrides strides_of(const Tensor& x) {
    return {x.dim(0) == 1 ? 0 : x.stride(0), x.dim(1) == 1 ? 0 : x.stride(1), x.stride(2), x.stride(3)};
}

/// What our kernels for the matrix unit take.
bool is_for_matrix_unit(const AttentionProblem& problem) {
    constexpr int64_t kMostTokens = INT32_MAX - 128;
    return problem.q.dtype() != DType::Float32 && !problem.bias && problem.queries() <= kMostTokens &&
           problem.keys() <= kMostTokens && cuda::moves_by_words({&problem.q, &problem.k, &problem.v, &problem.out});
}

bool is_temporal(const AttentionProblem& problem) {
    constexpr int64_t kMost = cuda::kMostTemporalTokens;
    return is_for_matrix_unit(problem) && !problem.key_mask && problem.queries() <= kMost && problem.keys() <= kMost &&
           cuda::temporal_can_run(static_cast<int>(problem.queries()), static_cast<int>(problem.keys()),
                                  static_cast<int>(problem.head_size()));
}

bool is_flash(const AttentionProblem& problem) {
    return is_for_matrix_unit(problem) && cuda::flash_can_run(problem.head_size());
}

template <class T>
void describe(const AttentionProblem& problem, cuda::MatrixArguments<T>& all) {
    all.q = problem.q.address<const T>();
    all.k = problem.k.address<const T>();
    all.v = problem.v.address<const T>();
    all.out = problem.out.address<T>();
    all.log_sums = problem.log_sums ? problem.log_sums.address<float>() : nullptr;
    all.q_strides = strides_of(problem.q);
    all.k_strides = strides_of(problem.k);
    all.v_strides = strides_of(problem.v);
    all.out_strides = strides_of(problem.out);
    all.outer = problem.q.dim(0);
    all.inner = problem.q.dim(1);
    all.heads = static_cast<int>(problem.heads());
    all.queries = static_cast<int>(problem.queries());
    all.keys = static_cast<int>(problem.keys());
    all.scale = problem.scale;
}

void temporal_attention_device(const Context& context, AttentionProblem& problem) {
    visit_half(problem.q.dtype(), [&]<class T>(T) {
        cuda::TemporalArguments<T> all;
        describe(problem, all);
        cuda::launch_temporal(all, static_cast<int>(problem.head_size()), context.stream);
    });
}

void flash_attention_device(const Context& context, AttentionProblem& problem) {
    visit_half(problem.q.dtype(), [&]<class T>(T) {
        cuda::FlashArguments<T> all;
        describe(problem, all);
        if (problem.key_mask) all.key_mask = problem.key_mask.address<const uint8_t>();
        cuda::launch_flash(all, static_cast<int>(problem.head_size()), context.stream);
    });
}

bool is_for_hopper(const AttentionProblem& problem) {
    return is_for_matrix_unit(problem) && problem.q.dtype() == DType::BFloat16 && !problem.key_mask &&
           cuda::hopper_can_run(problem.head_size()) && cuda::is_hopper(problem.q.device());
}

void hopper_attention_device(const Context& context, AttentionProblem& problem) {
    cuda::HopperArguments all;
    describe(problem, all);
    const auto head_size = static_cast<int>(problem.head_size());
    all.q_tiles = cuda::make_tile_map(cuda::tiles_of(all.q, all.q_strides, all, all.queries, head_size));
    all.k_tiles = cuda::make_tile_map(cuda::tiles_of(all.k, all.k_strides, all, all.keys, head_size));
    all.v_tiles = cuda::make_tile_map(cuda::tiles_of(all.v, all.v_strides, all, all.keys, head_size));
    cuda::launch_hopper(all, head_size, context.stream);
}

bool fits_a_row(const AttentionProblem& problem) { return problem.head_size() <= cuda::kRowAttentionWidest; }

void row_attention_device(const Context& context, AttentionProblem& problem) {
    cuda::RowAttentionArguments all;
    all.q = problem.q.address();
    all.k = problem.k.address();
    all.v = problem.v.address();
    all.out = problem.out.address();
    all.dtype = problem.q.dtype();
    all.log_sums = problem.log_sums ? problem.log_sums.address<float>() : nullptr;
    all.bias = problem.bias ? problem.bias.address<const float>() : nullptr;
    all.key_mask = problem.key_mask ? problem.key_mask.address<const uint8_t>() : nullptr;
    all.q_strides = strides_of(problem.q);
    all.k_strides = strides_of(problem.k);
    all.v_strides = strides_of(problem.v);
    all.out_strides = strides_of(problem.out);
    all.outer = problem.q.dim(0);
    all.inner = problem.q.dim(1);
    all.heads = problem.heads();
    all.queries = problem.queries();
    all.keys = problem.keys();
    all.head_size = static_cast<int>(problem.head_size());
    all.scale = problem.scale;
    cuda::launch_row_attention(all, context.stream);
}

// The order is by expectation, nothing of it was measured. cuDNN pads heads of 72 to 128 where "flash" pads them to 80,
// but on Hopper its kernels reach the matrix unit's full rate, which "flash" (mma.sync) cannot; so it stands first
// there too. "hopper" can, and pads to 80; it stands behind until it has run on a device, and is asked for by tests and
// kine_bench alone. Few tokens would fill a fiftieth of cuDNN's tiles, hence "temporal" before it.
constexpr std::array<AttentionVariant, 5> kVariants = {{
    {"temporal", "few tokens, one warp a site and head on matrix units", is_temporal, temporal_attention_device},
    {"cudnn", "cuDNN's, where it is and has a plan", is_cudnn_attention, cudnn_attention_device},
    {"flash", "blocks of 64 keys with online softmax, on matrix units", is_flash, flash_attention_device},
    {"hopper", "tiles by the copy engine, products of four warps (wgmma); compute capability 9.0", is_for_hopper,
     hopper_attention_device},
    {"rows", "plain, a warp a query: any length, bias, mask and type", fits_a_row, row_attention_device},
}};

static_assert(kVariants.front().can_run == is_temporal, "what can place queries and keys is asked first");

}  // namespace

std::span<const AttentionVariant> device_attention_variants() { return kVariants; }

/// Keys meet the same turns whatever site they are of: the kernel has one row for each token.
bool can_place_on_the_way(const AttentionProblem& problem, const Tensor& turns) {
    return is_temporal(problem) && problem.queries() == problem.keys() && (!turns || turns.dim(0) == 1);
}

void placed_attention_device(const Context& context, const AttentionProblem& problem, const HeadNorms& norms,
                             const Tensor& turns) {
    const SideNorm query_norm(context, norms.query_weight, norms.query_bias);
    const SideNorm key_norm(context, norms.key_weight, norms.key_bias);
    visit_half(problem.q.dtype(), [&]<class T>(T) {
        cuda::TemporalArguments<T> all;
        describe(problem, all);
        query_norm.tell(all.query_steps, norms.eps);
        key_norm.tell(all.key_steps, norms.eps);
        if (turns) {
            all.query_steps.turns = all.key_steps.turns = turns.address<const float>();
            all.token_turns = turns.dim(1) == 1 ? 0 : turns.stride(1);
        }
        cuda::launch_temporal(all, static_cast<int>(problem.head_size()), context.stream);
    });
}

}  // namespace kine::kernels
