#include "parallel/planner/cluster.h"

#include "parallel/planner/cluster_presets.h"
#include "runtime/options.h"
#include "runtime/registry.h"

#include <algorithm>
#include <cmath>

namespace kine::parallel {

namespace {

double positive(const Json& json, const char* key, std::string_view where) {
    check(json.contains(key) && json[key].is_number(), ErrorCode::BadInput, "{}: expected a number '{}'", where, key);
    const double value = json[key].get<double>();
    check(std::isfinite(value) && value > 0, ErrorCode::BadInput, "{}: {} is {}, expected a positive number", where,
          key, value);
    return value;
}

const Json& object(const Json& json, const char* key, std::string_view where) {
    check(json.is_object() && json.contains(key) && json[key].is_object(), ErrorCode::BadInput,
          "{}: expected an object '{}'", where, key);
    return json[key];
}

/// {"alpha_s": 1e-5, "beta_bytes_per_s": {"2": 1e10, "8": 5e9}}
Link link_from(const Json& json, std::string_view where) {
    Link link{positive(json, "alpha_s", where), {}};
    for (const auto& [size, value] : object(json, "beta_bytes_per_s", where).items()) {
        link.beta.emplace_back(static_cast<int>(parse_int("group size", size)),
                               positive(json["beta_bytes_per_s"], size.c_str(), where));
    }
    check(!link.beta.empty(), ErrorCode::BadInput, "{}: beta_bytes_per_s names no group size", where);
    std::ranges::sort(link.beta);
    return link;
}

}  // namespace

double Link::bytes_per_second(int ranks) const {
    double result = beta.front().second;
    for (const auto& [size, value] : beta) {
        if (size <= ranks) result = value;
    }
    return result;
}

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
    const Json& node = object(json, "node", where);
    cluster.all_to_all = link_from(object(node, "all_to_all", where), where);
    cluster.all_gather = link_from(object(node, "all_gather", where), where);
    const Json& far = json.contains("network") ? object(json, "network", where) : node;
    cluster.far_all_to_all = link_from(object(far, "all_to_all", where), where);
    cluster.far_all_gather = link_from(object(far, "all_gather", where), where);
    return cluster;
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
