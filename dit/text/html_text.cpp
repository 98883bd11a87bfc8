#include "dit/text/html_text.h"

#include "dit/text/html_entities.h"
#include "dit/text/utf8.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace kine::dit {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
    char32_t value = 0;
    size_t size = 0;  // of the reference in the text
};

int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    const char lower = static_cast<char>(letter | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// "&#233;" or "&#xe9;", the semicolon optional.
std::optional<Decoded> numeric_reference(std::string_view text) {
    const bool is_hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
    const size_t begin = is_hex ? 3 : 2;
    uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + std::min(begin, text.size()), end, value, is_hex ? 16 : 10);
    if (error == std::errc::invalid_argument) return std::nullopt;
    const bool is_character =
        error == std::errc() && value != 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    size_t size = static_cast<size_t>(at - text.data());
    if (size < text.size() && text[size] == ';') ++size;
    return Decoded{is_character ? value : kReplacement, size};
}

/// HTML knows the characters of Latin-1 by names that need no semicolon, for the sake of old pages.
bool needs_semicolon(std::string_view name, char32_t value) { return value > 0xFF || name == "apos"; }

/// "&eacute;", or the longest name at the start of "&eacutes" that needs no semicolon.
std::optional<Decoded> named_reference(std::string_view text) {
    constexpr size_t kLongestName = 8;
    size_t letters = 0;
    while (letters < kLongestName && 1 + letters < text.size() &&
           std::isalnum(static_cast<unsigned char>(text[1 + letters]))) {
        ++letters;
    }
    for (size_t length = letters; length > 1; --length) {
        const std::string_view name = text.substr(1, length);
        const std::optional<char32_t> value = html_entity(name);
        if (!value) continue;
        const bool has_semicolon = text.substr(1 + length).starts_with(';');
        if (has_semicolon || !needs_semicolon(name, *value))
            return Decoded{*value, 1 + length + (has_semicolon ? 1 : 0)};
    }
    return std::nullopt;
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

std::string decode_entities(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        std::optional<Decoded> found;
        if (rest.starts_with("&#")) {
            found = numeric_reference(rest);
        } else if (rest.front() == '&') {
            found = named_reference(rest);
        }
        if (found) {
            append_utf8(result, found->value);
        } else {
            result += rest.front();
        }
        at += found ? found->size : 1;
    }
    return result;
}

}  // namespace kine::dit
