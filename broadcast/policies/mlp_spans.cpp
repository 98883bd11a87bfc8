#include "broadcast/policies/mlp_spans.h"

#include "runtime/error.h"

#include <algorithm>
#include <set>

namespace kine::broadcast {

namespace {

using Timesteps = std::vector<int64_t>;  // keys are integers, so fractions are cut off

/// A rule whose key the schedule holds. Membership goes by timestep, not by step, as published.
struct Span {
    const MlpRule* rule;
    Timesteps timesteps;

    bool holds(int64_t t) const { return std::find(timesteps.begin(), timesteps.end(), t) != timesteps.end(); }
};

bool lists(const MlpRule& rule, int block) {
    return std::find(rule.blocks.begin(), rule.blocks.end(), block) != rule.blocks.end();
}

void check_uninterrupted(std::string_view option, const MlpRule& rule, const Schedule& schedule, std::ptrdiff_t key) {
    for (const int restart : schedule.restarts) {
        check(restart <= key || key + rule.skip < restart, ErrorCode::Usage,
              "{}: key {} of block {} skips {} steps, but other weights take over {} steps after it", option,
              rule.timestep, rule.blocks.empty() ? 0 : rule.blocks.front(), rule.skip, restart - key);
    }
}

std::vector<Span> present_spans(std::string_view option, const std::vector<MlpRule>& rules, const Schedule& schedule) {
    const Timesteps timesteps(schedule.timesteps.begin(), schedule.timesteps.end());
    std::vector<Span> spans;
    for (const MlpRule& rule : rules) {
        const auto key = std::find(timesteps.begin(), timesteps.end(), rule.timestep);
        if (key == timesteps.end()) continue;
        const int64_t left = timesteps.end() - key - 1;
        check(rule.skip <= left, ErrorCode::Usage,
              "{}: key {} of block {} skips {} steps, but the schedule has only {} after it", option, rule.timestep,
              rule.blocks.empty() ? 0 : rule.blocks.front(), rule.skip, left);
        check_uninterrupted(option, rule, schedule, key - timesteps.begin());
        spans.push_back({&rule, Timesteps(key, key + rule.skip + 1)});
    }
    return spans;
}

/// One block's walk through the schedule.
class Walk {
  public:
    Walk(std::string_view option, const std::vector<Span>& spans, int block)
        : option_(option), spans_(spans), block_(block) {}

    int source(int64_t t, int step) {
        if (is_stored_at(t)) {
            stored_[t] = step;
            return step;
        }
        const auto first = std::find_if(spans_.begin(), spans_.end(), [&](const Span& span) { return span.holds(t); });
        if (first == spans_.end() || !lists(*first->rule, block_)) return step;
        return reuse(*first, t, step);
    }

  private:
    bool is_stored_at(int64_t t) const {
        const auto is_key = [&](const Span& span) { return span.rule->timestep == t && lists(*span.rule, block_); };
        return std::any_of(spans_.begin(), spans_.end(), is_key);
    }

    int reuse(const Span& span, int64_t t, int step) {
        const auto stored = stored_.find(span.rule->timestep);
        check(stored != stored_.end(), ErrorCode::Usage,
              "{}: step {} (timestep {}) reuses key {} of block {}, whose output is already freed", option_, step, t,
              span.rule->timestep, block_);
        const int served_by = stored->second;
        if (t == span.timesteps.back()) stored_.erase(stored);
        return served_by;
    }

    std::string_view option_;
    const std::vector<Span>& spans_;
    int block_;
    std::map<int64_t, int> stored_;  // key to the step that stored it
};

}  // namespace

std::map<int, std::vector<int>> mlp_sources(std::string_view option, const std::vector<MlpRule>& rules,
                                            const Schedule& schedule) {
    const Timesteps timesteps(schedule.timesteps.begin(), schedule.timesteps.end());
    const std::vector<Span> spans = present_spans(option, rules, schedule);
    std::set<int> blocks;
    for (const Span& span : spans) blocks.insert(span.rule->blocks.begin(), span.rule->blocks.end());
    std::map<int, std::vector<int>> sources;
    for (const int block : blocks) {
        Walk walk(option, spans, block);
        for (const int64_t t : timesteps) {
            std::vector<int>& row = sources[block];
            row.push_back(walk.source(t, static_cast<int>(row.size())));
        }
    }
    return sources;
}

std::vector<int64_t> absent_keys(const std::vector<MlpRule>& rules, const Schedule& schedule) {
    const Timesteps timesteps(schedule.timesteps.begin(), schedule.timesteps.end());
    std::vector<int64_t> keys;
    for (const MlpRule& rule : rules) {
        if (std::find(timesteps.begin(), timesteps.end(), rule.timestep) == timesteps.end())
            keys.push_back(rule.timestep);
    }
    return keys;
}

}  // namespace kine::broadcast
