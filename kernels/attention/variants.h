// The implementations of attention, fastest first. The first row that can run a problem runs it; tests walk all rows.
#pragma once

#include "kernels/attention/attention.h"

#include <span>
#include <string_view>

namespace kine::kernels {

/// Checked arguments: q, out [B1, B2, Lq, H, D]; k, v [B1 or 1, B2 or 1, Lk, H, D], all with the last axis contiguous.
struct AttentionProblem {
    Tensor q, k, v;
    Tensor out;
    Tensor bias;      ///< f32 [H, Lq, Lk] contiguous, or empty
    Tensor key_mask;  ///< u8 [B1, Lk] contiguous, or empty
    float scale = 1.0f;
    Tensor log_sums = {};  ///< f32 [B1, B2, Lq, H] contiguous: written where there is one

    int64_t queries() const { return q.dim(2); }
    int64_t keys() const { return k.dim(2); }
    int64_t heads() const { return q.dim(3); }
    int64_t head_size() const { return q.dim(4); }
};

/// Where one head of one batch begins in a tensor [B1, B2, L, H, D]; an axis of size 1 is shared by all batches.
struct HeadIndex {
    int64_t outer, inner, head;

    int64_t offset_in(const Tensor& x) const {
        return (x.dim(0) == 1 ? 0 : outer * x.stride(0)) + (x.dim(1) == 1 ? 0 : inner * x.stride(1)) +
               head * x.stride(3);
    }
};

/// Where a query's and head's number lies in the contiguous log_sums [B1, B2, Lq, H].
inline float* log_sum_of(const AttentionProblem& problem, HeadIndex index, int64_t query, float* log_sums) {
    const int64_t batch = index.outer * problem.q.dim(1) + index.inner;
    return log_sums + (batch * problem.queries() + query) * problem.heads() + index.head;
}

struct AttentionVariant {
    std::string_view name;
    std::string_view summary;
    bool (*can_run)(const AttentionProblem& problem);
    void (*run)(const Context& context, AttentionProblem& problem);
};

std::span<const AttentionVariant> attention_variants();

/// By the keys alone, never by how many queries meet them.
bool is_short_attention(const AttentionProblem& problem);
void short_attention_host(const Context& context, AttentionProblem& problem);
void short_attention_wide(const Context& context, AttentionProblem& problem);
/// bf16 where the processor has matrix units.
bool is_amx_attention(const AttentionProblem& problem);
void amx_attention_host(const Context& context, AttentionProblem& problem);
void flash_attention_host(const Context& context, AttentionProblem& problem);
void reference_attention_host(const Context& context, AttentionProblem& problem);

}  // namespace kine::kernels
