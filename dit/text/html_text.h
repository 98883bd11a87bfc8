// The little HTML that captions carry.
#pragma once

#include <string>
#include <string_view>

namespace kine::dit {

/// "%20" and '+' as in links become what they stand for; bytes that are no UTF-8 become U+FFFD.
std::string unquote_plus(std::string_view text);
/// Tags and comments go, their text stays.
std::string without_tags(std::string_view text);
/// "&#233;", "&amp;" and the other usual references become what they mean (html_entities.h); unknown ones stay.
std::string unescape_html(std::string_view text);

}  // namespace kine::dit
