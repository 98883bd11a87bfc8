#include "parallel/planner/methods.h"

#include "parallel/mesh.h"

#include <algorithm>

namespace kine::parallel {

namespace {

using Kind = Sharing::Kind;

Kind ring_of(Keys keys) {
    if (keys == Keys::BothWays) return Kind::BothWaysRing;
    if (keys == Keys::DoubleRing) return Kind::DoubleRing;
    return keys == Keys::Resident ? Kind::TokenRing : Kind::Ring;
}

Sharing sharing_of(const Strategy& strategy, Attended attended, int group) {
    const Layout queries = strategy.queries_of(attended);
    if (strategy.sums(attended)) return {.kind = Kind::Summed};
    if (strategy.gathers(attended)) return {.kind = Kind::GatheredKeys};
    if (strategy.merges(attended)) {
        const bool splits_heads = queries.split == Split::Heads;
        return {.kind = ring_of(strategy.keys),
                .heads_group = splits_heads ? group : 1,
                .window = splits_heads ? 1 : std::max(group, 1)};
    }
    if (queries == strategy.resident) return {.kind = Kind::Local};
    if (queries.split == Split::Heads) return {.kind = Kind::Heads};
    return {.kind = Kind::Tokens, .meanwhile = queries.split};
}

/// The sizes of a group worth pricing.
std::vector<int> groups_of(const Work& work, const Sequence& sequence) {
    if (sequence.group > 0)
        return sequence.ranks % sequence.group == 0 ? std::vector<int>{sequence.group} : std::vector<int>{};
    std::vector<int> groups{default_group(sequence.ranks, work.heads)};
    for (int group = 2; group <= std::min<int64_t>(sequence.ranks / 2, work.heads); ++group) {
        if (sequence.ranks % group == 0 && group != groups.front()) groups.push_back(group);
    }
    return groups;
}

}  // namespace

Method method_of(const Strategy& strategy, int group) {
    return {.strategy = &strategy,
            .group = group,
            .resident = strategy.resident,
            .spatial = sharing_of(strategy, Attended::Patches, group),
            .temporal = sharing_of(strategy, Attended::Frames, group),
            .joint = sharing_of(strategy, Attended::All, group)};
}

std::vector<Method> methods(const Work& work, const Sequence& sequence) {
    std::vector<Method> all;
    for (const Strategy& strategy : strategies()) {
        if (!strategy.is_grouped) {
            all.push_back(method_of(strategy));
            continue;
        }
        for (const int group : groups_of(work, sequence)) all.push_back(method_of(strategy, group));
    }
    return all;
}

}  // namespace kine::parallel
