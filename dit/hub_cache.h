// Models in the cache of the Hugging Face libraries, found without a network: HUB/models--ORG--NAME/snapshots/COMMIT.
#pragma once

#include <filesystem>
#include <string>

namespace kine::dit {

/// ORG/NAME, perhaps with @REVISION, as the newest or the named snapshot in the cache. BadInput if it is not there.
std::filesystem::path cached_snapshot(const std::string& name, const std::filesystem::path& hub_cache);
/// Whether a place that does not exist reads like ORG/NAME.
bool is_hub_name(const std::string& place);

}  // namespace kine::dit
