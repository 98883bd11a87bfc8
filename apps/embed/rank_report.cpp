#include "apps/embed/rank_report.h"

#include "dit/geometry.h"

namespace kine::embed {

namespace {

double gigabytes(double bytes) { return bytes / 1e9; }

Json price_json(const parallel::Price& price) {
    return {{"name", price.name},
            {"summary", price.summary},
            {"available", price.is_available},
            {"bytes_total", price.bytes_total},
            {"bytes_formula", price.bytes_formula},
            {"compute_s", price.compute_seconds},
            {"time_s", price.time_seconds},
            {"memory_bytes_per_rank", price.memory_bytes_per_rank}};
}

std::string table_text(std::span<const parallel::Price> prices, std::string_view chosen) {
    std::string text = fmt::format("  {:<18} {:>12} {:>12} {:>12} {:>12}\n", "strategy", "time s", "GB, all",
                                   "GB, formula", "GB a rank");
    for (const parallel::Price& price : prices) {
        text += fmt::format("{} {:<18} {:>12.4g} {:>12.2f} {:>12.2f} {:>12.2f}{}\n", price.name == chosen ? "*" : " ",
                            price.name, price.time_seconds, gigabytes(static_cast<double>(price.bytes_total)),
                            gigabytes(price.bytes_formula), gigabytes(static_cast<double>(price.memory_bytes_per_rank)),
                            price.is_available ? "" : "  (for comparison)");
    }
    return text;
}

int ranks_of_sequence(const dit::Request& request) {
    return static_cast<int>(request.cfg_parallel ? request.ranks / 2 : request.ranks);
}

}  // namespace

dit::Request with_choice(dit::Request request) {
    if (request.parallel == "all") request.parallel = "auto";
    return request;
}

void add_strategies(PlanReport& report, const parallel::Work& work, const dit::Request& request) {
    const parallel::Cluster cluster = parallel::find_cluster(request.cluster);
    const int ranks = ranks_of_sequence(request);
    const std::vector<parallel::Price> prices = parallel::price_all(work, cluster, ranks);
    const std::string chosen(request.parallel == "auto" ? parallel::cheapest(prices).name
                                                        : parallel::find_strategy(request.parallel).name);
    report.json["ranks"] = request.ranks;
    report.json["cluster"] = cluster.name;
    report.json["chosen"] = chosen;
    report.json["strategies"] = Json::array();
    for (const parallel::Price& price : prices) report.json["strategies"].push_back(price_json(price));
    report.text += fmt::format("{} ranks of {}\n", ranks, cluster.name) + table_text(prices, chosen);
}

PlanReport geometry_report(const std::string& name, const RunRequest& asked) {
    const dit::Geometry geometry = dit::find_geometry(name);
    RunRequest request = asked;
    request.generation = geometry.resolve(with_choice(asked.generation));
    const dit::Request& r = request.generation;
    check(!r.cfg_parallel || (r.guidance_scale > 1.0 && r.ranks % 2 == 0), ErrorCode::Usage,
          "cfg_parallel: expected guidance and an even number of ranks, came {} ranks", r.ranks);
    const broadcast::Plan plan = geometry.plan(r);
    PlanReport report;
    report.text = fmt::format("{}: {} x {}, {} frames, {} steps, cache {}\n", geometry.name, r.width, r.height,
                              r.num_frames, r.steps, r.cache) +
                  plan.to_text();
    report.json = {{"preset", geometry.name},
                   {"request", request.describe()},
                   {"plan", plan.to_json()},
                   {"skipped_share", plan.skipped_share()},
                   {"cache_peak_bytes", plan.peak_bytes()},
                   {"fits", true}};
    add_strategies(report, geometry.work(r, plan), r);
    return report;
}

}  // namespace kine::embed
