#include "parallel/planner/closed_forms.h"

#include <algorithm>
#include <cmath>

namespace kine::parallel {

namespace {

double together(const Cluster& cluster, double compute, double talk) {
    return cluster.overlaps() ? std::max(compute, talk) : compute + talk;
}

/// A step of a ring: computing while the next part comes.
double step_seconds(const Cluster& cluster, double compute, double talk) {
    return together(cluster, compute * cluster.interference, talk) + cluster.ring_step_seconds;
}

bool crosses_nodes(const Cluster& cluster, Group group) { return group.ranks * group.stride > cluster.ranks_per_node; }

const Links& links_of(const Cluster& cluster, Group group) {
    return crosses_nodes(cluster, group) ? cluster.network : cluster.node;
}

double merging(Group ring, const RingCost& work) { return (ring.ranks - 1) * work.merge; }

}  // namespace

int Group::on_a_node(const Cluster& cluster) const { return std::clamp(cluster.ranks_per_node / stride, 1, ranks); }

double exchange_seconds(const Cluster& cluster, Group group, double sent) {
    if (group.ranks <= 1) return 0;
    const int near = group.on_a_node(cluster);
    const double part = sent / (group.ranks - 1);  // for each of the others
    const double within = part * (near - 1) / cluster.node.all_to_all.bytes_per_second(near);
    if (!crosses_nodes(cluster, group)) return cluster.node.all_to_all.latency(group.ranks) + within;
    const Link& far = cluster.network.all_to_all;
    return far.latency(group.ranks) + std::max(within, part * (group.ranks - near) / far.bytes_per_second(group.ranks));
}

double gather_seconds(const Cluster& cluster, Group group, double sent) {
    return group.ranks <= 1 ? 0 : links_of(cluster, group).all_gather.seconds(sent, group.ranks);
}

double pass_seconds(const Cluster& cluster, Group group, double sent) {
    const Link& link = links_of(cluster, group).ring;
    return group.ranks <= 1 ? 0 : link.latency(2) + sent / link.bytes_per_second(group.ranks);
}

double ring_seconds(const Cluster& cluster, Group ring, const RingCost& work) {
    if (ring.ranks == 1) return work.own_block;
    const double talk = pass_seconds(cluster, ring, work.sent);
    return step_seconds(cluster, work.own_block, talk) + (ring.ranks - 2) * step_seconds(cluster, work.block, talk) +
           work.block + merging(ring, work);
}

double both_ways_ring_seconds(const Cluster& cluster, Group ring, const RingCost& work) {
    if (ring.ranks <= 2) return ring_seconds(cluster, ring, work);
    const int exchanges = (ring.ranks - 1) / 2;
    const double talk = cluster.duplex_slowdown * pass_seconds(cluster, ring, work.sent);
    const double steps = step_seconds(cluster, work.own_block, talk) +
                         (exchanges - 1) * step_seconds(cluster, 2 * work.block, talk) + merging(ring, work);
    if (ring.ranks % 2 == 1) return steps + 2 * work.block;
    // Of the part opposite, half comes from either side while the last two whole ones are attended to.
    const double half = cluster.duplex_slowdown * pass_seconds(cluster, ring, work.sent / 2);
    return steps + step_seconds(cluster, 2 * work.block, half) + work.block;
}

double token_ring_seconds(const Cluster& cluster, Group ring, const RingCost& work) {
    if (ring.ranks == 1) return work.own_block;
    const double forth = pass_seconds(cluster, ring, work.sent);
    const double back = pass_seconds(cluster, ring, work.returned);
    const double first = step_seconds(cluster, work.own_block, forth);
    if (ring.ranks == 2) return first + work.block + back + merging(ring, work);
    const double both = cluster.duplex_slowdown * std::max(forth, back);
    return first + step_seconds(cluster, work.block, forth) +
           (ring.ranks - 3) * step_seconds(cluster, work.block, both) + step_seconds(cluster, work.block, back) + back +
           merging(ring, work);
}

double double_ring_seconds(const Cluster& cluster, Group ring, int window, const RingCost& work) {
    const int windows = ring.ranks / window;
    if (window == 1 || windows == 1) return ring_seconds(cluster, ring, work);
    const Group inner{window, ring.stride}, outer{windows, ring.stride * window};
    const double inside = pass_seconds(cluster, inner, work.sent);
    const auto turn = [&](double first) {
        return step_seconds(cluster, first, inside) + (window - 2) * step_seconds(cluster, work.block, inside) +
               work.block;
    };
    // Within a node the two ways share their links.
    const double shared = crosses_nodes(cluster, outer) ? 0 : (window - 1) * inside;
    const double outside = pass_seconds(cluster, outer, work.sent) + shared;
    return together(cluster, turn(work.own_block), outside) +
           (windows - 2) * together(cluster, turn(work.block), outside) + turn(work.block) + merging(ring, work);
}

double wave_efficiency(const Cluster& cluster, double tiles) {
    if (cluster.tiles_at_once == 0 || tiles <= 0) return 1;
    return tiles / (std::ceil(tiles / cluster.tiles_at_once) * cluster.tiles_at_once);
}

}  // namespace kine::parallel
