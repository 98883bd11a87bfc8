// A step of a run with one rank and no reuse, to call blocks with.
#pragma once

#include "broadcast/policies/policies.h"
#include "dit/modules/step_context.h"
#include "parallel/strategies/strategies.h"

#include <memory>

namespace kine::bench {

/// Everything that a step needs when nothing is kept and nobody else computes.
struct LoneStep {
    explicit LoneStep(const Context& context, const Shape& tokens)
        : schedule{{500}},
          policy(broadcast::make_policy("none", {}, "", schedule)),
          plan(*policy, schedule, {}),
          cache(plan),
          communicator(parallel::make_single_communicator()),
          step{.context = context,
               .index = 0,
               .cache = cache,
               .ranks = {*communicator, parallel::find_strategy("none")},
               .tokens = tokens,
               .stop = {}} {}

    broadcast::Schedule schedule;
    std::unique_ptr<broadcast::Policy> policy;
    broadcast::Plan plan;
    broadcast::Cache cache;
    std::unique_ptr<parallel::Communicator> communicator;
    dit::StepContext step;
};

}  // namespace kine::bench
