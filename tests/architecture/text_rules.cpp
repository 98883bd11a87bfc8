// Rules about single lines and about what lies in a folder.
#include "tests/architecture/rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>

namespace kine::architecture {
namespace fs = std::filesystem;
namespace {

/// The C interface speaks to C and C++ compilers alike; sanitizers announce themselves by macros only.
const std::set<std::string> kMayAskThePreprocessor = {"apps/embed/kinescope.h", "tests/support/sanitizer.cpp"};

const std::vector<std::string> kMayCallCuda = {"runtime/device/cuda/", "kernels/", "parallel/communicators/",
                                               "parallel/nccl/", "tests/"};

Violations matching_lines(const SourceFile& file, const std::regex& pattern, std::string_view reason) {
    Violations found;
    for (size_t i = 0; i < file.code.size(); ++i) {
        if (std::regex_search(file.code[i], pattern)) {
            found.push_back(fmt::format("{}:{}: {}", file.path, i + 1, reason));
        }
    }
    return found;
}

void append(Violations& all, Violations more) { all.insert(all.end(), more.begin(), more.end()); }

bool may_call_cuda(const std::string& path) {
    return std::ranges::any_of(kMayCallCuda, [&](const std::string& folder) { return path.starts_with(folder); });
}

int line_count(const fs::path& path) {
    std::ifstream file(path);
    int count = 0;
    for (std::string line; std::getline(file, line);) {
        ++count;
    }
    return count;
}

/// Folders of the tree that a newcomer opens first: the top level, the programs, and every model family.
std::vector<fs::path> folders_with_readme(const fs::path& root) {
    std::vector<fs::path> folders;
    for (const char* name : {"runtime", "kernels", "broadcast", "parallel", "codecs", "dit", "apps", "tests", "assets",
                             "apps/cli", "apps/embed", "apps/bench"}) {
        folders.emplace_back(root / name);
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(root / "dit/families")) {
        if (entry.is_directory()) {
            folders.push_back(entry.path());
        }
    }
    return folders;
}

}  // namespace

Violations own_header_first(const Sources& sources) {
    std::set<std::string> paths;
    for (const SourceFile& file : sources) {
        paths.insert(file.path);
    }
    Violations found;
    for (const SourceFile& file : sources) {
        const std::string header = fs::path(file.path).replace_extension(".h").string();
        const std::vector<Include> all = includes(file);
        if (!is_header(file) && paths.contains(header) && (all.empty() || all[0].target != header)) {
            found.push_back(fmt::format("{}:1: the first include is not {}", file.path, header));
        }
    }
    return found;
}

Violations conditionals(const Sources& sources) {
    static const std::regex kConditional(R"(^\s*#\s*(if|ifdef|ifndef|elif|else|define)\b)");
    Violations found;
    for (const SourceFile& file : sources) {
        if (!kMayAskThePreprocessor.contains(file.path)) {
            append(found, matching_lines(file, kConditional, "conditional compilation or a macro"));
        }
    }
    return found;
}

Violations cuda_calls(const Sources& sources) {
    static const std::regex kCall(R"(\b(cuda|cublas|cudnn|nccl)[A-Z]\w*\s*\()");
    Violations found;
    for (const SourceFile& file : sources) {
        if (!may_call_cuda(file.path)) {
            append(found,
                   matching_lines(file, kCall, "a call of a CUDA library outside devices, kernels and communicators"));
        }
    }
    return found;
}

Violations headers(const Sources& sources) {
    static const std::regex kOnce(R"(^\s*#pragma once)");
    Violations found;
    for (const SourceFile& file : sources) {
        if (!is_header(file)) {
            continue;
        }
        if (file.lines.empty() || !(file.lines[0].starts_with("// ") || file.lines[0].starts_with("/* "))) {
            found.push_back(fmt::format("{}:1: does not begin with its purpose", file.path));
        }
        if (matching_lines(file, kOnce, "").size() != 1) {
            found.push_back(fmt::format("{}:1: has no #pragma once", file.path));
        }
    }
    return found;
}

Violations readmes(const fs::path& root) {
    Violations found;
    for (const fs::path& folder : folders_with_readme(root)) {
        const fs::path readme = folder / "README.md";
        const int lines = line_count(readme);
        if (lines == 0 || lines >= 60) {
            found.push_back(fmt::format("{}:1: {} lines, 1 to 59 are expected", readme.string(), lines));
        }
    }
    return found;
}

}  // namespace kine::architecture
