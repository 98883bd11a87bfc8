// The words that a small model was trained with, where its directory says so: a prompt with others gives pictures of
// something else, without a word of warning from the tokenizer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kine::dit {

struct KnownWords {
    /// "colours": red, orange, ... in the order of the file. Those of the kind "other" (articles, prepositions) are
    /// known but not worth telling.
    std::vector<std::pair<std::string, std::vector<std::string>>> kinds;
};

/// words.json of a model directory, {"kind": ["word", ...], ...}; without the file there are no kinds.
/// ErrorCode::BadInput for a file that says something else.
KnownWords read_known_words(const std::filesystem::path& directory);

/// Words of the prompt that are of no kind, in lower case, each once; none where nothing is known of words.
std::vector<std::string> unknown_words(const KnownWords& known, std::string_view prompt);

/// "colours: red, orange; shapes: circle".
std::string to_text(const KnownWords& known);

}  // namespace kine::dit
