// What a run would hold at each stage, known before it starts.
#pragma once

#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "dit/open_options.h"

namespace kine::dit {

/// What a stage holds at once.
struct StageEstimate {
    int64_t weight_bytes = 0;
    int64_t working_bytes = 0;  ///< tokens, kept outputs, frames: all that is not weights
};

/// In one memory: that of the host, or, of a run spread over GPUs, of the one that holds most.
struct Estimate {
    std::array<StageEstimate, kStages.size()> stages;  ///< in the order of kStages
    bool is_staged = false;                            ///< only the running stage's weights are in memory
    int64_t weight_bytes = 0;                          ///< of all stages
    int64_t activation_bytes = 0;                      ///< of the transformer, largest at once
    int64_t cache_bytes = 0;
    int64_t decode_bytes = 0;
    int64_t peak_bytes = 0;  ///< the largest sum at any stage, of all runs at once
};

/// How the memory is used that a run works in.
struct MemoryUse {
    int64_t threads = 1;
    Quantization quantization = Quantization::None;
    bool is_spread = false;  ///< every rank has a memory of its own
};

/// Of a resolved request, but for what its budget decides: is_staged and peak_bytes.
Estimate estimate_run(const Model& model, const Request& request, const broadcast::Plan& plan, const MemoryUse& use);

/// Of the budgets of a context's devices; 0: none has one.
int64_t least_budget(const Context& context);

/// The most that `runs` at once hold, each of which may be at any stage.
int64_t peak_of(const Estimate& estimate, int64_t runs);

}  // namespace kine::dit
