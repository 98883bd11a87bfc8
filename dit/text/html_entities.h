// Character references of HTML: the names of Latin-1, of punctuation and the Greek letters, and code points.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kine::dit {

/// What a reference stands for, which may be no character at all, and how many bytes it takes.
struct HtmlReference {
    std::string meant;
    size_t bytes = 0;
};

/// The reference at the start of `text`, as HTML 5 reads it: "&#233;" and "&#xE9;" with or without the semicolon,
/// "&eacute;", and the longest name at the start of "&eacutes" that old pages write without one. A code point that is
/// no character becomes U+FFFD, a control character nothing, 0x80 to 0x9F what they are in Windows-1252.
std::optional<HtmlReference> html_reference(std::string_view text);

/// "eacute" -> U+00E9. Names are case-sensitive; nothing for a name that we do not know.
std::optional<char32_t> html_entity(std::string_view name);

/// The character that the byte `value`, 0x80 to 0x9F, is in Windows-1252; `value` itself where it has none.
char32_t windows_1252(char32_t value);

}  // namespace kine::dit
