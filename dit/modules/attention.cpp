#include "dit/modules/attention.h"

#include "kernels/attention/attention.h"

namespace kine::dit {

namespace {

/// Columns [first, first + 1) x C of packed projections as heads: [B, T, S, n C] -> [B, T, S, H, D].
Tensor heads_of(const Tensor& packed, int64_t first, const AttentionShape& shape) {
    const int64_t channels = shape.channels();
    return packed.slice(-1, first * channels, (first + 1) * channels).split(3, shape.heads);
}

/// [B, T, S, H, D] seen with the attended axis third.
Tensor along(AttendedAxis axis, const Tensor& heads) {
    return axis == AttendedAxis::Frames ? heads.transpose(1, 2) : heads;
}

}  // namespace

SelfAttention::SelfAttention(const Scope& scope, const AttentionShape& shape, AttendedAxis axis)
    : shape_(shape),
      axis_(axis),
      qkv_({scope / "to_q", scope / "to_k", scope / "to_v"}, shape.channels(), shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

Tensor SelfAttention::operator()(const Context& context, const Tensor& x) const {
    const Tensor qkv = qkv_(context, x);  // [B, T, S, 3C]
    Tensor mixed = Tensor::empty(context, x.shape(), x.dtype());
    Tensor mixed_heads = along(axis_, heads_of(mixed, 0, shape_));
    kernels::attention_into(context, along(axis_, heads_of(qkv, 0, shape_)), along(axis_, heads_of(qkv, 1, shape_)),
                            along(axis_, heads_of(qkv, 2, shape_)), mixed_heads);
    return out_(context, mixed);
}

CrossAttention::CrossAttention(const Scope& scope, const AttentionShape& shape, int64_t text_channels)
    : shape_(shape),
      query_(scope / "to_q", shape.channels(), shape.channels(), shape.has_bias),
      key_value_({scope / "to_k", scope / "to_v"}, text_channels, shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

Tensor CrossAttention::keys_and_values(const Context& context, const Tensor& text) const {
    return key_value_(context, text);
}

Tensor CrossAttention::operator()(const Context& context, const Tensor& x, const Tensor& keys_and_values) const {
    const Tensor q = heads_of(query_(context, x), 0, shape_);  // [B, T, S, H, D]
    const Tensor text = keys_and_values.unsqueeze(1);          // [B, 1, L, 2C], the same for every frame
    Tensor mixed = Tensor::empty(context, x.shape(), x.dtype());
    Tensor mixed_heads = heads_of(mixed, 0, shape_);
    kernels::attention_into(context, q, heads_of(text, 0, shape_), heads_of(text, 1, shape_), mixed_heads);
    return out_(context, mixed);
}

}  // namespace kine::dit
