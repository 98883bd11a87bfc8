// The characters that HTML names: those of Latin-1, of punctuation and the Greek letters.
#pragma once

#include <optional>
#include <string_view>

namespace kine::dit {

/// "eacute" -> U+00E9. Names are case-sensitive; nothing for a name that we do not know.
std::optional<char32_t> html_entity(std::string_view name);

}  // namespace kine::dit
