// A reuse policy is a pure function of site and step, so every rank decides alike without talking, and the whole run
// can be printed and priced before it starts.
#pragma once

#include "broadcast/site.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kine::broadcast {

/// What lies inside the cache: the module's bare output, with the gate fresh at every step (diffusers), or the gated
/// one, with the gate of the step that computed it (VideoSys).
enum class Keep { Ungated, Gated };

std::string_view name_of(Keep keep);

/// Immutable.
class Policy {
  public:
    virtual ~Policy() = default;

    /// The step whose output serves `step`: `step` itself where the site computes, an earlier one where it reuses.
    virtual int source(const Site& site, int step) const = 0;
    virtual Keep keep() const = 0;
    /// What its settings ask for and this schedule cannot give, a sentence each.
    virtual std::vector<std::string> notes() const { return {}; }
};

/// What a policy knows of the run: the model timesteps in the order of the steps, on the scale 0..1000. A family passes
/// what its reference compares: VideoSys truncates to integers first, diffusers takes fractions as they are.
struct Schedule {
    std::vector<double> timesteps;
    /// Steps at which other weights take over: what was computed before them is of no use, and counting begins anew.
    std::vector<int> restarts = {};

    bool restarts_at(int step) const { return std::find(restarts.begin(), restarts.end(), step) != restarts.end(); }
};

}  // namespace kine::broadcast
