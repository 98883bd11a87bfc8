#include "dit/modules/joint_attention.h"

#include "dit/modules/rank_attention.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"

namespace kine::dit {

JointAttention::JointAttention(const Scope& scope, const AttentionShape& shape, double eps)
    : shape_(shape),
      eps_(static_cast<float>(eps)),
      query_norm_((scope / "norm_q").as(DType::Float32).bind("weight", {shape.channels()})),
      key_norm_((scope / "norm_k").as(DType::Float32).bind("weight", {shape.channels()})),
      qkv_({scope / "to_q", scope / "to_k", scope / "to_v"}, shape.channels(), shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

/// Queries, keys and values [B, T, S, 3C], the first two normed and turned.
Tensor JointAttention::projected(const Context& context, const Tensor& x, const Tensor& turns) const {
    const int64_t channels = shape_.channels();
    if (x.elements() == 0) return Tensor::empty(context, {x.dim(0), x.dim(1), x.dim(2), 3 * channels}, x.dtype());
    const Tensor qkv = qkv_(context, x);
    const Tensor* norms[] = {&query_norm_, &key_norm_};
    for (int64_t part = 0; part < 2; ++part) {
        Tensor rows = qkv.slice(-1, part * channels, (part + 1) * channels);
        kernels::rms_norm_in_place(context, rows, *norms[part], eps_);
        Tensor heads = rows.split(3, shape_.heads);
        kernels::rotate_pairs(context, heads, turns);
    }
    return qkv;
}

Tensor JointAttention::operator()(const StepContext& step, const Tensor& x, const Tensor& turns) const {
    const Tensor qkv = projected(step.context, x, turns).split(3, 3).split(4, shape_.heads);
    const Mixed mixed = attend_among_ranks(step, parallel::Attended::All, {qkv, {}});
    return x.elements() == 0 ? x : out_(step.context, mixed.video.reshape(x.shape()));
}

}  // namespace kine::dit
