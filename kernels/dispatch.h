// The only branch on device. Opens the profile zone of the op.
#pragma once

#include "runtime/context.h"
#include "runtime/device/cuda/commands.h"
#include "runtime/error.h"

#include <string_view>

namespace kine::kernels {

/// Runs `host` on the CPU; on a GPU `device`, which enqueues to the context's stream.
template <class Host, class OnDevice>
decltype(auto) on_device(const Context& context, std::string_view name, Host&& host, OnDevice&& device) {
    const ProfileZone zone(context.profiler, name);
    if (context.device.kind == DeviceKind::Cpu) return host();
    use_device(context.device);
    return device();
}

}  // namespace kine::kernels
