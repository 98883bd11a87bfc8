#include "tests/apps/support/program.h"

namespace kine::apps {

std::filesystem::path program_path() { return KINE_PROGRAM; }

}  // namespace kine::apps
