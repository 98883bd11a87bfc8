// Models of no published size: what their files do not say is as in the published checkpoint that is most like them.
#pragma once

#include "dit/families/dialect.h"
#include "dit/presets.h"

#include <functional>

namespace kine::dit {

/// How far a configuration is from another: the logarithm of the ratio for numbers, 1 for any other value that differs.
double distance(const Json& one, const Json& other);

/// The preset whose transformer is nearest to what `configured` makes of it, with that configuration in its place; null
/// from `configured` passes a preset over. Nothing where all are.
std::optional<Preset> nearest_preset(const std::function<Json(const Preset&)>& configured);

/// For plans: the model of a transformer's configuration, which `where` names; whatever else it needs is as published.
/// `is_pair`: there are two such transformers. ErrorCode::Unsupported for a class that no preset has.
ModelSource source_of_config(const Json& config, const std::string& where, bool is_pair = false);

}  // namespace kine::dit
