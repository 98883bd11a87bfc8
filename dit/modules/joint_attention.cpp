#include "dit/modules/joint_attention.h"

#include "dit/modules/resident.h"
#include "kernels/attention/attention.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"

namespace kine::dit {

namespace {

/// [B, T, S, any] as one row of tokens [B, 1, T * S, any].
Tensor in_one_row(const Tensor& x) { return x.reshape({x.dim(0), 1, x.dim(1) * x.dim(2), x.dim(3)}); }

}  // namespace

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
    const Context& context = step.context;
    const int64_t channels = shape_.channels();
    const Tensor qkv = projected(context, x, turns);
    const Tensor keys_values = everybodys_columns(step, qkv, channels, 3 * channels);
    if (x.elements() == 0) return x;
    const auto heads = [&](const Tensor& row, int64_t part) {
        return row.slice(-1, part * channels, (part + 1) * channels).split(3, shape_.heads);
    };
    Tensor mixed = Tensor::empty(context, x.shape(), x.dtype());
    Tensor mixed_heads = heads(in_one_row(mixed), 0);
    kernels::attention_into(context, heads(in_one_row(qkv), 0), heads(keys_values, 0), heads(keys_values, 1),
                            mixed_heads);
    return out_(context, mixed);
}

}  // namespace kine::dit
