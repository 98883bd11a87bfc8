#include "apps/embed/side_file.h"

#include "runtime/error.h"

#include <unistd.h>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace kine::embed {

namespace fs = std::filesystem;

void check_side_file(std::string_view name, const std::string& path, bool overwrite) {
    if (path.empty()) return;
    std::error_code ignored;
    const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
    check(fs::is_directory(folder, ignored), ErrorCode::Output, "{} '{}': no folder '{}'", name, path, folder.string());
    check(::access(folder.c_str(), W_OK) == 0, ErrorCode::Output, "{} '{}': cannot write into '{}': {}", name, path,
          folder.string(), std::generic_category().message(errno));
    if (!fs::exists(path, ignored)) return;
    check(fs::is_regular_file(path, ignored), ErrorCode::Output,
          "{} '{}': expected a file, it is a folder, a pipe or a device", name, path);
    check(overwrite, ErrorCode::Output, "{} '{}' exists, allow overwriting to replace it", name, path);
}

}  // namespace kine::embed
