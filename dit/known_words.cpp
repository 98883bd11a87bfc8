#include "dit/known_words.h"

#include "dit/text/unicode_lower.h"
#include "runtime/error.h"
#include "runtime/io/json.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace kine::dit {

namespace {

constexpr const char* kFile = "words.json";
constexpr std::string_view kUntold = "other";

std::vector<std::string> words_of(const Json& list, std::string_view where, const std::string& kind) {
    check(list.is_array(), ErrorCode::BadInput, "{}: {}: expected a list of words", where, kind);
    std::vector<std::string> words;
    for (const Json& word : list) {
        check(word.is_string(), ErrorCode::BadInput, "{}: {}: expected words, came {}", where, kind, word.dump());
        words.push_back(word.get<std::string>());
    }
    return words;
}

bool is_between_words(char c) { return std::string_view(" \t\n\r.,;:!?\"()").find(c) != std::string_view::npos; }

bool is_known(const KnownWords& known, const std::string& word) {
    return std::ranges::any_of(
        known.kinds, [&](const auto& kind) { return std::ranges::find(kind.second, word) != kind.second.end(); });
}

}  // namespace

KnownWords read_known_words(const std::filesystem::path& directory) {
    KnownWords known;
    const std::filesystem::path file = directory / kFile;
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return known;
    const Json json = read_json(file);
    check(json.is_object(), ErrorCode::BadInput, "{}: expected an object of lists of words", file.string());
    for (const auto& [kind, list] : json.items()) known.kinds.emplace_back(kind, words_of(list, file.string(), kind));
    return known;
}

std::vector<std::string> unknown_words(const KnownWords& known, std::string_view prompt) {
    std::vector<std::string> unknown;
    if (known.kinds.empty()) return unknown;
    const std::string lower = lower_unicode(prompt);
    for (auto begin = lower.begin(); begin != lower.end();) {
        begin = std::find_if_not(begin, lower.end(), is_between_words);
        const auto end = std::find_if(begin, lower.end(), is_between_words);
        const std::string word(begin, end);
        begin = end;
        const bool is_new = std::ranges::find(unknown, word) == unknown.end();
        if (!word.empty() && is_new && !is_known(known, word)) unknown.push_back(word);
    }
    return unknown;
}

std::string to_text(const KnownWords& known) {
    std::string text;
    for (const auto& [kind, words] : known.kinds) {
        if (kind == kUntold) continue;
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", kind, fmt::join(words, ", "));
    }
    return text;
}

}  // namespace kine::dit
