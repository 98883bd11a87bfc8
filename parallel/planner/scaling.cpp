#include "parallel/planner/scaling.h"

#include "parallel/partition.h"
#include "runtime/error.h"

#include <algorithm>

namespace kine::parallel {

namespace {

constexpr double kNoTime = 1e-15;

Link without_latency(Link link) {
    link.alpha = {{2, kNoTime}};
    link.hop_seconds = 0;
    return link;
}

Links without_latency(const Links& links) {
    return {without_latency(links.all_to_all), without_latency(links.all_gather), without_latency(links.ring)};
}

Cluster without_latency(Cluster cluster) {
    cluster.node = without_latency(cluster.node);
    cluster.network = without_latency(cluster.network);
    cluster.ring_step_seconds = 0;
    return cluster;
}

Cluster always_full(Cluster cluster) {
    cluster.tiles_at_once = 0;
    return cluster;
}

/// A run on so many ranks, priced under other assumptions about the cluster.
class Repricing {
  public:
    Repricing(const Work& work, const Price& price, int ranks)
        : is_apart_(price.branches == 2),
          sequence_(ranks / price.branches),
          method_(method_of(find_strategy(price.name), price.group)),
          work_(is_apart_ ? one_branch(work) : work) {}

    const Work& work() const { return work_; }
    int sequence() const { return sequence_; }

    const Method& method() const { return method_; }
    Price operator()(Cluster cluster) const {
        if (is_apart_ && cluster.shares_compute) {  // as price_options() has it
            cluster.linear_flops /= 2;
            cluster.attention_flops /= 2;
            cluster.memory_bandwidth /= 2;
        }
        return price_of(method_, work_, cluster, sequence_);
    }

  private:
    bool is_apart_;
    int sequence_;
    Method method_;
    Work work_;
};

TimeParts parts_of(const Price& best, const Repricing& priced, const Cluster& cluster, double even) {
    const Price sequence = priced(cluster);  // without the meeting of the branches
    const double full = priced(always_full(cluster)).compute_seconds;
    const double without = priced(without_latency(cluster)).time_seconds;
    TimeParts parts{.even = even};
    parts.uneven = std::max(full - even, 0.0);
    parts.idle = sequence.compute_seconds - full;
    parts.sent = without - sequence.compute_seconds + best.time_seconds - sequence.time_seconds;
    parts.latency = sequence.time_seconds - without;
    return parts;
}

const char* name_of(Split split) {
    if (split == Split::Frames) return "frames";
    return split == Split::Patches ? "patches" : "heads";
}

/// How many times an even share the fullest rank has.
double imbalance(const Work& work, Split split, int ranks) {
    const int64_t size = split == Split::Heads ? work.heads : work.tokens[axis_of(split)];
    return static_cast<double>(partition(size, 0, ranks).size() * ranks) / static_cast<double>(size);
}

std::vector<Split> splits_of(const Method& method) {
    std::vector<Split> splits{method.resident.split};
    for (const Sharing& sharing : {method.spatial, method.temporal, method.joint}) {
        if (sharing.kind == Sharing::Kind::Heads || sharing.heads_group > 1) splits.push_back(Split::Heads);
        if (sharing.kind == Sharing::Kind::Tokens) splits.push_back(sharing.meanwhile);
    }
    std::erase(splits, Split::None);
    return splits;
}

std::string what_runs_out(const Repricing& priced) {
    const Work& work = priced.work();
    const int ranks = priced.sequence();
    const std::vector<Split> splits = splits_of(priced.method());
    if (splits.empty()) return "nothing is split";
    const Split worst =
        *std::ranges::max_element(splits, {}, [&](Split split) { return imbalance(work, split, ranks); });
    const int64_t size = worst == Split::Heads ? work.heads : work.tokens[axis_of(worst)];
    return fmt::format("{} run out: {} of them for {} ranks, the fullest has {:.2f} times an even share",
                       name_of(worst), size, ranks, imbalance(work, worst, ranks));
}

/// What keeps twice the ranks from being worth it.
std::string reason_of(const TimeParts& parts, const Repricing& priced, const Cluster& cluster) {
    if (cluster.shares_compute) return "ranks are threads of one machine and divide its processors";
    const double computing = parts.even + parts.uneven + parts.idle;
    const double most = std::max({parts.uneven, parts.idle, parts.sent, parts.latency});
    if (most == parts.uneven) return what_runs_out(priced);
    if (most == parts.idle) return "attention is cut into blocks too few to fill a rank";
    if (most == parts.sent)
        return fmt::format("communication takes {:.3g} s beside {:.3g} s of computing", parts.sent, computing);
    return fmt::format("latency of messages takes {:.3g} s beside {:.3g} s of computing", parts.latency, computing);
}

ScalingRow row_of(std::span<const Price> prices, int ranks) {
    ScalingRow row;
    row.ranks = ranks;
    row.best = cheapest(prices);
    constexpr double kClearly = 0.99;
    const auto fastest = std::ranges::min_element(prices, [](const Price& a, const Price& b) {
        return a.fits != b.fits ? a.fits : a.time_seconds < b.time_seconds;
    });
    if (fastest->time_seconds < kClearly * row.best.time_seconds) row.faster = *fastest;
    return row;
}

/// The best that splits tokens. Where every rank does everything it is what sharing would lose by that tells.
Price best_split(std::span<const Price> prices) {
    std::vector<Price> split(prices.begin(), prices.end());
    std::erase_if(split, [](const Price& price) { return price.name == "none"; });
    return cheapest(split);
}

}  // namespace

Scaling scale(const Work& work, const Cluster& cluster, const ScalingQuestion& question) {
    Scaling scaling;
    double alone = 0, full = 0;
    std::optional<std::string> reason;
    for (int ranks = 1; ranks <= question.most_ranks; ranks *= 2) {
        const std::vector<Price> prices = price_options(work, cluster, ranks, question.guidance, Detail::Times);
        ScalingRow row = row_of(prices, ranks);
        count_bytes(row.best, work, ranks);
        const Repricing priced(work, row.best, ranks);
        if (ranks == 1) {
            alone = row.best.time_seconds;
            full = priced(always_full(cluster)).compute_seconds;
        }
        const double shared = cluster.shares_compute ? 1 : ranks;  // threads of one machine bring nothing along
        row.parts = parts_of(row.best, priced, cluster, full / shared);
        row.speedup = alone / row.best.time_seconds;
        row.efficiency = row.speedup / shared;
        const bool is_worth_it =
            ranks == 1 || scaling.rows.back().best.time_seconds > question.worthwhile * row.best.time_seconds;
        if (is_worth_it && !reason) scaling.ends_at = ranks;
        if (!is_worth_it && !reason) {
            const Price split = best_split(prices);
            const Repricing repriced(work, split, ranks);
            reason = reason_of(parts_of(split, repriced, cluster, full / shared), repriced, cluster);
        }
        scaling.rows.push_back(std::move(row));
    }
    scaling.reason = reason.value_or("every doubling in the table is worth it");
    return scaling;
}

}  // namespace kine::parallel
