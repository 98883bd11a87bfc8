// Settings of reuse by what they cost in quality: points on a curve that apps/bench/cache_quality measured on the demo
// model. Timesteps, not steps, bound them, so they suit schedules of any length; other models were not measured.
#pragma once

#include "broadcast/policies/pab.h"

#include <span>
#include <string_view>

namespace kine::broadcast {

struct QualityRow {
    std::string_view name;
    std::string_view summary;
    std::string_view policy;
    std::string_view options;  ///< of that policy, over the family's
};

/// From no loss to the most reuse.
std::span<const QualityRow> qualities();
/// An unknown name is a usage error that lists the known ones.
const QualityRow& find_quality(std::string_view name);
/// The family's settings as `quality` changes them; as they are where it is empty.
PabOptions at_quality(const PabOptions& defaults, std::string_view quality);
/// The policy that serves `quality`; `policy` itself where that is empty. Two that disagree are a usage error.
std::string_view policy_for(std::string_view quality, std::string_view policy);

}  // namespace kine::broadcast
