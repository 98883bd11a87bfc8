#include "dit/modules/attention_site.h"

#include "dit/modules/rank_attention.h"
#include "kernels/elementwise/elementwise.h"
#include "parallel/tiled_switch.h"

namespace kine::dit {

namespace {

using broadcast::SiteKind;

/// The layout in which a site gets its tokens: attention must see its axis whole unless it moves heads, or keys and
/// values, itself; all else is token by token.
parallel::Layout needed_by(const parallel::Strategy& strategy, SiteKind kind) {
    if (kind == SiteKind::SpatialAttention) return tokens_for(strategy, parallel::Attended::Patches);
    if (kind == SiteKind::TemporalAttention) return tokens_for(strategy, parallel::Attended::Frames);
    return strategy.resident;
}

/// Attention that moves keys or heads itself needs every rank's call, also that of one without tokens.
bool may_exchange(SiteKind kind) {
    return kind == SiteKind::SpatialAttention || kind == SiteKind::TemporalAttention ||
           kind == SiteKind::JointAttention;
}

/// Rows of the batch, the guidance branches, do not depend on one another: while one is attended to, the other comes or
/// goes home.
Tensor attend_whole(const StepContext& step, SiteKind kind, const Tensor& x, const Attend& attend) {
    if (x.elements() == 0 && !may_exchange(kind)) return x;  // more ranks than there is to share
    const parallel::Strategy& strategy = step.ranks.strategy;
    return parallel::tiled_switch(step.context, step.ranks.communicator, x,
                                  {.tokens = step.tokens,
                                   .results = step.tokens,
                                   .resident = strategy.resident,
                                   .needed = needed_by(strategy, kind),
                                   .tile_axis = 0},
                                  [&](const Tensor& seen, parallel::Range) { return attend(seen); });
}

}  // namespace

Tensor through_cache(const StepContext& step, const broadcast::Site& site, const std::function<Tensor()>& compute) {
    check_not_cancelled(step);
    Tensor value = step.cache.through(site, step.index, [&] {
        const ProfileZone zone(step.context.profiler, broadcast::to_string(site));
        return compute();
    });
    check(!step.find_not_finite || kernels::all_finite(step.context, value), ErrorCode::NotFinite,
          "step {}: output of {} is not finite", step.index, broadcast::to_string(site));
    return value;
}

Residual residual_at(const StepContext& step, const broadcast::Site& site, Residual x, const kernels::RowNorm& norm,
                     const Attend& attend, const Tensor& gate) {
    const bool keeps_gated = gate && step.cache.keep() == broadcast::Keep::Gated;
    Tensor value = through_cache(step, site, [&] {
        Tensor output = attend_whole(step, site.kind, x.normed(step.context, norm), attend);
        return keeps_gated ? kernels::gate_multiply(step.context, gate, output) : output;
    });
    x.add(step.context, {std::move(value), keeps_gated ? Tensor() : gate});
    return x;
}

Residual residual_at(const StepContext& step, const broadcast::Site& site, Residual x, const Attend& attend) {
    x.add(step.context,
          {through_cache(step, site, [&] { return attend_whole(step, site.kind, x.sum(step.context), attend); })});
    return x;
}

}  // namespace kine::dit
