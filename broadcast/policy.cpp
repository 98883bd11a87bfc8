#include "broadcast/policy.h"

namespace kine::broadcast {

std::string_view name_of(Keep keep) { return keep == Keep::Gated ? "gated" : "ungated"; }

}  // namespace kine::broadcast
