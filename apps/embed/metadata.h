// What a video says about itself: one line for people, one JSON object for programs.
#pragma once

#include "apps/embed/session.h"

#include <map>
#include <string>

namespace kine::embed {

/// "comment" (prompt, steps, seed, size, model hash) and "kinescope" (every setting, the plan's sums, the version).
std::map<std::string, std::string> video_metadata(Session& session, const RunRequest& resolved);

}  // namespace kine::embed
