// Everything that can be chosen by name, as JSON: the same tables that the library looks names up in.
#pragma once

#include "runtime/io/json_fwd.h"

#include <string_view>

namespace kine::embed {

/// "families", "policies", "strategies", "samplers", "codecs", "devices", "options" or "build". Throws
/// ErrorCode::Usage.
Json list_table(std::string_view table);

}  // namespace kine::embed
