// Where the sources lie: tests read golden files, the demo model and the tree itself from there.
#pragma once

#include <filesystem>

namespace kine {

/// The folder that holds the top-level CMakeLists.txt.
std::filesystem::path source_tree();

}  // namespace kine
