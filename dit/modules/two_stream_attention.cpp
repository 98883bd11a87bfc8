#include "dit/modules/two_stream_attention.h"

#include "dit/modules/rank_attention.h"
#include "dit/modules/resident.h"
#include "kernels/move/move.h"

namespace kine::dit {

namespace {

kernels::HeadNorms bind_norms(const Scope& scope, int64_t size) {
    const Scope query = (scope / "norm_q").as(DType::Float32), key = (scope / "norm_k").as(DType::Float32);
    return {.query_weight = query.bind("weight", {size}),
            .key_weight = key.bind("weight", {size}),
            .query_bias = query.bind("bias", {size}),
            .key_bias = key.bind("bias", {size}),
            .eps = 1e-6f};
}

}  // namespace

TwoStreamAttention::TwoStreamAttention(const Scope& scope, const AttentionShape& shape)
    : shape_(shape),
      norms_(bind_norms(scope, shape.head_size)),
      qkv_({scope / "to_q", scope / "to_k", scope / "to_v"}, shape.channels(), shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

/// Queries, keys and values of both streams [.., 3, H, D], of the heads that `qkv` has; the first two normed, the
/// video's turned.
TokenStreams TwoStreamAttention::projected(const Context& context, const Linear& qkv, const TokenStreams& x,
                                           const Tensor& turns) const {
    const Tensor rows = qkv(context, packed(context, x));  // [B L + B T S, 3C]
    const auto as_heads = [&](const Tensor& columns) {
        return columns.split(-1, 3).split(-1, columns.dim(-1) / 3 / shape_.head_size);
    };
    const TokenStreams streams = unpacked(rows, x);
    const TokenStreams result = {as_heads(streams.video), as_heads(streams.text)};
    place(context, result.video, turns);
    place(context, result.text, {});
    return result;
}

/// Norms queries and keys of a stream's qkv [.., 3, H, D], and turns them if they have places.
void TwoStreamAttention::place(const Context& context, const Tensor& qkv, const Tensor& turns) const {
    Tensor queries = qkv.select(3, 0), keys = qkv.select(3, 1);
    kernels::place_heads(context, queries, keys, norms_, turns);
}

/// What this rank's heads make of all tokens, packed, to be summed over ranks.
Tensor TwoStreamAttention::part_of_heads(const StepContext& step, const TokenStreams& all, const Tensor& turns) const {
    const Context& context = step.context;
    const parallel::Range heads = own_heads(step.ranks, shape_.heads);
    if (heads.size() == 0) {
        const Tensor like = packed(context, all);
        return Tensor::zeros(context, like.shape(), like.dtype());
    }
    const auto& [qkv_of, out_of] = step.ranks.weights->of_heads(context, qkv_, out_, shape_.head_size, heads);
    const TokenStreams qkv = projected(context, qkv_of, all, turns);
    const Mixed mixed = attend_here(context, parallel::Attended::All, {qkv.video, qkv.text});
    const auto joined = [](const Tensor& of_heads) {
        return of_heads.reshape({of_heads.dim(0), of_heads.dim(1), of_heads.dim(2), of_heads.dim(3) * of_heads.dim(4)});
    };
    return out_of(context, packed(context, {joined(mixed.video), joined(mixed.text)}));
}

/// The video's sum goes where its tokens live, the text's to every rank.
Tensor TwoStreamAttention::sum_of_heads(const StepContext& step, const TokenStreams& x, const Tensor& turns) const {
    const TokenStreams all = {to_whole(step, x.video), x.text};
    const TokenStreams part = unpacked(part_of_heads(step, all, turns), all);
    const Tensor video = sum_to_resident(step, part.video);
    return packed(step.context, {video, step.ranks.communicator.all_reduce(step.context, part.text)});
}

Tensor TwoStreamAttention::operator()(const StepContext& step, const TokenStreams& x, const Tensor& turns) const {
    if (sums_heads(step.ranks, parallel::Attended::All)) return sum_of_heads(step, x, turns);
    const TokenStreams qkv = projected(step.context, qkv_, x, turns);
    const Mixed mixed = attend_among_ranks(step, parallel::Attended::All, {qkv.video, qkv.text});
    return out_(step.context,
                packed(step.context, {mixed.video.reshape(x.video.shape()), mixed.text.reshape(x.text.shape())}));
}

}  // namespace kine::dit
