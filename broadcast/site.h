// Where in a model an output may be broadcast over steps: a kind of module, its block, and the guidance branch when the
// branches run one after the other (batched guidance is one branch). Branches can so never share a kept tensor.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kine::broadcast {

/// JointAttention is that of all tokens among themselves; PAB's rule for it, and its name, are the spatial ones. Cross
/// attention has a name for each kind of block where a model has it in both.
enum class SiteKind {
    SpatialAttention,
    TemporalAttention,
    CrossAttention,
    SpatialCrossAttention,
    TemporalCrossAttention,
    SpatialMlp,
    TemporalMlp,
    JointAttention
};

struct Site {
    SiteKind kind = SiteKind::SpatialAttention;
    int block = 0;
    int branch = 0;

    auto operator<=>(const Site&) const = default;
};

/// What one forward through a site costs, and what keeping its output costs.
struct SiteCost {
    Site site;
    double multiply_adds = 0;  ///< linear layers only, as the PAB paper counts (facts: QK^T and PV excluded)
    int64_t bytes = 0;         ///< of the kept output on this rank
};

std::string_view name_of(SiteKind kind);  ///< "spatial", "temporal", "cross", "cross_spatial", "mlp_temporal", ...
std::string to_string(const Site& site);  ///< "spatial.3", with branch "spatial.3/1"
/// Runs of neighbours as "first-last", joined by "+": "0-4+7".
std::string block_list(const std::vector<int>& blocks);

}  // namespace kine::broadcast
