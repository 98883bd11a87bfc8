#include "dit/stragglers.h"

#include "dit/generator.h"

namespace kine::dit {

namespace {

double busy_seconds(const RankReport& rank, size_t step) {
    return rank.steps[step].seconds - rank.steps[step].communication_seconds;
}

Straggler straggler_of(std::span<const RankReport> ranks, size_t step) {
    Straggler slowest{.step = static_cast<int64_t>(step), .busy_seconds = busy_seconds(ranks[0], step)};
    double busy = 0, waiting = 0;
    for (size_t rank = 0; rank < ranks.size(); ++rank) {
        const double own = busy_seconds(ranks[rank], step);
        busy += own;
        waiting += ranks[rank].steps[step].communication_seconds;
        if (own > slowest.busy_seconds) slowest.rank = static_cast<int>(rank), slowest.busy_seconds = own;
    }
    const auto others = static_cast<double>(ranks.size() - 1);
    const double own_waiting = ranks[static_cast<size_t>(slowest.rank)].steps[step].communication_seconds;
    slowest.others_seconds = (busy - slowest.busy_seconds) / others;
    slowest.waiting_seconds = (waiting - own_waiting) / others;
    return slowest;
}

}  // namespace

std::vector<Straggler> find_stragglers(std::span<const RankReport> ranks) {
    std::vector<Straggler> stragglers;
    if (ranks.size() < 2) return stragglers;
    for (size_t step = 0; step < ranks[0].steps.size(); ++step) stragglers.push_back(straggler_of(ranks, step));
    return stragglers;
}

}  // namespace kine::dit
