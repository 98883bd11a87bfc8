// Which GPUs this machine has, and why one that is there, or is missed, cannot be used. Asking starts the driver where
// there is one, and is no error where there is none.
#pragma once

#include "runtime/device/device.h"

#include <cstdint>
#include <vector>

namespace kine {

struct Gpu {
    std::string name;
    int major = 0;  ///< compute capability
    int minor = 0;
    int64_t bytes = 0;
};

/// What the CUDA runtime says. Versions as it counts them: 13020 is 13.2; 0 is absent.
struct GpuFacts {
    int runtime_version = 0;  ///< 0: this build has no CUDA
    int driver_version = 0;
    std::string failure;  ///< of looking for GPUs, in CUDA's words; empty: none
    std::vector<Gpu> gpus;
};

/// The least compute capability that kernels are built for: Ampere.
inline constexpr int kLeastMajor = 8;

GpuFacts find_gpus();

/// Why no GPU can be used at all; empty where at least one might be.
std::string why_none(const GpuFacts& facts);
/// Why this one cannot; empty where it can.
std::string why_unusable(const GpuFacts& facts, int index);
/// "NVIDIA H200, compute capability 9.0, 139.8 GiB".
std::string describe(const Gpu& gpu);

/// ErrorCode::Device with the reason, unless `device` is the CPU or a GPU that can be used.
void check_usable(Device device, const GpuFacts& facts);

}  // namespace kine
