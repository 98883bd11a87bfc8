#include "runtime/device/gpus.h"

#include "runtime/config.h"
#include "runtime/device/cuda/probe.h"
#include "runtime/error.h"

namespace kine {

namespace {

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

}  // namespace

GpuFacts find_gpus() { return probe_gpus(); }

std::string why_none(const GpuFacts& facts) {
    if (facts.runtime_version == 0) return "this build has no CUDA";
    if (facts.driver_version == 0) return "no NVIDIA driver is installed";
    // Drivers of one major version run what was built with any toolkit of it.
    if (facts.driver_version / 1000 < facts.runtime_version / 1000)
        return fmt::format("the NVIDIA driver is too old: it knows CUDA {}, expected {}.0 or later",
                           version_text(facts.driver_version), facts.runtime_version / 1000);
    if (!facts.failure.empty()) return facts.failure;
    return facts.gpus.empty() ? "the NVIDIA driver shows no GPU" : "";
}

std::string why_unusable(const GpuFacts& facts, int index) {
    if (std::string reason = why_none(facts); !reason.empty()) return reason;
    if (index >= static_cast<int>(facts.gpus.size()))
        return fmt::format("there are {} GPUs, counted from 0", facts.gpus.size());
    const Gpu& gpu = facts.gpus[static_cast<size_t>(index)];
    if (gpu.major >= kLeastMajor) return "";
    return fmt::format("{} has compute capability {}.{}, expected {}.0 or later", gpu.name, gpu.major, gpu.minor,
                       kLeastMajor);
}

std::string describe(const Gpu& gpu) {
    return fmt::format("{}, compute capability {}.{}, {:.1f} GiB", gpu.name, gpu.major, gpu.minor,
                       static_cast<double>(gpu.bytes) / static_cast<double>(int64_t{1} << 30));
}

void check_usable(Device device, const GpuFacts& facts) {
    if (device.kind == DeviceKind::Cpu) return;
    const std::string reason = why_unusable(facts, device.index);
    check(reason.empty(), ErrorCode::Device, "device '{}': {}, use cpu", to_string(device), reason);
}

}  // namespace kine
