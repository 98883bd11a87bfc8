// The plan as a table for people and as JSON for programs.
#include "broadcast/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace kine::broadcast {

namespace {

/// Sites of one kind and branch whose rows are equal.
struct Group {
    SiteKind kind;
    int branch;
    std::string row;
    std::vector<int> blocks;
};

std::string label(const Group& group) {
    std::vector<int> blocks = group.blocks;
    std::sort(blocks.begin(), blocks.end());
    const std::string sites = fmt::format("{}.{}", name_of(group.kind), block_list(blocks));
    return group.branch == 0 ? sites : fmt::format("{}/{}", sites, group.branch);
}

std::string row_of(const Plan& plan, const Site& site) {
    std::string row;
    for (int step = 0; step < plan.steps(); ++step) row += plan.reuses(site, step) ? '.' : '#';
    return row;
}

/// In the order in which the forward pass meets each group's first site.
std::vector<Group> groups_of(const Plan& plan) {
    std::vector<Group> groups;
    for (const SiteCost& cost : plan.sites()) {
        const Site& site = cost.site;
        const std::string row = row_of(plan, site);
        const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            return group.kind == site.kind && group.branch == site.branch && group.row == row;
        });
        Group& group = found == groups.end() ? groups.emplace_back(Group{site.kind, site.branch, row, {}}) : *found;
        group.blocks.push_back(site.block);
    }
    return groups;
}

/// Two lines: tens above ones, so that a column can be read off as a step.
std::string ruler(int steps, size_t indent) {
    std::string tens(indent, ' ');
    std::string ones(indent, ' ');
    for (int step = 0; step < steps; ++step) {
        tens += step % 10 == 0 ? static_cast<char>('0' + step / 10 % 10) : ' ';
        ones += static_cast<char>('0' + step % 10);
    }
    tens.erase(tens.find_last_not_of(' ') + 1);
    return fmt::format("{}\n{}\n", tens, ones);
}

std::string bytes_text(int64_t bytes) {
    const double amount = static_cast<double>(bytes);
    if (bytes >= int64_t{1} << 30) return fmt::format("{:.2f} GiB", amount / 0x1p30);
    if (bytes >= int64_t{1} << 20) return fmt::format("{:.2f} MiB", amount / 0x1p20);
    if (bytes >= int64_t{1} << 10) return fmt::format("{:.2f} KiB", amount / 0x1p10);
    return fmt::format("{} bytes", bytes);
}

std::vector<std::string> names_of(const std::vector<Site>& sites) {
    std::vector<std::string> names;
    for (const Site& site : sites) names.push_back(to_string(site));
    return names;
}

std::string sums(const Plan& plan) {
    std::string text = fmt::format("multiply-adds of linear layers: {:.4e} of {:.4e}, {:.1f} % skipped\n",
                                   plan.multiply_adds(), plan.full_multiply_adds(), 100 * plan.skipped_share());
    text += fmt::format("kept at once: at most {} ({} outputs)\n", bytes_text(plan.peak_bytes()), name_of(plan.keep()));
    if (plan.budget_bytes() > 0) text += fmt::format("budget: {}\n", bytes_text(plan.budget_bytes()));
    if (!plan.demoted().empty()) {
        text += fmt::format("computed always to fit the budget: {}\n", fmt::join(names_of(plan.demoted()), ", "));
    }
    for (const std::string& note : plan.notes()) text += fmt::format("note: {}\n", note);
    return text;
}

nlohmann::json site_json(const Plan& plan, const SiteCost& cost) {
    std::vector<int> sources;
    for (int step = 0; step < plan.steps(); ++step) sources.push_back(plan.source(cost.site, step));
    return {{"site", to_string(cost.site)},
            {"kind", name_of(cost.site.kind)},
            {"block", cost.site.block},
            {"branch", cost.site.branch},
            {"reused_steps", plan.reused_steps(cost.site)},
            {"sources", sources},
            {"multiply_adds", cost.multiply_adds},
            {"bytes", cost.bytes}};
}

}  // namespace

std::string Plan::to_text() const {
    const std::vector<Group> groups = groups_of(*this);
    size_t width = 0;
    for (const Group& group : groups) width = std::max(width, label(group).size());
    std::string text = fmt::format("{} steps, # computes, . reuses\n{}", steps(), ruler(steps(), width + 2));
    for (const Group& group : groups) {
        const auto reused = std::count(group.row.begin(), group.row.end(), '.');
        text += fmt::format("{:<{}}  {}  {} reused\n", label(group), width, group.row, reused);
    }
    return text + sums(*this);
}

nlohmann::json Plan::to_json() const {
    nlohmann::json sites = nlohmann::json::array();
    for (const SiteCost& cost : sites_) sites.push_back(site_json(*this, cost));
    return {{"steps", steps()},
            {"timesteps", schedule_.timesteps},
            {"keep", name_of(keep_)},
            {"sites", std::move(sites)},
            {"multiply_adds", multiply_adds()},
            {"full_multiply_adds", full_multiply_adds()},
            {"skipped_share", skipped_share()},
            {"peak_bytes", peak_bytes()},
            {"budget_bytes", budget_bytes_},
            {"demoted", names_of(demoted_)},
            {"notes", notes_}};
}

}  // namespace kine::broadcast
