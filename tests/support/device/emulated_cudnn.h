// How the cuDNN of emulated devices is to behave, and what it was asked.
#pragma once

#include <atomic>
#include <cstdint>

namespace kine {

struct EmulatedCudnn {
    std::atomic<bool> is_there = false;
    std::atomic<int64_t> version = 91900;
    std::atomic<int> capability = 9;
    std::atomic<bool> refuses_plans = false;
    std::atomic<bool> refuses_residuals = false;
    std::atomic<bool> fails_runs = false;

    std::atomic<int> handles = 0;  ///< that are open
    std::atomic<int> plans = 0;    ///< that were asked for, also in vain
    std::atomic<int> kept = 0;     ///< that were made and not dropped
    std::atomic<int> runs = 0;
};

/// Of this process. Plans that were made stay, as those of the real one do.
EmulatedCudnn& emulated_cudnn();

}  // namespace kine
