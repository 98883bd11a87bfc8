// Files that a run writes beside its outputs, whole and at its end: latents, a trace.
#pragma once

#include <string>
#include <string_view>

namespace kine::embed {

/// Before the run: whether `path` could be written as the option `name` asks. They are renamed into place, so anything
/// but a regular file would be lost. Throws ErrorCode::Output; an empty path asks for nothing.
void check_side_file(std::string_view name, const std::string& path, bool overwrite);

}  // namespace kine::embed
