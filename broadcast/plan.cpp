#include "broadcast/plan.h"

#include "runtime/error.h"

#include <algorithm>
#include <numeric>

namespace kine::broadcast {

namespace {

std::vector<int> every_source(const Policy& policy, const Site& site, int steps) {
    std::vector<int> sources;
    for (int step = 0; step < steps; ++step) {
        const int source = policy.source(site, step);
        check(0 <= source && source <= step, ErrorCode::Bug, "policy serves step {} of {} from step {}", step,
              to_string(site), source);
        check(source == step || sources[static_cast<size_t>(source)] == source, ErrorCode::Bug,
              "policy serves step {} of {} from step {}, which itself reuses", step, to_string(site), source);
        sources.push_back(source);
    }
    return sources;
}

}  // namespace

Plan::Row::Row(std::vector<int> sources) : source(std::move(sources)), last_use(source.size()) {
    std::iota(last_use.begin(), last_use.end(), 0);
    for (size_t step = 0; step < source.size(); ++step) {
        last_use[static_cast<size_t>(source[step])] = static_cast<int>(step);
    }
}

int Plan::Row::reuses() const {
    int count = 0;
    for (size_t step = 0; step < source.size(); ++step) count += source[step] != static_cast<int>(step);
    return count;
}

Plan::Plan(const Policy& policy, const Schedule& schedule, std::vector<SiteCost> sites, double other_multiply_adds,
           int64_t budget_bytes)
    : schedule_(schedule),
      sites_(std::move(sites)),
      other_multiply_adds_(other_multiply_adds),
      budget_bytes_(budget_bytes),
      keep_(policy.keep()),
      notes_(policy.notes()) {
    check(budget_bytes >= 0, ErrorCode::Usage, "cache budget: expected 0 or more bytes, came {}", budget_bytes);
    for (const SiteCost& cost : sites_) {
        const bool is_new = rows_.emplace(cost.site, Row(every_source(policy, cost.site, steps()))).second;
        check(is_new, ErrorCode::Bug, "site {} is listed twice", to_string(cost.site));
    }
    if (budget_bytes_ == 0) return;
    for (Peak peak = find_peak(); peak.bytes > budget_bytes_; peak = find_peak()) demote(cheapest(peak.holders));
}

void Plan::check_step(int step) const {
    check(0 <= step && step < steps(), ErrorCode::Bug, "step {} of a plan of {} steps", step, steps());
}

int Plan::source(const Site& site, int step) const {
    check_step(step);
    const auto row = rows_.find(site);
    return row == rows_.end() ? step : row->second.source[static_cast<size_t>(step)];
}

int Plan::last_use(const Site& site, int step) const {
    check_step(step);
    const auto row = rows_.find(site);
    return row == rows_.end() ? step : row->second.last_use[static_cast<size_t>(step)];
}

std::vector<int> Plan::reused_steps(const Site& site) const {
    std::vector<int> reused;
    for (int step = 0; step < steps(); ++step) {
        if (reuses(site, step)) reused.push_back(step);
    }
    return reused;
}

int Plan::first_like(int step) const {
    check_step(step);
    const auto is_like = [&](int other) {
        const auto agrees = [&](const auto& row) { return reuses(row.first, other) == reuses(row.first, step); };
        return std::ranges::all_of(rows_, agrees);
    };
    int first = 0;
    while (first < step && !is_like(first)) ++first;
    return first;
}

bool Plan::keeps_one_at_a_time() const {
    const auto is_latest = [](const Row& row) {
        int latest = 0;
        for (size_t step = 0; step < row.source.size(); ++step) {
            if (row.source[step] == static_cast<int>(step)) latest = row.source[step];
            if (row.source[step] != latest) return false;
        }
        return true;
    };
    return std::ranges::all_of(rows_, [&](const auto& row) { return is_latest(row.second); });
}

double Plan::full_multiply_adds() const {
    double per_step = other_multiply_adds_;
    for (const SiteCost& cost : sites_) per_step += cost.multiply_adds;
    return per_step * steps();
}

double Plan::multiply_adds() const {
    double skipped = 0;
    for (const SiteCost& cost : sites_) skipped += cost.multiply_adds * rows_.at(cost.site).reuses();
    return full_multiply_adds() - skipped;
}

double Plan::skipped_share() const {
    const double full = full_multiply_adds();
    return full > 0 ? 1 - multiply_adds() / full : 0;
}

int64_t Plan::peak_bytes() const { return find_peak().bytes; }

}  // namespace kine::broadcast
