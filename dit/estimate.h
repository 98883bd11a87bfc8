// What a run would hold at each stage, known before it starts.
#pragma once

#include "broadcast/plan.h"
#include "dit/families/family.h"
#include "dit/open_options.h"

namespace kine::dit {

/// What a stage holds at once.
struct StageEstimate {
    int64_t weight_bytes = 0;
    int64_t working_bytes = 0;    ///< tokens, kept outputs, frames: all that is not weights
    LayerWeights layers = {};     ///< of the weights
    int64_t offloaded_bytes = 0;  ///< of the layers, what waits in host memory

    int64_t resident_bytes() const {
        return weight_bytes - offloaded_bytes + (offloaded_bytes > 0 ? layers.window_bytes : 0);
    }
    /// Of the layers.
    double resident_share() const {
        if (offloaded_bytes == 0) return 1;
        return 1 - static_cast<double>(offloaded_bytes) / static_cast<double>(layers.bytes);
    }
};

/// In one memory: that of the host, or, of a run spread over GPUs, of the one that holds most.
struct Estimate {
    std::array<StageEstimate, kStages.size()> stages;  ///< in the order of kStages
    bool is_staged = false;                            ///< only the running stage's weights are in memory
    int64_t weight_bytes = 0;                          ///< of all stages
    int64_t activation_bytes = 0;                      ///< of the transformer, largest at once
    int64_t cache_bytes = 0;
    int64_t cache_window_bytes = 0;     ///< on a GPU, most of it that is there while all of it waits in host memory
    int64_t cache_offloaded_bytes = 0;  ///< of it, what waits there
    int64_t decode_bytes = 0;
    int64_t peak_bytes = 0;  ///< the largest sum at any stage, of all runs at once

    const StageEstimate& of(Stage stage) const { return stages[static_cast<size_t>(stage)]; }
    int64_t offloaded_bytes() const;  ///< of the weights of the stage with most of it
    double cache_host_share() const {
        return cache_bytes == 0 ? 0 : static_cast<double>(cache_offloaded_bytes) / static_cast<double>(cache_bytes);
    }
};

/// How the memory is used that a run works in.
struct MemoryUse {
    int64_t threads = 1;
    Quantization quantization = Quantization::None;
    bool is_spread = false;  ///< every rank has a memory of its own
    bool is_on_gpu = false;
};

/// Of a resolved request, but for what its budget decides: which weights are where, and so the peak.
Estimate estimate_run(const Model& model, const Request& request, const broadcast::Plan& plan, const MemoryUse& use);

/// Of the budgets of a context's devices; 0: none has one.
int64_t least_budget(const Context& context);

/// Decides for `runs` at once, each of which may be at any stage, which weights are where under a `budget` (0: none),
/// and counts the peak: all of them in memory, else the running stage's, else layers wait in host memory, and kept
/// outputs where that is not enough.
void place_weights(Estimate& estimate, Residency residency, int64_t budget, int64_t runs);

}  // namespace kine::dit
