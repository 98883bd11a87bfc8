// Published models, rules and schedules that several tests replay.
#pragma once

#include "broadcast/plan.h"
#include "broadcast/policies/pab.h"

namespace kine::broadcast {

/// DDIM, 50 steps: 980, 960, ..., 0.
inline Schedule latte_schedule() {
    Schedule schedule;
    for (int t = 980; t >= 0; t -= 20) schedule.timesteps.push_back(t);
    return schedule;
}

/// Open-Sora 1.2, 480p, 51 frames, 30 steps, rounded to bf16 as the reference does.
inline Schedule open_sora_schedule() {
    return {{1000, 992, 984, 976, 968, 960, 952, 940, 932, 920, 908, 892, 880, 864, 848,
             828,  808, 788, 764, 736, 708, 676, 636, 596, 548, 492, 426, 350, 258, 143}};
}

inline PabOptions latte_pab() {
    PabOptions options;
    for (const int64_t key : {720, 640, 560, 480, 400}) options.mlp_spatial.push_back({key, {0, 1, 2, 3, 4}, 2});
    options.mlp_temporal = options.mlp_spatial;
    options.keep = Keep::Gated;
    return options;
}

inline PabOptions open_sora_pab(int spatial = 2, int temporal = 4, int cross = 6) {
    PabOptions options;
    options.spatial = {spatial, 450, 930};
    options.temporal = {temporal, 450, 930};
    options.cross = {cross, 450, 930};
    for (const int64_t key : {676, 788, 864}) options.mlp_spatial.push_back({key, {0, 1, 2, 3, 4}, 2});
    options.mlp_temporal = options.mlp_spatial;
    options.keep = Keep::Gated;
    return options;
}

inline std::vector<int> reused_steps(const PabOptions& options, const Schedule& schedule, const Site& site) {
    return Plan(*make_pab(options, schedule), schedule, {{site, 1.0, 1}}).reused_steps(site);
}

}  // namespace kine::broadcast
