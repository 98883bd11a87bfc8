// The only branch on device. Opens the profile zone of the op.
#pragma once

#include "runtime/context.h"
#include "runtime/error.h"

#include <string_view>

namespace kine::kernels {

/// Runs `host` on the CPU. A device without an implementation of this op is an error that names both.
template <class Host>
decltype(auto) on_device(const Context& context, std::string_view name, Host&& host) {
    check(context.device.kind == DeviceKind::Cpu, ErrorCode::Device, "{}: no implementation on {}", name,
          to_string(context.device));
    const ProfileZone zone(context.profiler, name);
    return host();
}

}  // namespace kine::kernels
