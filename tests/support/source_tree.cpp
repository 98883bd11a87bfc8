#include "tests/support/source_tree.h"

namespace kine {

std::filesystem::path source_tree() { return KINE_SOURCE_DIR; }

}  // namespace kine
