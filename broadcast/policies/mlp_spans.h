// The MLP rule of VideoSys, replayed step by step for one block: which step's output serves each step.
//   t equal to a key that lists the block: compute, and store under that key.
//   else the first key of the map that the schedule holds and whose span (the key's step and the `skip` next ones)
//   holds t decides: reuse what is stored under it if it lists the block, else compute and store nothing.
// Surprising: spans may overlap, so an earlier key's output can serve after a later key's was stored; and the stored
// output is dropped at its span's last step, so a schedule with repeated timesteps can ask for one that is gone.
#pragma once

#include "broadcast/policies/pab.h"

#include <map>

namespace kine::broadcast {

/// The source of every step, for each block that some rule lists. `option` names the map in messages. Throws
/// ErrorCode::Usage, naming key and block, where a span passes the schedule's end or an output is gone before its use.
std::map<int, std::vector<int>> mlp_sources(std::string_view option, const std::vector<MlpRule>& rules,
                                            const Schedule& schedule);

/// The keys that the schedule does not hold, which skip nothing.
std::vector<int64_t> absent_keys(const std::vector<MlpRule>& rules, const Schedule& schedule);

}  // namespace kine::broadcast
