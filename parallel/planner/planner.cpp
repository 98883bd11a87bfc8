#include "parallel/planner/planner.h"

#include "parallel/partition.h"

#include <algorithm>

namespace kine::parallel {

namespace {

/// How the ranks divide the run. Rank 0 has the largest part of everything, so it is the one that all wait for.
struct Division {
    const Work& work;
    const Cluster& cluster;
    int ranks;

    double largest_share(Layout layout) const {
        if (layout.split == Split::None) return 1.0;
        const int64_t size = layout.split == Split::Heads ? work.heads : work.tokens[axis_of(layout.split)];
        return static_cast<double>(partition(size, 0, ranks).size()) / static_cast<double>(size);
    }

    /// Ranks that are threads of one machine each have their part of it.
    double slowdown() const { return cluster.shares_compute ? ranks : 1.0; }
    double linear_seconds(double macs) const { return slowdown() * 2 * macs / cluster.linear_flops; }
    double attention_seconds(double macs) const { return slowdown() * 2 * macs / cluster.attention_flops; }
};

double attention_seconds(const Division& division, const AttentionWork& attention, Layout resident, Layout needed) {
    const Layout projecting = needed.split == Split::Heads ? resident : needed;
    return division.linear_seconds(attention.linear_macs) * division.largest_share(projecting) +
           division.attention_seconds(attention.attention_macs) * division.largest_share(needed);
}

double compute_seconds(const Division& division, const Strategy& strategy) {
    const Work& work = division.work;
    return division.linear_seconds(work.other_macs) * division.largest_share(strategy.resident) +
           attention_seconds(division, work.spatial, strategy.resident, strategy.spatial) +
           attention_seconds(division, work.temporal, strategy.resident, strategy.temporal) +
           attention_seconds(division, work.joint, strategy.resident, strategy.joint);
}

double exchange_seconds(const Division& division, const Strategy& strategy) {
    const auto& [work, cluster, ranks] = division;
    if (ranks == 1 || strategy.resident.split == Split::None) return 0;
    const Sent all = bytes_sent(work, strategy, 0, ranks);
    Work gathers = work;
    gathers.spatial.calls = gathers.temporal.calls = 0;
    const Sent gathered = bytes_sent(gathers, strategy, 0, ranks);
    const auto seconds = [&](const Link& link, int64_t calls, int64_t bytes) {
        return static_cast<double>(calls) * link.alpha_seconds +
               static_cast<double>(bytes) / link.bytes_per_second(ranks);
    };
    const Link& exchange = strategy.keys != Keys::WithQueries ? cluster.gather(ranks) : cluster.exchange(ranks);
    return seconds(exchange, all.calls - gathered.calls, all.bytes - gathered.bytes) +
           seconds(cluster.gather(ranks), gathered.calls, gathered.bytes);
}

int64_t memory_of(const Division& division, const Strategy& strategy) {
    const double held = division.largest_share(strategy.resident);
    const auto part = [&](int64_t bytes) { return static_cast<int64_t>(held * static_cast<double>(bytes)); };
    return division.work.weight_bytes + part(division.work.activation_bytes) + part(division.work.cache_bytes);
}

Price price(const Division& division, const Strategy& strategy) {
    const auto& [work, cluster, ranks] = division;
    Price price{.name = strategy.name, .summary = strategy.summary};
    price.is_available = work.joint.calls == 0 || !strategy.splits_weights;
    price.bytes_total = bytes_of_all(work, strategy, ranks);
    price.bytes_formula = bytes_by_formula(work, strategy, ranks);
    price.compute_seconds = compute_seconds(division, strategy);
    price.time_seconds = price.compute_seconds + exchange_seconds(division, strategy);
    price.memory_bytes_per_rank = memory_of(division, strategy);
    return price;
}

}  // namespace

std::vector<Price> price_all(const Work& work, const Cluster& cluster, int ranks) {
    const Division division{work, cluster, ranks};
    std::vector<Price> prices;
    for (const Strategy& strategy : strategies()) prices.push_back(price(division, strategy));
    return prices;
}

const Price& cheapest(std::span<const Price> prices) {
    const auto better = [](const Price& a, const Price& b) {
        return a.is_available != b.is_available ? a.is_available : a.time_seconds < b.time_seconds;
    };
    return *std::ranges::min_element(prices, better);
}

}  // namespace kine::parallel
