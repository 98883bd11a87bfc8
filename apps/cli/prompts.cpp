#include "apps/cli/prompts.h"

#include "apps/cli/config_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace kinescope::cli {

namespace {

constexpr size_t kMaxPromptBytes = 64 << 10;
constexpr size_t kMaxPromptsBytes = 16 << 20;
constexpr std::string_view kNumber = "{n}";
constexpr std::array<std::string_view, 3> kWays = {"prompt", "prompt_file", "prompts"};

/// Editors leave a byte order mark, CRLF and a last newline behind, which are not part of a prompt.
std::string clean_prompt(std::string text, const std::string& where) {
    if (text.find('\0') != std::string::npos) throw Error(KINE_USAGE, where + ": the prompt holds a NUL character");
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    std::erase(text, '\r');
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

std::string read_prompts(const std::string& file, size_t max_bytes, const std::string& where) {
    return clean_prompt(read_file(where, file, max_bytes), file == "-" ? "standard input" : where + " " + file);
}

bool is_prompt(const std::string& line) {
    return line.find_first_not_of(" \t") != std::string::npos && !line.starts_with('#');
}

std::vector<std::string> prompts_in(const std::string& file) {
    std::istringstream lines(read_prompts(file, kMaxPromptsBytes, "prompts"));
    std::vector<std::string> prompts;
    for (std::string line; std::getline(lines, line);) {
        if (is_prompt(line)) prompts.push_back(line);
    }
    if (prompts.empty()) throw Error(KINE_USAGE, fmt::format("prompts '{}': expected a prompt a line, got none", file));
    return prompts;
}

void check_one_way(const Arguments& arguments) {
    std::string_view given;
    for (const std::string_view way : kWays) {
        if (!arguments.has(way)) continue;
        if (!given.empty()) throw Error(KINE_USAGE, fmt::format("{} and {} are both given, expected one", given, way));
        given = way;
    }
}

}  // namespace

std::string PromptNumber::label() const { return count == 1 ? "" : fmt::format("{}/{}: ", number, count); }

bool is_prompt_option(std::string_view key) { return std::ranges::find(kWays, key) != kWays.end(); }

bool has_prompt(const Arguments& arguments) {
    return std::ranges::any_of(kWays, [&](std::string_view way) { return arguments.has(way); });
}

std::vector<std::string> prompts_of(const Arguments& arguments) {
    check_one_way(arguments);
    if (arguments.has("prompts")) return prompts_in(arguments.text("prompts"));
    if (arguments.has("prompt_file")) {
        return {read_prompts(arguments.text("prompt_file"), kMaxPromptBytes, "prompt_file")};
    }
    std::vector<std::string> prompts = arguments.all("prompt");
    if (std::ranges::count(prompts, "-") > 1) throw Error(KINE_USAGE, "prompt '-': standard input can be read once");
    for (std::string& prompt : prompts) {
        if (prompt == "-") prompt = read_prompts("-", kMaxPromptBytes, "prompt");
    }
    if (prompts.empty()) prompts.emplace_back();
    return prompts;
}

std::string only_prompt_of(const Arguments& arguments) {
    const std::vector<std::string> given = arguments.all("prompt");
    for (const std::string& other : given) {
        if (other == given.front()) continue;
        throw Error(KINE_USAGE, fmt::format("prompt is given more than once, as '{}' and '{}'", given.front(), other));
    }
    if (given.size() < 2) return prompts_of(arguments).front();
    Arguments once;
    once.add("prompt", given.front());
    return prompts_of(once).front();
}

bool has_number(std::string_view pattern) { return pattern.find(kNumber) != std::string_view::npos; }

std::string numbered(std::string pattern, const PromptNumber& which) {
    const std::string number = fmt::format("{:0{}}", which.number, std::to_string(which.count).size());
    for (size_t at = 0; (at = pattern.find(kNumber, at)) != std::string::npos; at += number.size()) {
        pattern.replace(at, kNumber.size(), number);
    }
    return pattern;
}

}  // namespace kinescope::cli
