#include "parallel/strategies/strategies.h"

#include "parallel/strategies/dsp.h"
#include "parallel/strategies/none.h"
#include "runtime/registry.h"

namespace kine::parallel {

namespace {

constexpr Strategy kStrategies[] = {kNone, kDspFrames, kDspPatches};

}  // namespace

std::span<const Strategy> strategies() { return kStrategies; }

const Strategy& find_strategy(std::string_view name) { return find_entry(strategies(), "strategy", name); }

}  // namespace kine::parallel
