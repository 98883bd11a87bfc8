#include "apps/embed/rank_report.h"

#include "dit/rank_plan.h"
#include "runtime/io/json.h"

#include <algorithm>

namespace kine::embed {

namespace {

double gigabytes(double bytes) { return bytes / 1e9; }

Json price_json(const parallel::Price& price) {
    return {{"name", price.name},
            {"summary", price.summary},
            {"cfg_parallel", price.branches == 2},
            {"group_size", price.group},
            {"fits", price.fits},
            {"bytes_total", price.bytes_total},
            {"bytes_formula", price.bytes_formula},
            {"compute_s", price.compute_seconds},
            {"time_s", price.time_seconds},
            {"memory_bytes_per_rank", price.memory_bytes_per_rank}};
}

bool is_choice(const parallel::Price& price, const dit::Request& chosen) {
    const bool has_group = chosen.group_size == 0 || price.group == 0 || price.group == chosen.group_size;
    return price.name == chosen.parallel && (price.branches == 2) == chosen.cfg_parallel && has_group;
}

std::string remark_on(const parallel::Price& price) {
    std::string remark = price.group > 0 ? fmt::format("  (groups of {})", price.group) : "";
    if (price.branches == 2) remark += "  (branches apart)";
    return remark + (price.fits ? "" : "  (does not fit)");
}

std::string table_text(std::span<const parallel::Price> prices, const dit::Request& chosen) {
    std::string text = fmt::format("  {:<22} {:>12} {:>12} {:>12} {:>12}\n", "strategy", "time s", "GB, all",
                                   "GB, formula", "GB a rank");
    for (const parallel::Price& price : prices) {
        text += fmt::format("{} {:<22} {:>12.4g} {:>12.2f} {:>12.2f} {:>12.2f}{}\n",
                            is_choice(price, chosen) ? "*" : " ", price.name, price.time_seconds,
                            gigabytes(static_cast<double>(price.bytes_total)), gigabytes(price.bytes_formula),
                            gigabytes(static_cast<double>(price.memory_bytes_per_rank)), remark_on(price));
    }
    return text;
}

/// By the denoising alone, and as if groups did not share a network.
double videos_per_hour(std::span<const parallel::Price> prices, const dit::Request& chosen, int64_t groups) {
    const auto choice = std::ranges::find_if(prices, [&](const auto& price) { return is_choice(price, chosen); });
    constexpr double kHour = 3600;
    return choice == prices.end() ? 0 : static_cast<double>(groups) * kHour / choice->time_seconds;
}

std::string ranks_text(const std::string& cluster, int64_t ranks, int64_t groups, double per_hour) {
    if (groups == 1) return fmt::format("{} ranks of {}\n", ranks, cluster);
    return fmt::format("{} ranks of {}, {} groups of {}, each makes its own videos: {:.4g} an hour, decoding aside\n",
                       ranks * groups, cluster, groups, ranks, per_hour);
}

}  // namespace

dit::Request with_choice(dit::Request request) {
    if (request.parallel == "all") request.parallel = "auto";
    return request;
}

void add_strategies(PlanReport& report, const parallel::Work& all_branches, const dit::Request& request,
                    int64_t groups) {
    const std::vector<parallel::Price> prices = dit::rank_options(request, all_branches);
    dit::Request chosen = request;
    dit::choose_ranks(chosen, all_branches);
    const std::string cluster = parallel::find_cluster(request.cluster).name;
    const double per_hour = videos_per_hour(prices, chosen, groups);
    report.json["ranks"] = request.ranks;
    report.json["request_parallel"] = groups;
    report.json["videos_per_hour"] = per_hour;
    report.json["cluster"] = cluster;
    report.json["chosen"] = chosen.parallel;
    report.json["cfg_parallel"] = chosen.cfg_parallel;
    report.json["strategies"] = Json::array();
    for (const parallel::Price& price : prices) report.json["strategies"].push_back(price_json(price));
    report.text += ranks_text(cluster, request.ranks, groups, per_hour) + table_text(prices, chosen);
}

}  // namespace kine::embed
