#include "broadcast/site.h"

#include "runtime/error.h"

#include <fmt/format.h>

namespace kine::broadcast {

std::string_view name_of(SiteKind kind) {
    switch (kind) {
        case SiteKind::SpatialAttention:
        case SiteKind::JointAttention:
            return "spatial";
        case SiteKind::TemporalAttention:
            return "temporal";
        case SiteKind::CrossAttention:
            return "cross";
        case SiteKind::SpatialCrossAttention:
            return "cross_spatial";
        case SiteKind::TemporalCrossAttention:
            return "cross_temporal";
        case SiteKind::SpatialMlp:
            return "mlp_spatial";
        case SiteKind::TemporalMlp:
            return "mlp_temporal";
    }
    fail(ErrorCode::Bug, "site kind {} is none of ours", static_cast<int>(kind));
}

std::string to_string(const Site& site) {
    const std::string place = fmt::format("{}.{}", name_of(site.kind), site.block);
    return site.branch == 0 ? place : fmt::format("{}/{}", place, site.branch);
}

std::string block_list(const std::vector<int>& blocks) {
    std::string text;
    for (size_t first = 0; first < blocks.size();) {
        size_t last = first;
        while (last + 1 < blocks.size() && blocks[last + 1] == blocks[last] + 1) ++last;
        text += text.empty() ? "" : "+";
        text += first == last ? fmt::to_string(blocks[first]) : fmt::format("{}-{}", blocks[first], blocks[last]);
        first = last + 1;
    }
    return text;
}

}  // namespace kine::broadcast
