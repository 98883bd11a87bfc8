// Where memory lies and work runs. A value; asking for one never starts a driver.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kine {

enum class DeviceKind { Cpu, Cuda };

struct Device {
    DeviceKind kind = DeviceKind::Cpu;
    int index = 0;

    bool operator==(const Device&) const = default;
};

/// "cpu", "cuda", "cuda:1". Unknown text is a usage error; whether there is such a device, gpus.h knows.
Device parse_device(std::string_view text);
/// The same, or several GPUs: "cuda:0,1", "cuda:0,cuda:1". Usage error for one named twice.
std::vector<Device> parse_devices(std::string_view text);
std::string to_string(Device device);

}  // namespace kine
