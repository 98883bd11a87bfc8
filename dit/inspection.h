// What a model directory holds, without running it.
#pragma once

#include "dit/families/model_source.h"
#include "runtime/context.h"
#include "runtime/io/json_fwd.h"

namespace kine::dit {

/// {"family", "class", "dialect", "components": [{"name", "class", "parameters", "bytes", "dtypes": {..}, "tensors"}],
///  "problems": [..], "unused": [..], "defaults": {..}}. A directory that cannot be read at all throws BadInput; an
/// unknown family Unsupported.
Json inspect_model(Context& context, const ModelSource& source);

}  // namespace kine::dit
