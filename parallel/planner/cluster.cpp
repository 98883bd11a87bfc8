#include "parallel/planner/cluster.h"

#include "parallel/planner/cluster_presets.h"
#include "runtime/io/json.h"
#include "runtime/options.h"
#include "runtime/registry.h"

#include <algorithm>
#include <cmath>

namespace kine::parallel {

namespace {

double checked(const Json& value, const std::string& what, double least, std::string_view where) {
    check(value.is_number(), ErrorCode::BadInput, "{}: expected a number '{}'", where, what);
    const double number = value.get<double>();
    check(std::isfinite(number) && number >= least, ErrorCode::BadInput, "{}: {} is {}, expected a {} number", where,
          what, number, least > 0 ? "positive" : "non-negative");
    return number;
}

constexpr double kPositive = 1e-12;  // below any rate or time that a machine has

double positive(const Json& json, const char* key, std::string_view where) {
    check(json.contains(key), ErrorCode::BadInput, "{}: expected a number '{}'", where, key);
    return checked(json[key], key, kPositive, where);
}

double positive_or(const Json& json, const char* key, double otherwise, std::string_view where) {
    return json.contains(key) ? checked(json[key], key, kPositive, where) : otherwise;
}

double not_negative_or(const Json& json, const char* key, double otherwise, std::string_view where) {
    return json.contains(key) ? checked(json[key], key, 0, where) : otherwise;
}

const Json& object(const Json& json, const char* key, std::string_view where) {
    check(json.is_object() && json.contains(key) && json[key].is_object(), ErrorCode::BadInput,
          "{}: expected an object '{}'", where, key);
    return json[key];
}

/// {"2": 1e10, "8": 5e9}, or one number for all sizes.
Link::BySize by_size(const Json& json, const char* key, std::string_view where) {
    if (json.contains(key) && json[key].is_number()) return {{2, positive(json, key, where)}};
    Link::BySize result;
    for (const auto& [size, value] : object(json, key, where).items()) {
        result.emplace_back(static_cast<int>(parse_int("group size", size)),
                            checked(value, fmt::format("{} of {}", key, size), kPositive, where));
    }
    check(!result.empty(), ErrorCode::BadInput, "{}: {} names no group size", where, key);
    std::ranges::sort(result);
    return result;
}

Link link_from(const Json& json, std::string_view where) {
    return {by_size(json, "alpha_s", where), by_size(json, "beta_bytes_per_s", where),
            not_negative_or(json, "hop_s", 0, where)};
}

Links links_from(const Json& json, std::string_view where) {
    const Link gather = link_from(object(json, "all_gather", where), where);
    return {link_from(object(json, "all_to_all", where), where), gather,
            json.contains("ring") ? link_from(object(json, "ring", where), where) : gather};
}

Json to_json(const Link::BySize& values) {
    Json json = Json::object();
    for (const auto& [size, value] : values) json[std::to_string(size)] = value;
    return json;
}

Json to_json(const Link& link) {
    return {{"alpha_s", to_json(link.alpha)}, {"beta_bytes_per_s", to_json(link.beta)}, {"hop_s", link.hop_seconds}};
}

Json to_json(const Links& links) {
    return {{"all_to_all", to_json(links.all_to_all)},
            {"all_gather", to_json(links.all_gather)},
            {"ring", to_json(links.ring)}};
}

/// Of the largest group that is no larger than `ranks`, or the smallest there is.
double of_size(const Link::BySize& values, int ranks) {
    double result = values.front().second;
    for (const auto& [size, value] : values) {
        if (size <= ranks) result = value;
    }
    return result;
}

}  // namespace

double Link::latency(int ranks) const { return of_size(alpha, ranks) + hop_seconds * std::max(ranks - 2, 0); }
double Link::bytes_per_second(int ranks) const { return of_size(beta, ranks); }

Cluster cluster_from_json(const Json& json, std::string_view where) {
    check(json.is_object(), ErrorCode::BadInput, "{}: expected an object", where);
    Cluster cluster;
    cluster.name = json.value("name", "");
    cluster.summary = json.value("summary", "");
    cluster.ranks_per_node = static_cast<int>(positive(json, "ranks_per_node", where));
    cluster.shares_compute = json.value("shares_compute", false);
    cluster.linear_flops = positive(json, "linear_flops", where);
    cluster.attention_flops = positive(json, "attention_flops", where);
    cluster.memory_bytes = json.value("memory_bytes", int64_t{0});
    cluster.memory_bandwidth = not_negative_or(json, "memory_bytes_per_s", 0, where);
    cluster.merge_bytes = not_negative_or(json, "merge_bytes", cluster.merge_bytes, where);
    cluster.ring_step_seconds = not_negative_or(json, "ring_step_s", 0, where);
    cluster.duplex_slowdown = positive_or(json, "duplex_slowdown", 1, where);
    cluster.interference = positive_or(json, "interference", 1, where);
    cluster.tiles_at_once = static_cast<int>(not_negative_or(json, "tiles_at_once", 0, where));
    cluster.node = links_from(object(json, "node", where), where);
    cluster.network = json.contains("network") ? links_from(object(json, "network", where), where) : cluster.node;
    return cluster;
}

Json to_json(const Cluster& cluster) {
    return {{"name", cluster.name},
            {"summary", cluster.summary},
            {"ranks_per_node", cluster.ranks_per_node},
            {"shares_compute", cluster.shares_compute},
            {"linear_flops", cluster.linear_flops},
            {"attention_flops", cluster.attention_flops},
            {"memory_bytes", cluster.memory_bytes},
            {"memory_bytes_per_s", cluster.memory_bandwidth},
            {"merge_bytes", cluster.merge_bytes},
            {"ring_step_s", cluster.ring_step_seconds},
            {"duplex_slowdown", cluster.duplex_slowdown},
            {"interference", cluster.interference},
            {"tiles_at_once", cluster.tiles_at_once},
            {"node", to_json(cluster.node)},
            {"network", to_json(cluster.network)}};
}

std::vector<Cluster> cluster_presets() {
    std::vector<Cluster> clusters;
    for (const std::string_view text : kClusterPresets) {
        clusters.push_back(cluster_from_json(parse_json(text, "assets/clusters"), "assets/clusters"));
    }
    return clusters;
}

Cluster find_cluster(const std::string& name) {
    if (name.ends_with(".json")) return cluster_from_json(read_json(name), name);
    const std::vector<Cluster> presets = cluster_presets();
    return find_entry(std::span<const Cluster>(presets), "cluster", name);
}

}  // namespace kine::parallel
