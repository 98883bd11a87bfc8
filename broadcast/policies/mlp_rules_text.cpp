#include "broadcast/policies/pab_options.h"
#include "runtime/error.h"
#include "runtime/options.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace kine::broadcast {

namespace {

// No model has as many blocks; keeps "0-2000000000" from filling memory.
constexpr int64_t kMostBlocks = 4096;

std::vector<std::string_view> pieces(std::string_view text, char separator) {
    std::vector<std::string_view> result;
    for (size_t end = text.find(separator); end != text.npos; end = text.find(separator)) {
        result.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    result.push_back(text);
    return result;
}

/// The two sides of the only `separator`.
std::pair<std::string_view, std::string_view> halves(std::string_view option, std::string_view text, char separator) {
    const auto sides = pieces(text, separator);
    check(sides.size() == 2, ErrorCode::Usage, "{}: expected key@blocks*skip such as 720@0-4*2, came '{}'", option,
          text);
    return {sides[0], sides[1]};
}

int parse_count(std::string_view option, std::string_view text, int64_t most) {
    const int64_t value = parse_int(option, text);
    check(0 <= value && value <= most, ErrorCode::Usage, "{}: expected 0..{}, came {}", option, most, value);
    return static_cast<int>(value);
}

/// "3" or "0-4"
void append_blocks(std::vector<int>& blocks, std::string_view option, std::string_view text) {
    const size_t dash = text.find('-', 1);  // a leading '-' is a negative number, refused with its value
    const int first = parse_count(option, text.substr(0, dash), kMostBlocks);
    const int last = dash == text.npos ? first : parse_count(option, text.substr(dash + 1), kMostBlocks);
    check(first <= last, ErrorCode::Usage, "{}: block range '{}' is reversed", option, text);
    for (int block = first; block <= last; ++block) blocks.push_back(block);
}

MlpRule parse_rule(std::string_view option, std::string_view text) {
    const auto [key, rest] = halves(option, text, '@');
    const auto [blocks, skip] = halves(option, rest, '*');
    MlpRule rule;
    rule.timestep = parse_int(option, key);
    for (const std::string_view part : pieces(blocks, '+')) append_blocks(rule.blocks, option, part);
    rule.skip = parse_count(option, skip, std::numeric_limits<int>::max());
    return rule;
}

}  // namespace

std::vector<MlpRule> parse_mlp_rules(std::string_view option, std::string_view text) {
    std::vector<MlpRule> rules;
    if (text == "none") return rules;
    for (const std::string_view part : pieces(text, '/')) rules.push_back(parse_rule(option, part));
    return rules;
}

std::string to_text(const std::vector<MlpRule>& rules) {
    std::string text;
    for (const MlpRule& rule : rules) {
        text += text.empty() ? "" : "/";
        text += fmt::format("{}@{}*{}", rule.timestep, block_list(rule.blocks), rule.skip);
    }
    return text.empty() ? "none" : text;
}

}  // namespace kine::broadcast
