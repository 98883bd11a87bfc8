#include "parallel/planner/replay.h"

#include "parallel/planner/attention_price.h"
#include "parallel/planner/planner.h"
#include "runtime/error.h"
#include "runtime/io/json.h"

#include <algorithm>

namespace kine::parallel {

namespace {

/// The JSON that a table is read from, and the machines it may name.
struct Source {
    const Json& clusters;
    std::string_view where;
};

/// A machine is a preset with what a table's authors had otherwise, or what was fitted.
Cluster cluster_of(const Source& source, const std::string& name) {
    check(source.clusters.contains(name), ErrorCode::BadInput, "{}: cluster '{}' is not described", source.where, name);
    const Json& described = source.clusters[name];
    Json json = to_json(find_cluster(described.at("like").get<std::string>()));
    Json changes = described;
    changes.erase("like");
    json.merge_patch(changes);
    return cluster_from_json(json, fmt::format("{}: cluster {}", source.where, name));
}

// Whole runs of models that attend over all tokens: priced as any run is. -----------------------------------------

Work joint_work(const Json& model) {
    const auto tokens = model.at("tokens").get<int64_t>(), channels = model.at("channels").get<int64_t>();
    const auto calls = model.at("blocks").get<int64_t>() * model.at("steps").get<int64_t>();
    constexpr double kLinear = 12;  // queries, keys, values, output, and an MLP four times as wide
    const auto length = static_cast<double>(tokens), width = static_cast<double>(channels);
    Work work{.tokens = {1, 1, tokens, channels},
              .heads = model.at("heads").get<int64_t>(),
              .element_bytes = 2,
              .steps = model.at("steps").get<int64_t>(),
              .output_channels = model.at("output_channels").get<int64_t>()};
    work.joint = {calls, static_cast<double>(calls) * kLinear * length * width * width,
                  static_cast<double>(calls) * 2 * length * length * width};
    return work;
}

Method grid_method(int group, int ring) {
    if (ring == 1) return method_of(find_strategy(group == 1 ? "none" : "ulysses_patches"));
    return group == 1 ? method_of(find_strategy("ring_patches")) : method_of(find_strategy("usp_patches"), group);
}

double video_seconds(const Source& source, const Json& table, const Json& row) {
    const Cluster cluster = cluster_of(source, row.at("cluster").get<std::string>());
    const int group = row.value("heads_group", 1), ring = row.value("ring", 1);
    const Json& model = table.at("model");
    const Price price = price_of(grid_method(group, ring), joint_work(model), cluster, group * ring);
    return model.value("serial_s", 0.0) + price.time_seconds;
}

// One causal attention, timed by itself. ---------------------------------------------------------------------------

struct CausalAttention {
    double elements = 0;  ///< of the queries
    double flops = 0;     ///< without the mask
    double keys_share = 1;
    double bytes() const { return 2 * elements; }
};

CausalAttention causal_attention(const Json& table, const Json& row) {
    Json model = table.at("model");
    if (row.contains("model")) model.merge_patch(row["model"]);
    const auto tokens = model.at("tokens").get<double>();
    const double width = model.at("heads").get<double>() * model.at("head_size").get<double>();
    const double elements = model.value("batch", 1.0) * tokens * width;
    return {elements, 4 * elements * tokens, model.at("key_heads").get<double>() / model.at("heads").get<double>()};
}

/// A rank attends to half of its own part and to whole others, and in zigzag order to half of each, so that all ranks
/// have as much to do. Kernels run whole parts faster than halves under a mask, by `full_block_gain`.
double causal_rate(const Source& source, const Json& table, const Json& row) {
    const Cluster cluster = cluster_of(source, row.at("cluster").get<std::string>());
    const int group = row.value("heads_group", 1), ring = row.value("ring", 1);
    const int ranks = group * ring;
    const CausalAttention attention = causal_attention(table, row);
    const bool is_balanced = row.value("order", "zigzag") == "zigzag";
    const double whole = attention.flops / (ranks * ring) / cluster.attention_flops;
    const double part = attention.bytes() / ranks;
    RingCost work{.own_block = whole / 2, .block = whole / table.at("full_block_gain").get<double>()};
    work.merge = cluster.merge_bytes * attention.elements / ranks / cluster.memory_bandwidth;
    work.sent = 2 * part * attention.keys_share;
    if (is_balanced) {
        constexpr double kMergedShare = 0.75;  // half of the results change where the other half of the keys came
        work.block /= 2;
        work.merge *= kMergedShare;
    }
    double seconds = ring_seconds(cluster, {ring, group}, work);
    if (group > 1) {
        const double there = part * (1 + 2 * attention.keys_share), moved = (group - 1.0) / group;
        constexpr double kPasses = 4;
        seconds += exchange_seconds(cluster, {group, 1}, there * moved) +
                   exchange_seconds(cluster, {group, 1}, part * moved) +
                   kPasses * (there + part) / cluster.memory_bandwidth;
    }
    return 1 / seconds;
}

// Steps of a ring, timed one by one. -------------------------------------------------------------------------------

double step_milliseconds(const Source& source, const Json& table, const Json& row) {
    const Cluster cluster = cluster_of(source, row.at("cluster").get<std::string>());
    const Json& model = table.at("model");
    const int ranks = model.at("ranks").get<int>();
    const double part = 2 * model.at("tokens").get<double>() * model.at("heads").get<double>() *
                        model.at("head_size").get<double>() / ranks;
    const double flops = 4 * part / 2 * model.at("tokens").get<double>() / ranks;
    const double block = flops * model.at("computed_share").get<double>() / cluster.attention_flops;
    const auto travels = row.at("travels").get<std::string>();
    const double talk = pass_seconds(cluster, {ranks, 1}, travels == "keys" ? 2 * part : part) *
                        (travels == "queries and results" ? cluster.duplex_slowdown : 1);
    return 1e3 * std::max(block, talk);
}

// Factored models. -------------------------------------------------------------------------------------------------

Work factored_work(const Json& model) {
    const auto frames = model.at("frames").get<int64_t>(), patches = model.at("patches").get<int64_t>();
    const auto channels = model.at("channels").get<int64_t>();
    const auto calls = model.at("pairs").get<int64_t>() * model.at("steps").get<int64_t>();
    const auto rows = static_cast<double>(2 * frames * patches), width = static_cast<double>(channels);
    const double square = static_cast<double>(calls) * rows * width * width;
    const double attended = static_cast<double>(calls) * 2 * rows * width;
    Work work{.tokens = {2, frames, patches, channels},
              .heads = model.at("heads").get<int64_t>(),
              .element_bytes = 2,
              .steps = model.at("steps").get<int64_t>(),
              .output_channels = model.at("output_channels").get<int64_t>()};
    work.spatial = {calls, 4 * square, attended * static_cast<double>(patches)};
    work.temporal = {calls, 4 * square, attended * static_cast<double>(frames)};
    work.other_macs = 20 * square;  // cross attention and an MLP in both blocks of a pair
    return work;
}

double factored_seconds(const Source& source, const Json& table, const Json& row) {
    const Cluster cluster = cluster_of(source, row.at("cluster").get<std::string>());
    const Method method = method_of(find_strategy(row.at("strategy").get<std::string>()));
    const Json& model = table.at("model");
    return model.value("serial_s", 0.0) +
           price_of(method, factored_work(model), cluster, row.at("ranks").get<int>()).time_seconds;
}

/// T(N) = a + b / N, by two of its rows.
double law_seconds(const Source&, const Json& table, const Json& row) {
    const Json& law = table.at("model");
    return law.at(row.at("series").get<std::string>()).at("serial_s").get<double>() +
           law.at(row.at("series").get<std::string>()).at("shared_s").get<double>() / row.at("ranks").get<double>();
}

using Simulate = double (*)(const Source&, const Json& table, const Json& row);

Simulate simulation_of(const std::string& kind, std::string_view where) {
    constexpr std::pair<std::string_view, Simulate> kKinds[] = {{"video", video_seconds},
                                                                {"causal attention", causal_rate},
                                                                {"ring steps", step_milliseconds},
                                                                {"factored video", factored_seconds},
                                                                {"law", law_seconds}};
    for (const auto& [name, simulate] : kKinds) {
        if (name == kind) return simulate;
    }
    fail(ErrorCode::BadInput, "{}: kind '{}' is not known", where, kind);
}

ReplayTable replay_table(const Source& source, const Json& json) {
    ReplayTable table{.name = json.at("name"),
                      .unit = json.at("unit"),
                      .source = json.at("source"),
                      .fitted = json.value("fitted", std::vector<std::string>()),
                      .note = json.value("note", ""),
                      .rows = {}};
    const Simulate simulate = simulation_of(json.at("kind"), source.where);
    for (const Json& row : json.at("rows")) {
        table.rows.push_back({.name = row.at("row"),
                              .simulated = simulate(source, json, row),
                              .published = row.at("published"),
                              .allowed = row.value("allowed", json.at("allowed").get<double>()),
                              .is_fitted = row.value("fitted", false)});
    }
    return table;
}

}  // namespace

std::vector<ReplayTable> replay(const Json& published, std::string_view where) {
    std::vector<ReplayTable> tables;
    try {
        const Source source{published.at("clusters"), where};
        for (const Json& table : published.at("tables")) tables.push_back(replay_table(source, table));
    } catch (const Json::exception& error) {
        fail(ErrorCode::BadInput, "{}: {}", where, error.what());
    }
    return tables;
}

}  // namespace kine::parallel
