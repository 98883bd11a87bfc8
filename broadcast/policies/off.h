// The policy that never reuses: every site computes at every step.
#pragma once

#include "broadcast/policy.h"

#include <memory>

namespace kine::broadcast {

std::unique_ptr<Policy> make_off();

}  // namespace kine::broadcast
