#include "dit/modules/normed_cross_attention.h"

#include "kernels/attention/attention.h"
#include "kernels/norm/norm.h"

namespace kine::dit {

NormedCrossAttention::NormedCrossAttention(const Scope& scope, const AttentionShape& shape, double eps)
    : shape_(shape),
      eps_(static_cast<float>(eps)),
      query_norm_((scope / "norm_q").as(DType::Float32).bind("weight", {shape.channels()})),
      key_norm_((scope / "norm_k").as(DType::Float32).bind("weight", {shape.channels()})),
      query_(scope / "to_q", shape.channels(), shape.channels(), shape.has_bias),
      key_value_({scope / "to_k", scope / "to_v"}, shape.channels(), shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

Tensor NormedCrossAttention::keys_and_values(const Context& context, const Tensor& text) const {
    const Tensor packed = key_value_(context, text);
    Tensor keys = packed.slice(-1, 0, shape_.channels());
    kernels::rms_norm_in_place(context, keys, key_norm_, eps_);
    return packed;
}

Tensor NormedCrossAttention::operator()(const Context& context, const Tensor& x, const Tensor& keys_and_values) const {
    Tensor queries = query_(context, x);
    kernels::rms_norm_in_place(context, queries, query_norm_, eps_);
    const Tensor text = keys_and_values.unsqueeze(1);  // [B, 1, L, 2C], the same for every frame
    const auto heads = [&](const Tensor& packed, int64_t part) {
        return packed.slice(-1, part * shape_.channels(), (part + 1) * shape_.channels()).split(3, shape_.heads);
    };
    Tensor mixed = Tensor::empty(context, x.shape(), x.dtype());
    Tensor mixed_heads = heads(mixed, 0);
    kernels::attention_into(context, heads(queries, 0), heads(text, 0), heads(text, 1), mixed_heads);
    return out_(context, mixed);
}

}  // namespace kine::dit
