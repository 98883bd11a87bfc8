#include "dit/modules/attention.h"

#include "kernels/attention/attention.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"
#include "parallel/partition.h"
#include "parallel/reshard.h"
#include "parallel/ring.h"

#include <utility>

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

/// How the parts of one attention reach the ranks that need them. Where the site has made the attended axis whole,
/// nothing is left to do.
class HeadExchange {
  public:
    HeadExchange(const StepContext& step, AttendedAxis axis) : step_(step), resident_(step.ranks.strategy.resident) {
        const parallel::Strategy& strategy = step.ranks.strategy;
        const bool is_temporal = axis == AttendedAxis::Frames;
        queries_ = is_temporal ? strategy.temporal : strategy.spatial;
        const parallel::Split attended = is_temporal ? parallel::Split::Frames : parallel::Split::Patches;
        keys_ = strategy.keys_of(queries_, attended);
        travels_ = strategy.travels(queries_, attended);
    }

    /// Queries, keys and values [B, T, S, 3, H, D] of resident tokens -> of this rank's heads, all tokens.
    Tensor to_heads(const Tensor& qkv) const {
        if (queries_.split != parallel::Split::Heads) return qkv;
        return reshard(qkv, whole(qkv, qkv.dim(-2)), resident_, queries_);
    }

    /// The rows of turns [T or 1, S or 1, D] that belong to the tokens as they are handed over.
    Tensor turns_here(const Tensor& turns) const {
        const parallel::Layout here = queries_.split == parallel::Split::Heads ? resident_ : queries_;
        if (!turns || (here.split != parallel::Split::Frames && here.split != parallel::Split::Patches)) return turns;
        const int axis = parallel::axis_of(here.split) - 1;
        if (turns.dim(axis) == 1) return turns;
        const auto& communicator = step_.ranks.communicator;
        const parallel::Range rows = parallel::partition(turns.dim(axis), communicator.rank(), communicator.size());
        return kernels::contiguous(step_.context, turns.slice(axis, rows.begin, rows.end));
    }

    /// Whether keys and values pass by instead of being brought here.
    bool travels() const { return travels_; }

    /// Their keys and values [B, T, S, 2, H, D], along the attended axis whole.
    Tensor keys_and_values(const Tensor& qkv) const {
        const Tensor own = qkv.slice(3, 1, 3);
        return keys_ == queries_ ? own : reshard(own, whole(own, own.dim(-2)), queries_, keys_);
    }

    /// The result for this rank's queries -> for resident tokens, of `heads` heads in all.
    Tensor back(const Tensor& mixed, int64_t heads) const {
        if (queries_.split != parallel::Split::Heads) return mixed;
        return reshard(mixed, whole(mixed, heads), queries_, resident_);
    }

  private:
    Shape whole(const Tensor& part, int64_t heads) const {
        Shape shape = part.shape();
        for (int axis = 0; axis < 3; ++axis) shape.set(axis, step_.tokens[axis]);
        shape.set(-2, heads);
        return shape;
    }

    Tensor reshard(const Tensor& x, const Shape& whole, parallel::Layout from, parallel::Layout to) const {
        return parallel::reshard(step_.context, step_.ranks.communicator, x, whole, from, to);
    }

    const StepContext& step_;
    parallel::Layout resident_;
    parallel::Layout queries_;
    parallel::Layout keys_;
    bool travels_ = false;
};

}  // namespace

SelfAttention::SelfAttention(const Scope& scope, const AttentionShape& shape, AttendedAxis axis)
    : SelfAttention({.qkv = {{scope / "to_q", scope / "to_k", scope / "to_v"},
                             shape.channels(),
                             shape.channels(),
                             shape.has_bias},
                     .out = {scope / "to_out.0", shape.channels(), shape.channels()},
                     .norm = {}},
                    shape, axis) {}

SelfAttention::SelfAttention(SelfAttentionLayers layers, const AttentionShape& shape, AttendedAxis axis)
    : shape_(shape), axis_(axis), layers_(std::move(layers)) {}

Tensor SelfAttention::operator()(const StepContext& step, const Tensor& x, const Tensor& turns) const {
    const HeadExchange exchange(step, axis_);
    const Tensor qkv = layers_.qkv(step.context, x).split(3, 3).split(4, shape_.heads);  // [B, T, S, 3, H, D]
    place(step.context, qkv, exchange.turns_here(turns));
    const Tensor seen = exchange.to_heads(qkv);
    const Tensor mixed = exchange.travels() ? attend_passing(step, seen)
                                            : attend(step.context, seen.select(3, 0), exchange.keys_and_values(seen));
    return layers_.out(step.context, exchange.back(mixed, shape_.heads).reshape(x.shape()));
}

/// Norms queries and keys of qkv [B, T, S, 3, H, D] and turns them to their positions, in place.
void SelfAttention::place(const Context& context, const Tensor& qkv, const Tensor& turns) const {
    const auto& [query_norm, key_norm, eps] = layers_.norm;
    Tensor queries = qkv.select(3, 0);  // [B, T, S, H, D]
    Tensor keys = qkv.select(3, 1);
    if (query_norm) kernels::rms_norm_in_place(context, queries, query_norm, eps);
    if (key_norm) kernels::rms_norm_in_place(context, keys, key_norm, eps);
    if (!turns) return;
    kernels::rotate_pairs(context, queries, turns);
    kernels::rotate_pairs(context, keys, turns);
}

/// [B, T, S, 3, H, D] -> [B, T, S, H, D], the attended axis split between ranks.
Tensor SelfAttention::attend_passing(const StepContext& step, const Tensor& qkv) const {
    const auto part = [&](int64_t index) { return along(axis_, qkv.select(3, index)); };
    const int64_t whole = step.tokens[axis_ == AttendedAxis::Frames ? 1 : 2];
    const Tensor mixed =
        parallel::ring_attention(step.context, step.ranks.communicator, {part(0), part(1), part(2), whole});
    return kernels::contiguous(step.context, along(axis_, mixed));
}

/// q [B, T, S, H, D], keys and values [B, T', S', 2, H, D] -> as q.
Tensor SelfAttention::attend(const Context& context, const Tensor& q, const Tensor& keys_and_values) const {
    Tensor mixed = Tensor::empty(context, q.shape(), q.dtype());
    if (mixed.elements() == 0) return mixed;  // more ranks than there is to share
    Tensor mixed_along = along(axis_, mixed);
    kernels::attention_into(context, along(axis_, q), along(axis_, keys_and_values.select(3, 0)),
                            along(axis_, keys_and_values.select(3, 1)), mixed_along);
    return mixed;
}

CrossAttention::CrossAttention(const Scope& scope, const AttentionShape& shape, int64_t text_channels)
    : CrossAttention({.query = {scope / "to_q", shape.channels(), shape.channels(), shape.has_bias},
                      .key_value = {{scope / "to_k", scope / "to_v"}, text_channels, shape.channels(), shape.has_bias},
                      .out = {scope / "to_out.0", shape.channels(), shape.channels()}},
                     shape) {}

CrossAttention::CrossAttention(CrossAttentionLayers layers, const AttentionShape& shape)
    : shape_(shape), layers_(std::move(layers)) {}

Tensor CrossAttention::keys_and_values(const Context& context, const Tensor& text) const {
    return layers_.key_value(context, text);
}

Tensor CrossAttention::operator()(const Context& context, const Tensor& x, const Tensor& keys_and_values) const {
    const Tensor q = heads_of(layers_.query(context, x), 0, shape_);  // [B, T, S, H, D]
    const Tensor text = keys_and_values.unsqueeze(1);                 // [B, 1, L, 2C], the same for every frame
    Tensor mixed = Tensor::empty(context, x.shape(), x.dtype());
    Tensor mixed_heads = heads_of(mixed, 0, shape_);
    kernels::attention_into(context, q, heads_of(text, 0, shape_), heads_of(text, 1, shape_), mixed_heads);
    return layers_.out(context, mixed);
}

}  // namespace kine::dit
