#include "parallel/strategies/strategies.h"

#include "parallel/strategies/dsp.h"
#include "parallel/strategies/gather_keys.h"
#include "parallel/strategies/megatron.h"
#include "parallel/strategies/none.h"
#include "parallel/strategies/ring.h"
#include "parallel/strategies/token_ring.h"
#include "parallel/strategies/ulysses.h"
#include "parallel/strategies/usp.h"
#include "runtime/registry.h"

namespace kine::parallel {

namespace {

constexpr Strategy kStrategies[] = {
    kNone,
    kDspFrames,
    kDspPatches,
    kUlyssesFrames,
    kUlyssesPatches,
    kGatherKeysFrames,
    kGatherKeysPatches,
    kRingFrames,
    kRingPatches,
    kBothWaysRingFrames,
    kBothWaysRingPatches,
    kTokenRingFrames,
    kTokenRingPatches,
    kDoubleRingFrames,
    kDoubleRingPatches,
    kUspFrames,
    kUspPatches,
    kMegatronFrames,
    kMegatronPatches,
};

struct Alias {
    std::string_view name;
    std::string_view meaning;
};
constexpr Alias kAliases[] = {{"dsp", "dsp_patches"},
                              {"ulysses", "ulysses_patches"},
                              {"gather_keys", "gather_keys_patches"},
                              {"allgather", "gather_keys_patches"},
                              {"ring", "ring_patches"},
                              {"both_ways_ring", "both_ways_ring_patches"},
                              {"token_ring", "token_ring_patches"},
                              {"double_ring", "double_ring_patches"},
                              {"usp", "usp_patches"},
                              {"megatron", "megatron_patches"}};

std::string_view meaning_of(std::string_view name) {
    for (const Alias& alias : kAliases) {
        if (alias.name == name) return alias.meaning;
    }
    return name;
}

}  // namespace

std::span<const Strategy> strategies() { return kStrategies; }

const Strategy& find_strategy(std::string_view name) {
    check(name != "all" && name != "auto", ErrorCode::Usage,
          "strategy '{}': expected the name of one; all is for plans, auto for runs and plans", name);
    return find_entry(strategies(), "strategy", meaning_of(name));
}

}  // namespace kine::parallel
