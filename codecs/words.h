// Lists of words separated by spaces, as the tables hold them.
#pragma once

#include <string_view>

namespace kine::codecs {

/// Whether `word` is one of `words`. The empty word is in no list.
inline bool contains_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const size_t end = words.find(' ');
        if (!word.empty() && words.substr(0, end) == word) return true;
        words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
    }
    return false;
}

}  // namespace kine::codecs
