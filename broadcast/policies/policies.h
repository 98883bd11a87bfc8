// The table of reuse policies.
#pragma once

#include "broadcast/policies/pab.h"
#include "broadcast/policies/pab_options.h"
#include "broadcast/policy.h"
#include "runtime/registry.h"

#include <memory>

namespace kine::broadcast {

/// `defaults` are the family's PAB settings; `options` is the user's "key=value,..." on top of them.
using MakePolicy = std::unique_ptr<Policy> (*)(const PabOptions& defaults, std::string_view options,
                                               const Schedule& schedule);
using DescribePolicy = std::vector<PolicyOption> (*)(const PabOptions& defaults);

struct PolicyRow {
    std::string_view name;
    std::string_view summary;
    MakePolicy make;
    DescribePolicy describe;
};

std::span<const PolicyRow> policies();
/// "off" is another name of "none". An unknown name is a usage error that lists the known ones.
const PolicyRow& find_policy(std::string_view name);
std::unique_ptr<Policy> make_policy(std::string_view name, const PabOptions& defaults, std::string_view options,
                                    const Schedule& schedule);

}  // namespace kine::broadcast
