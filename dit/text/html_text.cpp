#include "dit/text/html_text.h"

#include "dit/text/html_entities.h"
#include "dit/text/utf8.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace kine::dit {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    const char lower = static_cast<char>(letter | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Bytes of the tag or comment that starts here, 0 if none does.
size_t tag_size(std::string_view text) {
    if (text.starts_with("<!--")) {
        const size_t end = text.find("-->", 4);
        return end == std::string_view::npos ? text.size() : end + 3;
    }
    const size_t name = text.size() > 1 && text[1] == '/' ? 2 : 1;
    const bool starts = name < text.size() && (std::isalpha(static_cast<unsigned char>(text[name])) ||
                                               (name == 1 && (text[name] == '!' || text[name] == '?')));
    const size_t end = text.find('>');
    return starts && end != std::string_view::npos ? end + 1 : 0;
}

}  // namespace

std::string unquote_plus(std::string_view text) {
    std::string bytes;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool is_quoted =
            text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (is_quoted) {
            bytes += static_cast<char>(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2]));
            i += 2;
        } else {
            bytes += text[i] == '+' ? ' ' : text[i];
        }
    }
    std::string result;
    for (size_t at = 0; at < bytes.size();) {
        const CodePoint point = decode_utf8(bytes, at);
        append_utf8(result, point.bytes == 0 ? kReplacement : point.value);
        at += static_cast<size_t>(std::max(1, point.bytes));
    }
    return result;
}

std::string without_tags(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const size_t skipped = text[at] == '<' ? tag_size(text.substr(at)) : 0;
        if (skipped == 0) result += text[at];
        at += std::max<size_t>(1, skipped);
    }
    return result;
}

std::string unescape_html(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const std::optional<HtmlReference> reference = html_reference(text.substr(at));
        if (reference) {
            result += reference->meant;
        } else {
            result += text[at];
        }
        at += reference ? reference->bytes : 1;
    }
    return result;
}

}  // namespace kine::dit
