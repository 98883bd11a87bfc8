#include "runtime/device/device.h"

#include "runtime/error.h"

#include <algorithm>
#include <charconv>

namespace kine {

Device parse_device(std::string_view text) {
    if (text == "cpu") return {};
    constexpr std::string_view kCuda = "cuda";
    check(text.substr(0, kCuda.size()) == kCuda, ErrorCode::Usage, "device: expected cpu or cuda[:index], got '{}'",
          text);
    std::string_view rest = text.substr(kCuda.size());
    Device device{DeviceKind::Cuda, 0};
    if (rest.empty()) return device;
    const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), device.index);
    check(rest[0] == ':' && error == std::errc() && end == rest.data() + rest.size() && device.index >= 0,
          ErrorCode::Usage, "device: expected cuda:INDEX, got '{}'", text);
    return device;
}

std::vector<Device> parse_devices(std::string_view text) {
    std::vector<Device> devices;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(',', begin), text.size());
        const std::string item(text.substr(begin, end - begin));
        const bool is_number = !devices.empty() && !item.empty() && '0' <= item[0] && item[0] <= '9';
        const Device device = parse_device(is_number ? "cuda:" + item : item);
        check(devices.empty() || (device.kind == DeviceKind::Cuda && devices[0].kind == DeviceKind::Cuda),
              ErrorCode::Usage, "device: expected one device or several GPUs, e.g. cuda:0,1, got '{}'", text);
        check(std::find(devices.begin(), devices.end(), device) == devices.end(), ErrorCode::Usage,
              "device: {} is named twice in '{}'", to_string(device), text);
        devices.push_back(device);
        begin = end + 1;
    }
    return devices;
}

std::string to_string(Device device) {
    return device.kind == DeviceKind::Cpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

}  // namespace kine
