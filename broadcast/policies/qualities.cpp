#include "broadcast/policies/qualities.h"

#include "broadcast/policies/policies.h"

namespace kine::broadcast {

namespace {

// Attention at the published ranges with MLPs every second step was as close to no reuse as without those MLPs, so no
// row is attention alone.
constexpr QualityRow kQualities[] = {
    {"lossless", "nothing reused", "none", ""},
    {"high", "attention at the published ranges, MLPs every second step", "pab",
     "keep=ungated,spatial_range=2,temporal_range=3,cross_range=6,window=100:800,mlp_range=2,mlp_window=100:800"},
    {"balanced", "attention at the published ranges, MLPs every third step", "pab",
     "keep=ungated,spatial_range=2,temporal_range=3,cross_range=6,window=100:800,mlp_range=3,mlp_window=100:800"},
    {"fast", "attention at wider ranges, MLPs every fifth step", "pab",
     "keep=ungated,spatial_range=3,temporal_range=5,cross_range=7,window=100:800,mlp_range=5,mlp_window=100:800"},
};

}  // namespace

std::span<const QualityRow> qualities() { return kQualities; }

const QualityRow& find_quality(std::string_view name) { return find_entry(qualities(), "cache quality", name); }

PabOptions at_quality(const PabOptions& defaults, std::string_view quality) {
    if (quality.empty()) return defaults;
    return parse_pab_options(defaults, find_quality(quality).options);
}

std::string_view policy_for(std::string_view quality, std::string_view policy) {
    if (quality.empty()) return policy.empty() ? "none" : policy;
    const QualityRow& row = find_quality(quality);
    check(policy.empty() || find_policy(policy).name == row.policy, ErrorCode::Usage,
          "cache_quality: {} is policy {}, came with policy {}", quality, row.policy, policy);
    return row.policy;
}

}  // namespace kine::broadcast
