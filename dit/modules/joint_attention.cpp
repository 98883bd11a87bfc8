#include "dit/modules/joint_attention.h"

#include "dit/modules/rank_attention.h"
#include "dit/modules/resident.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/query_key.h"

namespace kine::dit {

JointAttention::JointAttention(const Scope& scope, const AttentionShape& shape, double eps)
    : shape_(shape),
      eps_(static_cast<float>(eps)),
      query_norm_((scope / "norm_q").as(DType::Float32).bind("weight", {shape.channels()})),
      key_norm_((scope / "norm_k").as(DType::Float32).bind("weight", {shape.channels()})),
      qkv_({scope / "to_q", scope / "to_k", scope / "to_v"}, shape.channels(), shape.channels(), shape.has_bias),
      out_(scope / "to_out.0", shape.channels(), shape.channels()) {}

/// Norms and turns queries and keys of qkv [B, T, S, 3, C of `heads`], in place. `squares` [B, T, S, 2, 1] are sums
/// over all heads, which the norms ask for; empty where all heads are here.
void JointAttention::place(const Context& context, const Tensor& qkv, const Tensor& turns, parallel::Range heads,
                           const Tensor& squares) const {
    const Tensor* norms[] = {&query_norm_, &key_norm_};
    for (int64_t part = 0; part < 2; ++part) {
        Tensor rows = qkv.select(3, part);
        const Tensor weight = norms[part]->slice(0, heads.begin * shape_.head_size, heads.end * shape_.head_size);
        if (squares)
            kernels::rms_norm_in_place(context, rows, weight, eps_, {squares.select(3, part), shape_.channels()});
        else
            kernels::rms_norm_in_place(context, rows, weight, eps_);
    }
    Tensor queries = qkv.select(3, 0).split(3, heads.size()), keys = qkv.select(3, 1).split(3, heads.size());
    kernels::place_heads(context, queries, keys, {}, turns);
}

/// Queries, keys and values [B, T, S, 3, C], the first two normed and turned.
Tensor JointAttention::projected(const Context& context, const Tensor& x, const Tensor& turns) const {
    const int64_t channels = shape_.channels();
    if (x.elements() == 0) return Tensor::empty(context, {x.dim(0), x.dim(1), x.dim(2), 3, channels}, x.dtype());
    const Tensor qkv = qkv_(context, x).split(3, 3);
    place(context, qkv, turns, {0, shape_.heads});
    return qkv;
}

/// What this rank's heads make of all tokens, to be summed over ranks. The norms ask for all heads' squares.
Tensor JointAttention::sum_of_heads(const StepContext& step, const Tensor& tokens, const Tensor& turns) const {
    const Context& context = step.context;
    const parallel::Range heads = own_heads(step.ranks, shape_.heads);
    const Shape pairs{tokens.dim(0), tokens.dim(1), tokens.dim(2), 2, 1};  // one for queries, one for keys
    if (heads.size() == 0) {
        step.ranks.communicator.all_reduce(context, Tensor::zeros(context, pairs, DType::Float32));
        return Tensor::zeros(context, tokens.shape(), tokens.dtype());
    }
    const auto& [qkv_of, out_of] = step.ranks.weights->of_heads(context, qkv_, out_, shape_.head_size, heads);
    const Tensor qkv = qkv_of(context, tokens).split(3, 3);  // [B, T, S, 3, C of these heads]
    const Tensor squares = kernels::sums_of_squares(context, qkv.slice(3, 0, 2));
    place(context, qkv, turns, heads, step.ranks.communicator.all_reduce(context, squares));
    const Tensor mixed = attend_here(context, parallel::Attended::All, {qkv.split(4, heads.size()), {}}).video;
    return out_of(context, mixed.reshape({tokens.dim(0), tokens.dim(1), tokens.dim(2), qkv.dim(4)}));
}

Tensor JointAttention::operator()(const StepContext& step, const Tensor& x, const Tensor& turns) const {
    if (sums_heads(step.ranks, parallel::Attended::All))
        return sum_to_resident(step, sum_of_heads(step, to_whole(step, x), turns));
    const Tensor qkv = projected(step.context, x, turns).split(4, shape_.heads);
    const Mixed mixed = attend_among_ranks(step, parallel::Attended::All, {qkv, {}});
    return x.elements() == 0 ? x : out_(step.context, mixed.video.reshape(x.shape()));
}

}  // namespace kine::dit
