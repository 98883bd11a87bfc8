// What a model directory holds, without running it.
#pragma once

#include "runtime/context.h"
#include "runtime/io/json.h"

#include <filesystem>

namespace kine::dit {

/// {"family", "class", "components": [{"name", "class", "parameters", "bytes", "dtypes": {..}, "tensors"}],
///  "problems": [..], "unused": [..], "defaults": {..}}. A directory that cannot be read at all throws BadInput; an
/// unknown family Unsupported.
Json inspect_model(Context& context, const std::filesystem::path& directory);

}  // namespace kine::dit
