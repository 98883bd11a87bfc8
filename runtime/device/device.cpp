#include "runtime/device/device.h"

#include "runtime/error.h"

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

std::string to_string(Device device) {
    return device.kind == DeviceKind::Cpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

}  // namespace kine
