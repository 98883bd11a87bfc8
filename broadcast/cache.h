// The kept outputs of one run. Does what the plan says: computes, keeps while a later step will ask, hands back, frees.
#pragma once

#include "broadcast/host_shelf.h"
#include "broadcast/plan.h"
#include "runtime/tensor/tensor.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace kine::broadcast {

/// Where the outputs of a run's sites lie whose addresses may not change.
class KeptPlaces {
  public:
    virtual ~KeptPlaces() = default;
    /// `output`, or what it holds, in the place of its site. What was there before is not used any more.
    virtual Tensor keep(const Site& site, const Tensor& output) = 0;
};

/// One per run and rank; one thread at a time. The plan must outlive it.
class Cache {
  public:
    explicit Cache(const Plan& plan) : plan_(&plan) {}
    /// Of a GPU's outputs, `host_share` (0 to 1) of what a step keeps waits in host memory. The context must outlive it
    /// too.
    Cache(const Plan& plan, const Context& context, double host_share);
    /// Sites of which the plan keeps anything have one place each, where each step that computes leaves its output, so
    /// that steps which compute at the same sites do the same. The plan keeps one at a time (keeps_one_at_a_time).
    Cache(const Plan& plan, KeptPlaces& places);

    /// Another that holds the same and whose steps this one does not see. Only where nothing waits in host memory.
    Cache fork() const;

    /// The site's output at `step`: the kept one where the plan reuses, else compute()'s. Where the output is kept for
    /// later, the returned handle is not unique, so that nobody writes into it; at its last use it is given away. Reuse
    /// of an output that is not kept is ErrorCode::Bug.
    Tensor through(const Site& site, int step, const std::function<Tensor()>& compute);

    bool reuses(const Site& site, int step) const { return plan_->reuses(site, step); }
    Keep keep() const { return plan_->keep(); }
    int64_t bytes() const { return bytes_; }  ///< held now
    int64_t peak_bytes() const { return peak_bytes_; }
    /// What was done: for each site the steps that reused, for reports and tests.
    const std::map<Site, std::vector<int>>& reused() const { return reused_; }

  private:
    Tensor reuse(const Site& site, int step, int source);
    void keep_for_later(const Site& site, int step, const Tensor& output);
    void expect_next(const Site& site, int step);

    const Plan* plan_;
    KeptPlaces* places_ = nullptr;                 // null: where they were made
    std::set<Site> placed_;                        // whose outputs lie there
    std::unique_ptr<HostShelf> shelf_;             // null: all stays where it was made
    std::set<Site> shelved_;                       // whose outputs wait there
    std::map<std::pair<Site, int>, Tensor> kept_;  // by site and the step that computed it; imagined where shelved
    std::map<Site, std::vector<int>> reused_;
    int64_t bytes_ = 0;
    int64_t peak_bytes_ = 0;
};

}  // namespace kine::broadcast
