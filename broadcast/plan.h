// The whole site x step table of a run, made before its first step: printed by `kinescope plan`, priced in
// multiply-adds and bytes, obeyed by the cache. A budget demotes sites from reuse to compute here, never during the
// run.
#pragma once

#include "broadcast/policy.h"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace kine::broadcast {

/// Immutable once made.
class Plan {
  public:
    /// `sites` in the order of the model's forward pass. `other_multiply_adds`: per step, outside all sites.
    /// `budget_bytes`: most bytes that the cache may hold at once, 0 for no limit.
    Plan(const Policy& policy, const Schedule& schedule, std::vector<SiteCost> sites, double other_multiply_adds = 0,
         int64_t budget_bytes = 0);

    int steps() const { return static_cast<int>(schedule_.timesteps.size()); }
    const std::vector<SiteCost>& sites() const { return sites_; }
    Keep keep() const { return keep_; }

    /// The step whose output serves `step` at `site`; a site that the plan does not know always computes.
    int source(const Site& site, int step) const;
    bool reuses(const Site& site, int step) const { return source(site, step) != step; }
    /// The last step that uses what `step` computes; `step` itself if nobody does, and then it need not be kept.
    int last_use(const Site& site, int step) const;
    std::vector<int> reused_steps(const Site& site) const;
    bool is_kept(const Site& site) const { return !reused_steps(site).empty(); }  ///< at any step
    /// The first step that computes and reuses at the same sites as `step`.
    int first_like(int step) const;
    /// Of no site is an output used after the next was computed.
    bool keeps_one_at_a_time() const;

    double multiply_adds() const;       ///< of the run's linear layers under this plan, as PAB's tables count them
    double full_multiply_adds() const;  ///< of the same run without reuse
    double skipped_share() const;       ///< 1 - the ratio of the two
    int64_t peak_bytes() const;         ///< most bytes held at once: what Cache::peak_bytes() will say
    int64_t budget_bytes() const { return budget_bytes_; }
    /// The sites that compute always, against the policy, to fit the budget; in the order in which they gave way.
    const std::vector<Site>& demoted() const { return demoted_; }
    /// What the policy could not do on this schedule.
    const std::vector<std::string>& notes() const { return notes_; }

    /// A table for people: one row for each group of sites with equal rows, '#' computes, '.' reuses; then the sums.
    std::string to_text() const;
    nlohmann::json to_json() const;

  private:
    /// One site's fate at every step.
    struct Row {
        std::vector<int> source;
        std::vector<int> last_use;

        explicit Row(std::vector<int> sources);
        int reuses() const;
        bool is_kept(int step) const { return last_use[static_cast<size_t>(step)] > step; }
    };
    /// The fullest moment of the run and the sites that hold something then.
    struct Peak {
        int64_t bytes = 0;
        std::vector<size_t> holders;  // indices into sites_, rising
    };

    void check_step(int step) const;
    Peak find_peak() const;
    size_t cheapest(const std::vector<size_t>& holders) const;
    double loss_per_byte(size_t index) const;
    void demote(size_t index);

    Schedule schedule_;
    std::vector<SiteCost> sites_;
    std::map<Site, Row> rows_;
    std::vector<Site> demoted_;
    double other_multiply_adds_ = 0;
    int64_t budget_bytes_ = 0;
    Keep keep_ = Keep::Ungated;
    std::vector<std::string> notes_;
};

}  // namespace kine::broadcast
