#include "parallel/planner/attention_price.h"

#include "parallel/partition.h"
#include "parallel/tiled_sum.h"

#include <algorithm>
#include <cmath>

namespace kine::parallel {

namespace {

using Kind = Sharing::Kind;

bool is_ring(Kind kind) {
    return kind == Kind::Ring || kind == Kind::BothWaysRing || kind == Kind::TokenRing || kind == Kind::DoubleRing;
}

/// What the busiest rank computes of one kind of attention.
struct Shares {
    double projected = 1;  ///< of the tokens, for projections
    double queries = 1;    ///< of the tokens, for scores
    double heads = 1;
};

Shares shares_of(const Division& division, const SharedAttention& attention) {
    const auto& [kind, meanwhile, group, window] = attention.sharing;
    const double resident = division.largest_share(attention.resident.split);
    if (kind == Kind::Tokens) return {division.largest_share(meanwhile), division.largest_share(meanwhile), 1};
    if (kind == Kind::Heads) return {resident, 1, division.largest_share(Split::Heads)};
    if (kind == Kind::Summed) {
        const double heads = division.largest_share(Split::Heads);
        return {heads, 1, heads};  // projections are split by heads too
    }
    if (group == 1) return {resident, resident, 1};
    return {resident, division.largest_share(attention.resident.split, division.ranks / group),
            division.largest_share(Split::Heads, group)};
}

/// Blocks of 128 queries of a head that a rank has in one call.
double query_tiles(const Division& division, const SharedAttention& attention, const Shares& shares) {
    constexpr double kRows = 128;
    const Shape& tokens = division.work.tokens;
    const auto all = static_cast<double>(tokens[0] * tokens[1] * tokens[2]);
    const bool is_joint = attention.attended == Attended::All;
    const double length = static_cast<double>(is_joint                                 ? tokens[1] * tokens[2]
                                              : attention.attended == Attended::Frames ? tokens[1]
                                                                                       : tokens[2]);
    const bool cuts_length =
        is_joint || attention.sharing.kind == Kind::GatheredKeys || is_ring(attention.sharing.kind);
    const double rows = cuts_length ? length * shares.queries : length;
    const double sequences = all / length * (cuts_length ? 1 : shares.queries);
    return sequences * std::ceil(rows / kRows) * static_cast<double>(division.work.heads) * shares.heads;
}

/// One call, on the rank with the largest part.
struct Call {
    double projections = 0;  ///< seconds
    double scores = 0;       ///< seconds
};

Call call_of(const Division& division, const SharedAttention& attention) {
    const AttentionWork& work = attention.work;
    const auto calls = static_cast<double>(work.calls);
    const Shares shares = shares_of(division, attention);
    const double efficiency = wave_efficiency(division.cluster, query_tiles(division, attention, shares));
    return {division.linear_seconds(work.linear_macs / calls) * shares.projected,
            division.attention_seconds(work.attention_macs / calls) * shares.queries * shares.heads / efficiency};
}

double packed_exchange(const Division& division, Group group, double sent) {
    constexpr double kPasses = 4;  // written and read, before and after
    return exchange_seconds(division.cluster, group, sent) + division.memory_seconds(kPasses * sent);
}

/// There and back, `there` times and once the tokens.
double exchanges(const Division& division, Split from, Split to, double there) {
    const double from_share = division.largest_share(from), to_share = division.largest_share(to);
    const double whole = division.whole_bytes();
    const Group all{division.ranks, 1};
    return packed_exchange(division, all, there * whole * from_share * (1 - to_share)) +
           packed_exchange(division, all, whole * to_share * (1 - from_share));
}

/// Heads split among neighbours, and the tokens back.
double exchanges_among(const Division& division, double resident, int group) {
    if (group == 1) return 0;
    const double part = division.whole_bytes() * resident * (group - 1) / group;
    const Group neighbours{group, 1};
    return packed_exchange(division, neighbours, 3 * part) + packed_exchange(division, neighbours, part);
}

double log_sum_bytes(const Division& division, double share) {
    const Shape& tokens = division.work.tokens;
    return share * static_cast<double>(tokens[0] * tokens[1] * tokens[2] * division.work.heads) * sizeof(float);
}

double ring_of(const Division& division, const SharedAttention& attention, double scores) {
    const Cluster& cluster = division.cluster;
    const Sharing& sharing = attention.sharing;
    const Group ring{division.ranks / sharing.heads_group, sharing.heads_group};
    const double resident = division.largest_share(attention.resident.split);
    const double part = division.whole_bytes() * resident;
    const double elements = part / static_cast<double>(division.work.element_bytes);
    RingCost work{.own_block = scores / ring.ranks, .block = scores / ring.ranks, .sent = 2 * part};
    work.merge = division.memory_seconds(cluster.merge_bytes * elements);
    if (sharing.kind == Kind::BothWaysRing) return both_ways_ring_seconds(cluster, ring, work);
    if (sharing.kind == Kind::DoubleRing) return double_ring_seconds(cluster, ring, sharing.window, work);
    if (sharing.kind != Kind::TokenRing)
        return ring_seconds(cluster, ring, work) + exchanges_among(division, resident, sharing.heads_group);
    work.sent = part;
    work.returned = sizeof(float) * elements + log_sum_bytes(division, resident);  // results return in f32
    return token_ring_seconds(cluster, ring, work);
}

/// A sum of so many bytes that every rank gets.
double sum_seconds(const Division& division, double bytes) {
    const Group all{division.ranks, 1};
    const double sent = bytes * (division.ranks - 1) / division.ranks;
    return bytes == 0 ? 0 : 2 * gather_seconds(division.cluster, all, sent);
}

/// Tokens come and sums go tile by tile, while the tile between is computed: what does not overlap is a tile's share.
/// Attention of all tokens has no tiles.
double summed_seconds(const Division& division, const SharedAttention& attention, double scores) {
    const double part = division.whole_bytes() * division.largest_share(attention.resident.split);
    const Group all{division.ranks, 1};
    const double talk = 2 * gather_seconds(division.cluster, all, part * (division.ranks - 1));
    if (attention.attended == Attended::All) {
        const Shape& tokens = division.work.tokens;
        const auto count = static_cast<double>(tokens[0] * tokens[1] * tokens[2]);
        const auto text = static_cast<double>(tokens[0] * division.work.text_tokens * tokens[3]);
        return scores + talk +
               sum_seconds(division, count * static_cast<double>(division.work.sums_over_heads) * sizeof(float)) +
               sum_seconds(division, text * static_cast<double>(division.work.element_bytes));
    }
    if (!division.cluster.overlaps()) return scores + talk;
    const int tiles = tiles_of(division.work.tokens[attention.attended == Attended::Frames ? 2 : 1]);
    return std::max(scores, talk) + std::min(scores, talk) / tiles;
}

/// Scores and everything sent, of one call. Switches are priced bare, since nobody has measured yet how much of them
/// hides where tiles let it (tiled_switch.h): two branches at best half of it, four tiles of heads three quarters.
double shared_seconds(const Division& division, const SharedAttention& attention, double scores) {
    const Sharing& sharing = attention.sharing;
    const Split home = attention.resident.split;
    const Group all{division.ranks, 1};
    const double part = division.whole_bytes() * division.largest_share(home);
    if (sharing.kind == Kind::Local) return scores;
    if (sharing.kind == Kind::Tokens) return scores + exchanges(division, home, sharing.meanwhile, 1);
    if (sharing.kind == Kind::Heads) return scores + exchanges(division, home, Split::Heads, 3);
    if (sharing.kind == Kind::GatheredKeys)
        return scores + gather_seconds(division.cluster, all, 2 * part * (division.ranks - 1));
    if (sharing.kind == Kind::Summed) return summed_seconds(division, attention, scores);
    return ring_of(division, attention, scores);
}

}  // namespace

int64_t Division::size_of(Split split) const {
    return split == Split::Heads ? work.heads : work.tokens[axis_of(split)];
}

double Division::largest_share(Split split, int among) const {
    if (split == Split::None) return 1.0;
    const int64_t size = size_of(split);
    return static_cast<double>(partition(size, 0, among).size()) / static_cast<double>(size);
}

/// Ranks that are threads of one machine each have their part of it.
double Division::slowdown() const { return cluster.shares_compute ? ranks : 1.0; }

double Division::linear_seconds(double macs) const { return slowdown() * 2 * macs / cluster.linear_flops; }

double Division::attention_seconds(double macs) const { return slowdown() * 2 * macs / cluster.attention_flops; }

double Division::memory_seconds(double bytes) const {
    return cluster.memory_bandwidth > 0 ? slowdown() * bytes / cluster.memory_bandwidth : 0;
}

double Division::whole_bytes() const { return static_cast<double>(work.tokens.elements() * work.element_bytes); }

AttentionSeconds seconds_of(const Division& division, const SharedAttention& attention) {
    if (attention.work.calls == 0) return {};
    const auto calls = static_cast<double>(attention.work.calls);
    const auto [projections, scores] = call_of(division, attention);
    const double shared = division.ranks == 1 ? scores : shared_seconds(division, attention, scores);
    return {calls * (projections + scores), calls * (projections + shared)};
}

double extra_bytes(const Division& division, const SharedAttention& attention) {
    const double whole = division.whole_bytes();
    if (division.ranks == 1) return 0;
    if (attention.sharing.kind == Kind::GatheredKeys) return 2 * whole;
    if (attention.sharing.kind == Kind::Summed) return attention.attended == Attended::All ? 2 * whole : whole;
    if (!is_ring(attention.sharing.kind)) return 0;
    const int parts = attention.sharing.kind == Kind::BothWaysRing ? 3 : 2;
    return parts * 2 * whole * division.largest_share(attention.resident.split);
}

}  // namespace kine::parallel
