// Where golden cases lie: tests/golden, and every folder named in KINE_GOLDENS (colon-separated).
#pragma once

#include <filesystem>
#include <vector>

namespace kine {

/// Every folder with a case.json, sorted by path.
std::vector<std::filesystem::path> golden_cases();

}  // namespace kine
