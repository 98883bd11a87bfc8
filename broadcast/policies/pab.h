// Pyramid Attention Broadcast (Zhao et al., arXiv 2408.12588): a static schedule without any similarity test.
// Attention sites: step i reuses iff i % range != 0 and low < t < high, both strict; every computed output is
// refreshed, outside the window too, so the first step inside may already reuse. MLP sites (VideoSys): an output is
// stored at exact timesteps and reused for the next `skip` steps. Those timesteps fit one schedule only, so there is a
// range for MLPs as well, which is ours: every block by the rule of attention.
#pragma once

#include "broadcast/policy.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kine::broadcast {

struct PabRule {
    int range = 1;  ///< compute every range-th step; 1 never reuses
    int64_t low = 100;
    int64_t high = 800;

    bool operator==(const PabRule&) const = default;
};

/// Store the MLP output of `blocks` at `timestep`, reuse it at the `skip` following steps.
struct MlpRule {
    int64_t timestep = 0;
    std::vector<int> blocks;
    int skip = 0;

    bool operator==(const MlpRule&) const = default;
};

struct PabOptions {
    PabRule spatial{2, 100, 800};
    PabRule temporal{3, 100, 800};
    PabRule cross{6, 100, 800};
    std::vector<MlpRule> mlp_spatial;  ///< in the order of the published map: the first span that holds t decides
    std::vector<MlpRule> mlp_temporal;
    PabRule mlp{1, 100, 800};  ///< of all blocks instead of the rules above, if its range is more than 1
    Keep keep = Keep::Ungated;
    // The text form is in pab_options.h.

    bool operator==(const PabOptions&) const = default;
};

/// `options` in the form "spatial_range=2,temporal_range=3,cross_range=6,spatial_window=100:800,...,window=100:800 (all
/// three),mlp=on|off,mlp_spatial=...,mlp_temporal=...,mlp_range=1,mlp_window=100:800,keep=gated|ungated" over
/// `defaults`. Throws ErrorCode::Usage.
PabOptions parse_pab_options(const PabOptions& defaults, std::string_view options);
/// Throws ErrorCode::Usage for settings out of range, and for MLP spans that the schedule cannot serve.
std::unique_ptr<Policy> make_pab(const PabOptions& options, const Schedule& schedule);

}  // namespace kine::broadcast
