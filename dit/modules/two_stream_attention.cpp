#include "dit/modules/two_stream_attention.h"

#include "dit/modules/rank_attention.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"

namespace kine::dit {

namespace {

constexpr float kHeadEps = 1e-6f;

}  // namespace

TwoStreamAttention::HeadNorm::HeadNorm(const Scope& scope, int64_t size)
    : weight(scope.as(DType::Float32).bind("weight", {size})), bias(scope.as(DType::Float32).bind("bias", {size})) {}

TwoStreamAttention::TwoStreamAttention(const Scope& scope, const AttentionShape& shape)
    : shape_(shape),
      query_norm_(scope / "norm_q", shape.head_size),
      key_norm_(scope / "norm_k", shape.head_size),
      qkv_({scope / "to_q", scope / "to_k", scope / "to_v"}, shape.channels(), shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

/// Queries, keys and values are thirds of the columns.
Tensor TwoStreamAttention::heads(const Tensor& columns, int64_t part) const {
    return columns.slice(-1, part * shape_.channels(), (part + 1) * shape_.channels()).split(-1, shape_.heads);
}

/// Queries, keys and values of both streams [.., 3C], the first two normed, the video's turned.
TokenStreams TwoStreamAttention::projected(const Context& context, const TokenStreams& x, const Tensor& turns) const {
    const Tensor rows = qkv_(context, packed(context, x));  // [B L + B T S, 3C]
    const HeadNorm* norms[] = {&query_norm_, &key_norm_};
    const TokenStreams streams = unpacked(rows, x);
    for (int64_t part = 0; part < 2; ++part) {
        Tensor normed = heads(rows, part);  // [rows, H, D]
        kernels::layer_norm_in_place(context, normed, norms[part]->weight, norms[part]->bias, kHeadEps);
        if (!turns || x.video.elements() == 0) continue;
        Tensor turned = heads(streams.video, part);  // [B, T, S, H, D]
        kernels::rotate_pairs(context, turned, turns);
    }
    return streams;
}

Tensor TwoStreamAttention::operator()(const StepContext& step, const TokenStreams& x, const Tensor& turns) const {
    const auto split = [&](const Tensor& qkv) { return qkv.split(3, 3).split(4, shape_.heads); };
    const TokenStreams qkv = projected(step.context, x, turns);
    const Mixed mixed = attend_among_ranks(step, parallel::Attended::All, {split(qkv.video), split(qkv.text)});
    return out_(step.context,
                packed(step.context, {mixed.video.reshape(x.video.shape()), mixed.text.reshape(x.text.shape())}));
}

}  // namespace kine::dit
