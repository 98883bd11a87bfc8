#include "dit/rank_plan.h"

#include "dit/run.h"
#include "parallel/mesh.h"
#include "runtime/error.h"

namespace kine::dit {

namespace {

using broadcast::SiteKind;

/// Multiply-adds of scores and mixed values of attention.
double attention_macs(int64_t queries, int64_t keys, int64_t channels) {
    return 2.0 * static_cast<double>(queries) * static_cast<double>(keys) * static_cast<double>(channels);
}

/// Where a site's work counts; null for what is token by token.
parallel::AttentionWork* attention_of(parallel::Work& work, SiteKind kind) {
    if (kind == SiteKind::SpatialAttention) return &work.spatial;
    if (kind == SiteKind::TemporalAttention) return &work.temporal;
    return kind == SiteKind::JointAttention ? &work.joint : nullptr;
}

}  // namespace

parallel::Work rank_work(const Shape& tokens, const TransformerCost& cost, const broadcast::Plan& plan) {
    parallel::Work work{.tokens = tokens,
                        .heads = cost.heads,
                        .element_bytes = cost.element_bytes,
                        .steps = plan.steps(),
                        .output_channels = cost.output_channels,
                        .text_tokens = cost.text_tokens,
                        .sums_over_heads = cost.sums_over_heads};
    work.other_macs = cost.other_multiply_adds * plan.steps();
    for (const broadcast::SiteCost& row : plan.sites()) {
        const int64_t computed = plan.steps() - static_cast<int64_t>(plan.reused_steps(row.site).size());
        const double macs = row.multiply_adds * static_cast<double>(computed);
        parallel::AttentionWork* kind = attention_of(work, row.site.kind);
        if (!kind) {
            work.other_macs += macs;
            continue;
        }
        kind->calls += computed;
        kind->linear_macs += macs;
    }
    const int64_t batch = tokens[0], frames = tokens[1], patches = tokens[2];
    work.spatial.attention_macs =
        static_cast<double>(work.spatial.calls) * attention_macs(batch * frames * patches, patches, tokens[3]);
    work.temporal.attention_macs =
        static_cast<double>(work.temporal.calls) * attention_macs(batch * frames * patches, frames, tokens[3]);
    work.joint.attention_macs =
        static_cast<double>(work.joint.calls) * attention_macs(batch * frames * patches, frames * patches, tokens[3]);
    work.activation_bytes = cost.activation_bytes;
    work.cache_bytes = plan.peak_bytes();
    return work;
}

parallel::Work rank_work(const Model& model, const Request& request, const broadcast::Plan& plan) {
    const Shape latents = model.latent_shape(request);
    const int64_t branches = model.is_guided(request) ? 2 : 1;
    const TransformerCost cost = model.transformer->cost(latents, branches);
    parallel::Work work = rank_work(model.transformer->token_shape(latents, branches), cost, plan);
    work.weight_bytes = model.weights.total();
    work.decode_bytes = model.decoder->working_bytes(latents[2], latents[3], decode_options(request));
    return request.cfg_parallel ? one_branch(work) : work;
}

namespace {

parallel::Guidance guidance_of(const Request& request) {
    if (request.cfg_parallel_auto) return parallel::Guidance::Either;
    return request.cfg_parallel ? parallel::Guidance::Apart : parallel::Guidance::Together;
}

/// Of a strategy that is named, with the groups that a run would have.
void keep_named(std::vector<parallel::Price>& options, const Request& request, const parallel::Work& work) {
    const parallel::Strategy& strategy = parallel::find_strategy(request.parallel);
    std::erase_if(options, [&](const parallel::Price& option) {
        if (option.name != strategy.name) return true;
        if (!strategy.is_grouped || request.group_size > 0) return false;
        const auto sequence = static_cast<int>(request.ranks) / option.branches;
        return option.group != parallel::default_group(sequence, work.heads);
    });
}

}  // namespace

std::vector<parallel::Price> rank_options(const Request& request, const parallel::Work& all_branches) {
    const parallel::Sequence all(static_cast<int>(request.ranks), static_cast<int>(request.group_size));
    return parallel::price_options(all_branches, parallel::find_cluster(request.cluster), all, guidance_of(request));
}

void choose_ranks(Request& request, const parallel::Work& all_branches) {
    std::vector<parallel::Price> options = rank_options(request, all_branches);
    if (request.parallel != "auto") keep_named(options, request, all_branches);
    check(!options.empty(), ErrorCode::Usage, "parallel {}: groups of {} do not divide the ranks", request.parallel,
          request.group_size);
    const parallel::Price& best = parallel::cheapest(options);
    if (parallel::find_strategy(best.name).is_grouped) request.group_size = best.group;
    request.parallel = best.name;
    request.cfg_parallel = best.branches == 2;
    request.cfg_parallel_auto = false;
}

}  // namespace kine::dit
