// The name of JSON values, for headers that only pass them: the library's whole header costs seconds per file.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace kine {

using Json = nlohmann::json;

}  // namespace kine
