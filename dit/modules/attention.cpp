#include "dit/modules/attention.h"

#include "dit/modules/rank_attention.h"
#include "kernels/attention/attention.h"
#include "kernels/move/move.h"
#include "parallel/partition.h"
#include "parallel/tiled_sum.h"

#include <utility>

namespace kine::dit {

namespace {

/// Columns [first, first + 1) x C of packed projections as heads: [B, T, S, n C] -> [B, T, S, H, D].
Tensor heads_of(const Tensor& packed, int64_t first, const AttentionShape& shape) {
    const int64_t channels = shape.channels();
    return packed.slice(-1, first * channels, (first + 1) * channels).split(3, shape.heads);
}

parallel::Attended attended_by(AttendedAxis axis) {
    return axis == AttendedAxis::Frames ? parallel::Attended::Frames : parallel::Attended::Patches;
}

/// The rows of turns [T or 1, S or 1, D] that belong to the tokens of `layout` on this rank.
Tensor turns_here(const StepContext& step, const Tensor& turns, parallel::Layout layout) {
    if (!turns || layout.split == parallel::Split::None) return turns;
    const int axis = parallel::axis_of(layout.split) - 1;
    if (turns.dim(axis) == 1) return turns;
    const auto& communicator = step.ranks.communicator;
    const parallel::Range rows = parallel::partition(turns.dim(axis), communicator.rank(), communicator.size());
    return kernels::contiguous(step.context, turns.slice(axis, rows.begin, rows.end));
}

/// The rows of turns [T or 1, S or 1, D] that belong to a tile along one of the first two axes.
Tensor turns_of_tile(const Context& context, const Tensor& turns, int axis, parallel::Range rows) {
    if (!turns || turns.dim(axis) == 1) return turns;
    return kernels::contiguous(context, turns.slice(axis, rows.begin, rows.end));
}

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
    const parallel::Attended attended = attended_by(axis_);
    if (sums_heads(step.ranks, attended)) return sum_of_heads(step, x, turns);
    const Tensor qkv = layers_.qkv(step.context, x).split(3, 3).split(4, shape_.heads);  // [B, T, S, 3, H, D]
    const Placing placing = {layers_.norm, turns_here(step, turns, tokens_for(step.ranks.strategy, attended))};
    const Mixed mixed = attend_among_ranks(step, attended, {qkv, {}}, placing);
    return layers_.out(step.context, mixed.video.reshape(x.shape()));
}

/// Tokens of all ranks through the layers of this rank's heads, summed over ranks where tokens live.
Tensor SelfAttention::sum_of_heads(const StepContext& step, const Tensor& x, const Tensor& turns) const {
    const Context& context = step.context;
    const parallel::Range heads = own_heads(step.ranks, shape_.heads);
    const parallel::Tiling tiling{step.tokens, step.ranks.strategy.resident, axis_ == AttendedAxis::Frames ? 2 : 1};
    const auto compute = [&](const Tensor& tokens, parallel::Range rows) {
        if (heads.size() == 0) return Tensor::zeros(context, tokens.shape(), tokens.dtype());
        const auto& [qkv, out] =
            step.ranks.weights->of_heads(context, layers_.qkv, layers_.out, shape_.head_size, heads);
        const Tensor projected = qkv(context, tokens).split(3, 3).split(4, heads.size());
        const Placing placing = {layers_.norm, turns_of_tile(context, turns, tiling.tile_axis - 1, rows)};
        const Mixed mixed = attend_here(context, attended_by(axis_), {projected, {}}, placing);
        const Shape shape = {tokens.dim(0), tokens.dim(1), tokens.dim(2), heads.size() * shape_.head_size};
        return out(context, mixed.video.reshape(shape));
    };
    return parallel::tiled_sum(context, step.ranks.communicator, x, tiling, compute);
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
