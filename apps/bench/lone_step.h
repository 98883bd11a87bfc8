// Steps of a run with one rank, to call blocks and transformers with.
#pragma once

#include "broadcast/policies/policies.h"
#include "dit/families/family.h"
#include "dit/modules/step_context.h"
#include "parallel/strategies/strategies.h"

#include <memory>

namespace kine::bench {

/// Everything that a step needs when nobody else computes; `step.index` says which it is.
struct LoneStep {
    /// The only one, of which nothing is kept.
    LoneStep(const Context& context, const Shape& tokens) : LoneStep(context, tokens, {{500}}, {}, "none", "") {}
    /// Under a reuse policy, whose `options` are those of its own defaults.
    LoneStep(const Context& context, const Shape& tokens, const broadcast::Schedule& schedule,
             const dit::TransformerCost& cost, std::string_view policy, std::string_view options)
        : plan(*broadcast::make_policy(policy, {}, options, schedule), schedule, cost.sites, cost.other_multiply_adds),
          cache(plan),
          communicator(parallel::make_single_communicator()),
          step{.context = context,
               .index = 0,
               .cache = cache,
               .ranks = {*communicator, parallel::find_strategy("none")},
               .tokens = tokens,
               .stop = {}} {}

    broadcast::Plan plan;
    broadcast::Cache cache;
    std::unique_ptr<parallel::Communicator> communicator;
    dit::StepContext step;
};

}  // namespace kine::bench
