#include "broadcast/policies/pab.h"

#include "broadcast/policies/mlp_spans.h"
#include "broadcast/policies/pab_options.h"
#include "runtime/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace kine::broadcast {

namespace {

using Sources = std::vector<int>;

/// Step numbers count from the run's first step, or its latest restart, and never restart at the window's edge.
Sources range_sources(const PabRule& rule, const Schedule& schedule) {
    Sources sources;
    int last_computed = 0;
    int first = 0;
    const auto low = static_cast<double>(rule.low);
    const auto high = static_cast<double>(rule.high);
    for (const double t : schedule.timesteps) {
        const int step = static_cast<int>(sources.size());
        if (schedule.restarts_at(step)) first = step;
        const bool reuses = (step - first) % rule.range != 0 && low < t && t < high;
        if (!reuses) last_computed = step;
        sources.push_back(last_computed);
    }
    return sources;
}

class Pab final : public Policy {
  public:
    Pab(const PabOptions& options, const Schedule& schedule)
        : spatial_(range_sources(options.spatial, schedule)),
          temporal_(range_sources(options.temporal, schedule)),
          cross_(range_sources(options.cross, schedule)),
          mlp_spatial_(mlp_sources("mlp_spatial", options.mlp_spatial, schedule)),
          mlp_temporal_(mlp_sources("mlp_temporal", options.mlp_temporal, schedule)),
          mlp_(options.mlp.range > 1 ? range_sources(options.mlp, schedule) : Sources{}),
          keep_(options.keep) {
        note_absent("mlp_spatial", options.mlp_spatial, schedule);
        note_absent("mlp_temporal", options.mlp_temporal, schedule);
    }

    int source(const Site& site, int step) const override {
        const int steps = static_cast<int>(spatial_.size());
        check(0 <= step && step < steps, ErrorCode::Bug, "pab: step {} of a schedule of {} steps", step, steps);
        const Sources* sources = sources_of(site);
        return sources ? (*sources)[static_cast<size_t>(step)] : step;
    }

    Keep keep() const override { return keep_; }
    std::vector<std::string> notes() const override { return notes_; }

  private:
    /// Nothing for a site that always computes.
    const Sources* sources_of(const Site& site) const {
        switch (site.kind) {
            case SiteKind::SpatialAttention:
            case SiteKind::JointAttention:
                return &spatial_;
            case SiteKind::TemporalAttention:
                return &temporal_;
            case SiteKind::CrossAttention:
            case SiteKind::SpatialCrossAttention:
            case SiteKind::TemporalCrossAttention:
                return &cross_;
            case SiteKind::SpatialMlp:
                return mlp_.empty() ? block_sources(mlp_spatial_, site.block) : &mlp_;
            case SiteKind::TemporalMlp:
                return mlp_.empty() ? block_sources(mlp_temporal_, site.block) : &mlp_;
        }
        return nullptr;
    }

    void note_absent(std::string_view option, const std::vector<MlpRule>& rules, const Schedule& schedule) {
        const std::vector<int64_t> keys = absent_keys(rules, schedule);
        if (keys.empty()) return;
        notes_.push_back(
            fmt::format("{}: no step has the timesteps {}, so nothing is reused there", option, fmt::join(keys, ", ")));
    }

    static const Sources* block_sources(const std::map<int, Sources>& blocks, int block) {
        const auto found = blocks.find(block);
        return found == blocks.end() ? nullptr : &found->second;
    }

    Sources spatial_;
    Sources temporal_;
    Sources cross_;
    std::map<int, Sources> mlp_spatial_;  // by block
    std::map<int, Sources> mlp_temporal_;
    Sources mlp_;  // empty: by the rules
    Keep keep_;
    std::vector<std::string> notes_;
};

}  // namespace

std::unique_ptr<Policy> make_pab(const PabOptions& options, const Schedule& schedule) {
    check_pab_options(options);
    return std::make_unique<Pab>(options, schedule);
}

}  // namespace kine::broadcast
