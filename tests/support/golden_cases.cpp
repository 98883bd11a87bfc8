#include "tests/support/golden_cases.h"
#include "tests/support/source_tree.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

namespace kine {

namespace fs = std::filesystem;

std::vector<fs::path> golden_cases() {
    std::vector<fs::path> roots = {source_tree() / "tests" / "golden"};
    if (const char* named = std::getenv("KINE_GOLDENS")) {
        std::stringstream list(named);
        for (std::string root; std::getline(list, root, ':');) roots.emplace_back(root);
    }
    std::vector<fs::path> cases;
    for (const fs::path& root : roots) {
        std::error_code missing;
        for (const fs::directory_entry& entry : fs::directory_iterator(root, missing)) {
            if (fs::exists(entry.path() / "case.json")) cases.push_back(entry.path());
        }
    }
    std::sort(cases.begin(), cases.end());
    return cases;
}

}  // namespace kine
