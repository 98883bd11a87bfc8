#include "apps/embed/scaling_report.h"

#include "dit/rank_plan.h"
#include "parallel/planner/scaling.h"
#include "runtime/io/json.h"

namespace kine::embed {

namespace {

Json parts_json(const parallel::TimeParts& parts) {
    return {{"even_s", parts.even},
            {"uneven_s", parts.uneven},
            {"idle_s", parts.idle},
            {"sent_s", parts.sent},
            {"latency_s", parts.latency}};
}

Json price_json(const parallel::Price& price) {
    return {{"name", price.name},
            {"cfg_parallel", price.branches == 2},
            {"group_size", price.group},
            {"fits", price.fits},
            {"time_s", price.time_seconds},
            {"bytes_total", price.bytes_total},
            {"memory_bytes_per_rank", price.memory_bytes_per_rank}};
}

Json row_json(const parallel::ScalingRow& row) {
    Json json = price_json(row.best);
    json["ranks"] = row.ranks;
    json["speedup"] = row.speedup;
    json["efficiency"] = row.efficiency;
    json["parts"] = parts_json(row.parts);
    json["faster"] = row.faster ? price_json(*row.faster) : Json(nullptr);
    return json;
}

std::string mesh_text(const parallel::Price& price, int ranks) {
    return price.branches == 2 ? fmt::format("2 x {}", ranks / 2) : std::to_string(ranks);
}

std::string name_text(const parallel::Price& price) {
    return price.group > 0 ? fmt::format("{}, {}", price.name, price.group) : price.name;
}

std::string row_text(const parallel::ScalingRow& row) {
    const parallel::TimeParts& parts = row.parts;
    const double whole = row.best.time_seconds / 100;
    std::string text = fmt::format(
        "  {:>5} {:>8} {:<26} {:>10.4g} {:>8.1f} {:>6.0f} % {:>7.0f} % {:>7.0f} % {:>7.0f} % {:>7.0f} %", row.ranks,
        mesh_text(row.best, row.ranks), name_text(row.best), row.best.time_seconds, row.speedup, 100 * row.efficiency,
        parts.uneven / whole, parts.idle / whole, parts.sent / whole, parts.latency / whole);
    if (!row.best.fits) text += "  does not fit";
    if (row.faster)
        text += fmt::format("  ({}{}: {:.4g} s)", name_text(*row.faster),
                            row.faster->branches == 2 && row.best.branches != 2 ? ", branches apart" : "",
                            row.faster->time_seconds);
    return text + "\n";
}

parallel::Guidance guidance_of(const dit::Request& request) {
    return request.cfg_parallel ? parallel::Guidance::Apart : parallel::Guidance::Either;
}

}  // namespace

void add_scaling(PlanReport& report, const parallel::Work& all_branches, const dit::Request& request,
                 int64_t most_ranks) {
    const parallel::Cluster cluster = parallel::find_cluster(request.cluster);
    const parallel::Scaling scaling = parallel::scale(
        all_branches, cluster, {.most_ranks = static_cast<int>(most_ranks), .guidance = guidance_of(request)});
    Json rows = Json::array();
    report.text += fmt::format(
        "scaling on {}, simulated\n  {:>5} {:>8} {:<26} {:>10} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9}\n", cluster.name,
        "ranks", "mesh", "strategy", "time s", "speedup", "effic.", "uneven", "idle", "sent", "latency");
    for (const parallel::ScalingRow& row : scaling.rows) {
        rows.push_back(row_json(row));
        report.text += row_text(row);
    }
    const bool goes_on = scaling.ends_at == scaling.rows.back().ranks;
    report.text += fmt::format("scaling {} {} ranks: {}\n", goes_on ? "goes on beyond" : "ends at", scaling.ends_at,
                               scaling.reason);
    report.json["scaling"] = {
        {"cluster", cluster.name}, {"rows", rows}, {"ends_at", scaling.ends_at}, {"reason", scaling.reason}};
}

}  // namespace kine::embed
