// This machine as a cluster that plans take.
#pragma once

#include "apps/embed/session.h"

namespace kine::embed {

/// Measures and, where `path` is not empty, writes a file that `cluster` may name. Throws ErrorCode::Output before
/// measuring if the file could not be written.
Json calibration(Session& session, const std::string& path, bool overwrite);

}  // namespace kine::embed
