#include "parallel/planner/planner.h"

#include "parallel/planner/attention_price.h"

#include <algorithm>
#include <array>

namespace kine::parallel {

namespace {

std::array<SharedAttention, 3> attentions_of(const Work& work, const Method& method) {
    return {SharedAttention{work.spatial, Attended::Patches, method.resident, method.spatial},
            SharedAttention{work.temporal, Attended::Frames, method.resident, method.temporal},
            SharedAttention{work.joint, Attended::All, method.resident, method.joint}};
}

/// Every step ends with a gather of what the last linear layer gives.
double final_gathers(const Division& division, const Method& method) {
    if (method.resident.split == Split::None) return 0;
    const double sent = static_cast<double>(output_bytes(division.work)) *
                        division.largest_share(method.resident.split) * (division.ranks - 1);
    return static_cast<double>(division.work.steps) * gather_seconds(division.cluster, {division.ranks, 1}, sent);
}

void add_times(Price& price, const Division& division, const Method& method) {
    price.compute_seconds =
        division.linear_seconds(division.work.other_macs) * division.largest_share(method.resident.split);
    price.time_seconds = price.compute_seconds + final_gathers(division, method);
    for (const SharedAttention& attention : attentions_of(division.work, method)) {
        const AttentionSeconds seconds = seconds_of(division, attention);
        price.compute_seconds += seconds.compute;
        price.time_seconds += seconds.total;
    }
}

void add_memory(Price& price, const Division& division, const Method& method) {
    const Work& work = division.work;
    const double held = division.largest_share(method.resident.split);
    const auto part = [&](int64_t bytes) { return static_cast<int64_t>(held * static_cast<double>(bytes)); };
    double beside = 0;
    for (const SharedAttention& attention : attentions_of(work, method)) {
        if (attention.work.calls > 0) beside = std::max(beside, extra_bytes(division, attention));
    }
    const int64_t denoising = part(work.activation_bytes) + part(work.cache_bytes) + static_cast<int64_t>(beside);
    price.memory_bytes_per_rank = work.weight_bytes + std::max(denoising, work.decode_bytes);
    price.fits = division.cluster.memory_bytes == 0 || price.memory_bytes_per_rank <= division.cluster.memory_bytes;
}

/// Both branches at once, each on ranks of its own; they meet every step, each rank with the one that holds the same
/// tokens of the other branch.
Price of_both_branches(Price price, const Work& branch, const Cluster& cluster, int sequence) {
    price.branches = 2;
    price.time_seconds += static_cast<double>(branch.steps) *
                          gather_seconds(cluster, {2, sequence}, static_cast<double>(output_bytes(branch)));
    return price;
}

/// Threads of one machine: the ranks of the other branch have their part of it too.
Cluster half_of(const Cluster& cluster) {
    Cluster half = cluster;
    if (!cluster.shares_compute) return half;
    half.linear_flops /= 2;
    half.attention_flops /= 2;
    half.memory_bandwidth /= 2;
    return half;
}

}  // namespace

Price price_of(const Method& method, const Work& work, const Cluster& cluster, int ranks) {
    const Division division{work, cluster, ranks};
    Price price;
    price.group = method.group;
    if (method.strategy) {
        price.name = method.strategy->name;
        price.summary = method.strategy->summary;
    }
    add_times(price, division, method);
    add_memory(price, division, method);
    return price;
}

void count_bytes(Price& price, const Work& all_branches, int ranks) {
    const bool is_apart = price.branches == 2;
    const Work work = is_apart ? one_branch(all_branches) : all_branches;
    const Sequence sequence(ranks / price.branches, price.group);
    const Strategy& strategy = find_strategy(price.name);
    price.bytes_total = price.branches * bytes_of_all(work, strategy, sequence);
    price.bytes_formula = bytes_by_formula(work, strategy, sequence);
    if (is_apart) price.bytes_total += ranks * work.steps * output_bytes(work);
}

std::vector<Price> price_all(const Work& work, const Cluster& cluster, const Sequence& sequence, Detail detail) {
    std::vector<Price> prices;
    for (const Method& method : methods(work, sequence)) {
        prices.push_back(price_of(method, work, cluster, sequence.ranks));
        if (detail == Detail::TimesAndBytes) count_bytes(prices.back(), work, sequence.ranks);
    }
    return prices;
}

std::vector<Price> price_options(const Work& work, const Cluster& cluster, const Sequence& all, Guidance guidance,
                                 Detail detail) {
    const bool can_part = work.tokens[0] == 2 && all.ranks % 2 == 0;
    std::vector<Price> prices;
    if (guidance != Guidance::Apart || !can_part) prices = price_all(work, cluster, all, detail);
    if (guidance == Guidance::Together || !can_part) return prices;
    const Work branch = one_branch(work);
    const Sequence half(all.ranks / 2, all.group);
    for (Price& price : price_all(branch, half_of(cluster), half, Detail::Times)) {
        prices.push_back(of_both_branches(std::move(price), branch, cluster, half.ranks));
        if (detail == Detail::TimesAndBytes) count_bytes(prices.back(), work, all.ranks);
    }
    return prices;
}

bool is_better(const Price& a, const Price& b) { return a.fits != b.fits ? a.fits : a.time_seconds < b.time_seconds; }

const Price& cheapest(std::span<const Price> prices) { return *std::ranges::min_element(prices, is_better); }

}  // namespace kine::parallel
