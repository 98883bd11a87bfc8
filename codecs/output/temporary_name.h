// The name under which a file grows until it is whole: `.NAME.part` beside the target.
#pragma once

#include <filesystem>
#include <string_view>

namespace kine::codecs {

/// `.NAME` + `suffix` in the target's folder; a name too long for the file system is cut and marked with its hash.
std::filesystem::path temporary_name(const std::filesystem::path& target, std::string_view suffix);

}  // namespace kine::codecs
