// The table of reuse policies.
#pragma once

#include "broadcast/policies/pab.h"
#include "broadcast/policy.h"
#include "runtime/registry.h"

#include <memory>

namespace kine::broadcast {

/// `defaults` are the family's PAB settings; `options` is the user's "key=value,..." on top of them.
using MakePolicy = std::unique_ptr<Policy> (*)(const PabOptions& defaults, std::string_view options,
                                               const Schedule& schedule);

std::span<const Entry<MakePolicy>> policies();
std::unique_ptr<Policy> make_policy(std::string_view name, const PabOptions& defaults, std::string_view options,
                                    const Schedule& schedule);

}  // namespace kine::broadcast
