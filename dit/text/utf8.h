// UTF-8 at the door: prompts and vocabulary files are checked once, later code may then walk them without doubt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kine::dit {

/// One code point and the number of bytes it takes; 0 bytes where the text is malformed (overlong forms, surrogates,
/// values above U+10FFFF and cut-off sequences are).
struct CodePoint {
    char32_t value = 0;
    int bytes = 0;
};

/// The code point that starts at `offset`, which must lie inside the text.
CodePoint decode_utf8(std::string_view text, size_t offset);
void append_utf8(std::string& text, char32_t value);

/// Offset of the first malformed byte, npos if there is none.
size_t find_invalid_utf8(std::string_view text);

}  // namespace kine::dit
