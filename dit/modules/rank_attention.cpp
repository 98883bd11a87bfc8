#include "dit/modules/rank_attention.h"

#include "kernels/attention/attention.h"
#include "kernels/attention/placed_attention.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "parallel/partition.h"
#include "parallel/parts.h"
#include "parallel/reshard.h"
#include "parallel/rings/rings.h"
#include "parallel/tiled_switch.h"

namespace kine::dit {

namespace {

using parallel::Attended;
using parallel::Layout;
using parallel::Split;

/// [B, T, S, ...] -> [B1, B2, L, ...] with the attended axis third; of all tokens, x must be contiguous in T and S.
Tensor along(Attended attended, const Tensor& x) {
    if (attended == Attended::Frames) return x.transpose(1, 2);
    if (attended == Attended::Patches) return x;
    Shape row{x.dim(0), 1, x.dim(1) * x.dim(2)};
    for (int axis = 3; axis < x.rank(); ++axis) row.append(x.dim(axis));
    return x.reshape(row);
}

/// Queries, keys or values of [B1, B2, L, 3, H, D].
Tensor part_of(const Tensor& projected, int64_t part) { return projected.select(3, part); }

Shape shape_of(const Tensor& projected) {
    return {projected.dim(0), projected.dim(1), projected.dim(2), projected.dim(4), projected.dim(5)};
}

Tensor rounded(const Context& context, const Tensor& values, DType dtype) {
    return dtype == DType::Float32 ? values : kernels::cast(context, values, dtype);
}

/// The queries of `projected` [B1, B2, L, 3, H, D] to keys and values [B1, B2, L', 2, H, D].
void attend_to(const Context& context, const Tensor& keys, const Tensor& projected, Tensor mixed) {
    if (mixed.elements() == 0) return;  // more ranks than tokens
    kernels::attention_into(context, part_of(projected, 0), keys.select(3, 0), keys.select(3, 1), mixed);
}

/// Keys and values [B1, B2, L, 2, H, D] behind those of the text, if there is one.
Tensor with_text(const Context& context, const Tensor& keys, const Tensor& text) {
    if (!text) return keys;
    const Tensor parts[] = {text.slice(3, 1, 3), keys};
    return kernels::concat(context, parts, 2);
}

Mixed room_for(const Context& context, const Projected& here) {
    Mixed mixed{Tensor::empty(context, shape_of(here.video), here.video.dtype()), {}};
    if (here.text) mixed.text = Tensor::empty(context, shape_of(here.text), here.text.dtype());
    return mixed;
}

/// What the queries of `here` find in keys and values [B1, B2, L, 2, H, D].
void mix(const Context& context, Attended attended, const Projected& here, const Tensor& keys, const Mixed& mixed) {
    attend_to(context, keys, along(attended, here.video), along(attended, mixed.video));
    if (here.text) attend_to(context, keys, here.text, mixed.text);
}

/// Queries and keys of `projected` as they meet, in place.
void place(const Context& context, const Tensor& projected, const Placing& placing) {
    Tensor queries = part_of(projected, 0), keys = part_of(projected, 1);  // [B, T, S, H, D]
    kernels::place_heads(context, queries, keys, placing.norms, placing.turns);
}

/// Of the tokens' turns, those of the rows of along().
Tensor turns_along(Attended attended, const Tensor& turns) {
    return turns && attended == Attended::Frames ? turns.transpose(0, 1) : turns;
}

/// Whether a kernel could take queries and keys as they were projected.
bool mix_placing(const Context& context, Attended attended, const Tensor& projected, const Placing& placing,
                 const Tensor& mixed) {
    const bool has_steps = placing.norms.query_weight || placing.turns;
    if (!has_steps || attended == Attended::All) return false;
    const Tensor rows = along(attended, projected);
    Tensor out = along(attended, mixed);
    return kernels::placed_attention_into(context, part_of(rows, 0), part_of(rows, 1), part_of(rows, 2), out,
                                          placing.norms, turns_along(attended, placing.turns));
}

class RankAttention {
  public:
    RankAttention(const StepContext& step, Attended attended)
        : step_(step),
          attended_(attended),
          strategy_(step.ranks.strategy),
          splits_heads_(strategy_.queries_of(attended).split == Split::Heads),
          has_groups_(strategy_.is_grouped && step.ranks.group) {}

    Mixed operator()(const Projected& projected, const Placing& placing) const {
        if (has_all_it_sees()) return attend_here(context(), attended_, projected, placing);
        place(context(), projected.video, placing);
        if (!strategy_.merges(attended_)) return splits_heads_ ? attend_by_heads(projected) : attend(projected);
        return back(merge(to_heads(projected)), projected.video.dim(4));
    }

  private:
    const Context& context() const { return step_.context; }

    bool has_all_it_sees() const {
        const bool travels = splits_heads_ || strategy_.merges(attended_) || strategy_.gathers(attended_);
        return step_.ranks.communicator.size() == 1 || !travels;
    }

    /// Whom heads are shared out with.
    parallel::Communicator& head_ranks() const { return has_groups_ ? *step_.ranks.group : step_.ranks.communicator; }

    /// Whose parts of the keys are merged.
    parallel::Communicator& ring_ranks() const {
        return has_groups_ && splits_heads_ ? *step_.ranks.peers : step_.ranks.communicator;
    }

    /// The tokens that rank or group `part` of `parts` holds together.
    parallel::Range tokens_of(int part, int parts) const {
        const int64_t count = step_.tokens[parallel::axis_of(strategy_.resident.split)];
        return parallel::group_part(count, part, parts, step_.ranks.communicator.size());
    }

    /// Of the tokens that the ranks of `head_ranks()` have together, with `like`'s last axes but `heads`.
    Shape whole(const Tensor& like, int64_t heads) const {
        Shape shape = like.shape();
        for (int axis = 0; axis < 3; ++axis) shape.set(axis, step_.tokens[axis]);
        if (has_groups_ && splits_heads_) {
            const parallel::Communicator& peers = *step_.ranks.peers;
            shape.set(parallel::axis_of(strategy_.resident.split), tokens_of(peers.rank(), peers.size()).size());
        }
        shape.set(-2, heads);
        return shape;
    }

    /// Resident tokens -> this rank's heads of the tokens of its group, or of all.
    Projected to_heads(const Projected& projected) const {
        if (!splits_heads_) return projected;
        auto& ranks = head_ranks();
        const int64_t heads = projected.video.dim(4);
        Projected here;
        here.video = parallel::reshard(context(), ranks, projected.video, whole(projected.video, heads),
                                       strategy_.resident, {Split::Heads});
        if (!projected.text) return here;
        const parallel::Range own = parallel::partition(heads, ranks.rank(), ranks.size());
        here.text = projected.text.slice(4, own.begin, own.end);
        return here;
    }

    Mixed back(const Mixed& mixed, int64_t heads) const {
        if (!splits_heads_) return mixed;
        Mixed all;
        all.video = parallel::reshard(context(), head_ranks(), mixed.video, whole(mixed.video, heads), {Split::Heads},
                                      strategy_.resident);
        all.text = text_of_all(mixed.text, heads);
        return all;
    }

    /// What all heads have for the text, of what this rank's have.
    Tensor text_of_all(const Tensor& of_heads, int64_t heads) const {
        if (!of_heads) return {};
        Shape text = of_heads.shape();
        text.set(-2, heads);
        return parallel::reshard(context(), head_ranks(), of_heads, text, {Split::Heads}, {});
    }

    /// Some heads at a time: while they attend, the next ones come and what the last ones found goes home.
    Mixed attend_by_heads(const Projected& projected) const {
        const int64_t heads = projected.video.dim(4);
        const Shape tokens = whole(projected.video, heads);
        std::vector<Tensor> texts;
        const auto attend_tile = [&](const Tensor& video, parallel::Range own) {
            const Mixed mixed =
                attend({video, projected.text ? projected.text.slice(4, own.begin, own.end) : Tensor()});
            if (mixed.text) texts.push_back(mixed.text);
            return mixed.video;
        };
        const Tensor video = parallel::tiled_switch(context(), head_ranks(), projected.video,
                                                    {.tokens = tokens,
                                                     .results = {tokens[0], tokens[1], tokens[2], heads, tokens[5]},
                                                     .resident = strategy_.resident,
                                                     .needed = {Split::Heads},
                                                     .tile_axis = parallel::axis_of(Split::Heads)},
                                                    attend_tile);
        return {video, texts.empty() ? Tensor() : text_of_all(parallel::join(context(), texts, 3), heads)};
    }

    /// Keys and values [B1, B2, L, 2, H, D] of all tokens that the queries see.
    Tensor keys_and_values(const Projected& here) const {
        Tensor keys = along(attended_, here.video).slice(3, 1, 3);
        if (strategy_.gathers(attended_) && step_.ranks.communicator.size() > 1) {
            const Tensor own = here.video.slice(3, 1, 3);
            keys = along(attended_, parallel::reshard(context(), step_.ranks.communicator, own, whole(own, own.dim(4)),
                                                      strategy_.resident, {}));
        }
        return with_text(context(), keys, here.text);
    }

    Mixed attend(const Projected& here) const {
        const bool has_heads = here.video.dim(4) > 0;  // or there are more ranks than heads
        const Mixed mixed = room_for(context(), here);
        mix(context(), attended_, here, has_heads ? keys_and_values(here) : Tensor(), mixed);
        return mixed;
    }

    /// The tokens of every rank of the ring, as rows of this attention.
    std::vector<int64_t> lengths() const {
        const int parts = ring_ranks().size();
        int64_t beside = 1;  // rows for each token of the split axis
        if (attended_ == Attended::All) beside = step_.tokens[strategy_.resident.split == Split::Frames ? 2 : 1];
        std::vector<int64_t> rows;
        for (int part = 0; part < parts; ++part) rows.push_back(beside * tokens_of(part, parts).size());
        return rows;
    }

    Mixed merge(const Projected& here) const {
        const Tensor video = along(attended_, here.video);
        const parallel::SplitAttention split{part_of(video, 0), part_of(video, 1), part_of(video, 2), lengths()};
        const DType dtype = video.dtype();
        const parallel::Ring ring{ring_ranks(), step_.ranks.group, step_.ranks.peers};
        kernels::PartialAttention found = parallel::ring_attention(context(), ring, strategy_.keys, split);
        Mixed mixed;
        if (here.text) mixed.text = merge_text(here.text, split, found);
        mixed.video = in_order(rounded(context(), found.values, dtype), here.video);
        return mixed;
    }

    /// What text finds among all tokens; what the video finds in the text is merged into `found`.
    Tensor merge_text(const Tensor& text, const parallel::SplitAttention& split,
                      kernels::PartialAttention& found) const {
        const Tensor keys = part_of(text, 1), values = part_of(text, 2), queries = part_of(text, 0);
        kernels::merge_into(context(), found, kernels::partial_attention(context(), split.q, keys, values));
        auto all = parallel::attention_of_all(context(), ring_ranks(), queries, split);
        kernels::merge_into(context(), all, kernels::partial_attention(context(), queries, keys, values));
        return rounded(context(), all.values, text.dtype());
    }

    /// [B1, B2, L, H, D] -> [B, T, S, H, D] as in `projected`.
    Tensor in_order(const Tensor& values, const Tensor& projected) const {
        if (attended_ != Attended::Frames) return values.reshape(shape_of(projected));
        const Tensor tokens = values.transpose(1, 2);
        return values.elements() == 0 ? Tensor::empty(context(), tokens.shape(), values.dtype())
                                      : kernels::contiguous(context(), tokens);
    }

    const StepContext& step_;
    Attended attended_;
    const parallel::Strategy& strategy_;
    bool splits_heads_;
    bool has_groups_;
};

}  // namespace

parallel::Layout tokens_for(const parallel::Strategy& strategy, Attended attended) {
    const Layout queries = strategy.queries_of(attended);
    return queries.split == Split::Heads ? strategy.resident : queries;
}

Mixed attend_here(const Context& context, Attended attended, const Projected& here, const Placing& placing) {
    Mixed mixed = room_for(context, here);
    if (mix_placing(context, attended, here.video, placing, mixed.video)) return mixed;
    place(context, here.video, placing);
    mix(context, attended, here, with_text(context, along(attended, here.video).slice(3, 1, 3), here.text), mixed);
    return mixed;
}

Mixed attend_among_ranks(const StepContext& step, Attended attended, const Projected& projected,
                         const Placing& placing) {
    return RankAttention(step, attended)(projected, placing);
}

}  // namespace kine::dit
