#include "tests/architecture/source_file.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace kine::architecture {
namespace fs = std::filesystem;
namespace {

const std::set<std::string> kEndings = {".h", ".hpp", ".cuh", ".c", ".cpp", ".cu"};

std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

void blank(std::string& text, size_t begin, size_t end) {
    for (size_t i = begin; i < std::min(end, text.size()); ++i) {
        if (text[i] != '\n') {
            text[i] = ' ';
        }
    }
}

/// Where the literal ends whose opening quote is at `begin`: after its closing quote.
size_t end_of_literal(const std::string& text, size_t begin) {
    for (size_t i = begin + 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == text[begin]) {
            return i + 1;
        }
    }
    return text.size();
}

size_t end_of_raw_literal(const std::string& text, size_t quote) {
    const size_t open = text.find('(', quote);
    const std::string close = ")" + text.substr(quote + 1, open - quote - 1) + "\"";
    const size_t end = text.find(close, open);
    return end == std::string::npos ? text.size() : end + close.size();
}

/// A quote between digits separates thousands: 1'000.
bool separates_digits(const std::string& text, size_t i) {
    return text[i] == '\'' && i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1]));
}

/// Blanks the comment or the inside of the literal at `i`; returns where to go on.
size_t blank_at(std::string& text, size_t i) {
    if (text.compare(i, 2, "//") == 0) {
        const size_t end = std::min(text.find('\n', i), text.size());
        blank(text, i, end);
        return end;
    }
    if (text.compare(i, 2, "/*") == 0) {
        const size_t close = text.find("*/", i + 2);
        const size_t end = close == std::string::npos ? text.size() : close + 2;
        blank(text, i, end);
        return end;
    }
    if ((text[i] == '"' || text[i] == '\'') && !separates_digits(text, i)) {
        const bool raw = text[i] == '"' && i > 0 && text[i - 1] == 'R';
        const size_t end = raw ? end_of_raw_literal(text, i) : end_of_literal(text, i);
        blank(text, i + 1, end - 1);
        return end;
    }
    return i + 1;
}

std::string without_comments_and_literals(std::string text) {
    for (size_t i = 0; i < text.size();) {
        i = blank_at(text, i);
    }
    return text;
}

bool is_left_out(const fs::path& folder) {
    const std::string name = folder.filename().string();
    return name.starts_with(".") || name.starts_with("build");
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

SourceFile parse_source(std::string path, std::string_view text) {
    const std::string written(text);
    return {std::move(path), split_lines(written), split_lines(without_comments_and_literals(written))};
}

std::vector<SourceFile> read_sources(const fs::path& root) {
    std::vector<SourceFile> files;
    for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
        if (entry->is_directory() && is_left_out(entry->path())) {
            entry.disable_recursion_pending();
        } else if (entry->is_regular_file() && kEndings.contains(entry->path().extension().string())) {
            files.push_back(parse_source(fs::relative(entry->path(), root).generic_string(), read_file(entry->path())));
        }
    }
    std::ranges::sort(files, {}, &SourceFile::path);
    return files;
}

std::vector<Include> includes(const SourceFile& file) {
    static const std::regex kInclude(R"(^\s*#\s*include\s+"([^"]+)\")");
    std::vector<Include> found;
    for (size_t i = 0; i < file.lines.size(); ++i) {
        std::smatch match;
        if (std::regex_search(file.lines[i], match, kInclude)) {
            found.push_back({static_cast<int>(i) + 1, match[1].str()});
        }
    }
    return found;
}

bool is_header(const SourceFile& file) {
    const std::string ending = fs::path(file.path).extension().string();
    return ending == ".h" || ending == ".hpp" || ending == ".cuh";
}

}  // namespace kine::architecture
