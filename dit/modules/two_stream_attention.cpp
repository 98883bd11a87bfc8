#include "dit/modules/two_stream_attention.h"

#include "dit/modules/resident.h"
#include "kernels/attention/attention.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"

namespace kine::dit {

namespace {

constexpr float kHeadEps = 1e-6f;

/// [B, T, S, any] as one row of tokens.
Tensor in_one_row(const Tensor& x) { return x.reshape({x.dim(0), 1, x.dim(1) * x.dim(2), x.dim(3)}); }

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
    const Context& context = step.context;
    const int64_t channels = shape_.channels();
    const TokenStreams qkv = projected(context, x, turns);
    const Tensor parts[] = {qkv.text.slice(-1, channels, 3 * channels),
                            everybodys_columns(step, qkv.video, channels, 3 * channels)};
    const Tensor keys_values = kernels::concat(context, parts, 2);  // [B, 1, L + N, 2C]
    Tensor rows = Tensor::empty(context, {(qkv.text.elements() + qkv.video.elements()) / (3 * channels), channels},
                                x.text.dtype());
    const TokenStreams mixed = unpacked(rows, x);
    const auto attend = [&](const Tensor& stream, const Tensor& result) {
        if (stream.elements() == 0) return;
        Tensor place = in_one_row(result).split(-1, shape_.heads);
        kernels::attention_into(context, heads(in_one_row(stream), 0), heads(keys_values, 0), heads(keys_values, 1),
                                place);
    };
    attend(qkv.text, mixed.text);
    attend(qkv.video, mixed.video);
    return out_(context, rows);
}

}  // namespace kine::dit
