// A source file as the rules see it: as written, and as code alone, without comments and literals.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kine::architecture {

/// Immutable after construction. `lines` and `code` have the same length; line 1 is element 0.
struct SourceFile {
    std::string path;                ///< from the root of the tree, with '/'
    std::vector<std::string> lines;  ///< as written
    std::vector<std::string> code;   ///< comments and the insides of literals blanked
};

struct Include {
    int line;
    std::string target;  ///< as written between quotes
};

/// What `text` says under the name `path`: for tests of the rules.
SourceFile parse_source(std::string path, std::string_view text);
/// Every C and C++ source of the tree, sorted by path; build folders and hidden folders are left out.
std::vector<SourceFile> read_sources(const std::filesystem::path& root);
/// The `#include "..."` lines.
std::vector<Include> includes(const SourceFile& file);
/// True for .h, .hpp and .cuh.
bool is_header(const SourceFile& file);

}  // namespace kine::architecture
