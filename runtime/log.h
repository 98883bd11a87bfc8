// Log lines go to whoever the session names; the library itself prints nothing.
#pragma once

#include <functional>
#include <string_view>

namespace kine {

enum class LogLevel { Debug, Info, Warning };

/// Called from any thread of the session, one call at a time per session. Empty: lines are dropped.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

}  // namespace kine
