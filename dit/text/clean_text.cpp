#include "dit/text/clean_text.h"

#include "dit/text/html_entities.h"
#include "dit/text/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace kine::dit {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

/// Walks `text` code point by code point; malformed bytes go to `keep` as they are.
template <class Body>
std::string mapped(std::string_view text, const Body& body) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const CodePoint point = decode_utf8(text, at);
        if (point.bytes == 0) {
            result += text[at++];
            continue;
        }
        body(point.value, result);
        at += static_cast<size_t>(point.bytes);
    }
    return result;
}

std::string straighten_quotes(std::string_view text) {
    return mapped(text, [](char32_t value, std::string& result) {
        const bool is_single = value == 0x02BC || (value >= 0x2018 && value <= 0x201B);
        const bool is_double = value >= 0x201C && value <= 0x201F;
        append_utf8(result, is_single ? U'\'' : is_double ? U'"' : value);
    });
}

/// What Python's re takes for white space.
bool is_space(char32_t value) {
    return (value >= 0x09 && value <= 0x0D) || (value >= 0x1C && value <= 0x20) || value == 0x85 || value == 0xA0 ||
           value == 0x1680 || (value >= 0x2000 && value <= 0x200A) || value == 0x2028 || value == 0x2029 ||
           value == 0x202F || value == 0x205F || value == 0x3000;
}

std::string join_words(std::string_view text) {
    bool is_between = false;
    std::string joined = mapped(text, [&](char32_t value, std::string& result) {
        if (is_space(value)) {
            is_between = true;
            return;
        }
        if (is_between && !result.empty()) result += ' ';
        is_between = false;
        append_utf8(result, value);
    });
    return joined;
}

/// "#233", "#xE9" as a code point.
std::optional<char32_t> numeric_entity(std::string_view name) {
    const bool is_hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const std::string_view digits = name.substr(is_hexadecimal ? 2 : 1);
    uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hexadecimal ? 16 : 10);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    const bool is_character = value > 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    return is_character ? static_cast<char32_t>(value) : kReplacement;
}

// The characters of Windows-1252 that Latin-1 lacks, for bytes 0x80 to 0x9F; 0 where it has none.
constexpr std::array<char32_t, 32> kWindows = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                               0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                               0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                               0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

std::optional<char> windows_byte(char32_t value) {
    if (value >= 0x80 && value <= 0xFF) return static_cast<char>(value);
    const auto found = std::find(kWindows.begin(), kWindows.end(), value);
    if (value == 0 || found == kWindows.end()) return std::nullopt;
    return static_cast<char>(0x80 + (found - kWindows.begin()));
}

/// The character that the wrongly decoded ones from `at` on were, and how many bytes of `text` they take; 0: none.
CodePoint misread_at(std::string_view text, size_t at) {
    std::string bytes;
    for (size_t next = at; next < text.size() && bytes.size() < 4;) {
        const CodePoint point = decode_utf8(text, next);
        const std::optional<char> byte = point.bytes > 1 ? windows_byte(point.value) : std::nullopt;
        if (!byte) break;
        bytes += *byte;
        next += static_cast<size_t>(point.bytes);
        const CodePoint meant = decode_utf8(bytes, 0);
        if (meant.bytes > 1 && static_cast<size_t>(meant.bytes) == bytes.size())
            return {meant.value, static_cast<int>(next - at)};
    }
    return {};
}

}  // namespace

std::string unescape_html(std::string_view text) {
    constexpr size_t kLongestName = 32;
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const size_t end = text[at] == '&' ? text.find(';', at) : std::string_view::npos;
        std::optional<char32_t> value;
        if (end != std::string_view::npos && end > at + 1 && end - at <= kLongestName) {
            const std::string_view name = text.substr(at + 1, end - at - 1);
            value = name[0] == '#' ? numeric_entity(name) : html_entity(name);
        }
        if (value) {
            append_utf8(result, *value);
            at = end + 1;
        } else {
            result += text[at++];
        }
    }
    return result;
}

std::string repair_mojibake(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const CodePoint meant = misread_at(text, at);
        if (meant.bytes > 0) {
            append_utf8(result, meant.value);
            at += static_cast<size_t>(meant.bytes);
        } else {
            result += text[at++];
        }
    }
    return result;
}

std::string clean_text(std::string_view text) {
    // Text with a "<" may be markup, whose entities are not touched before the quotes are.
    std::string result = text.find('<') == std::string_view::npos ? unescape_html(text) : std::string(text);
    result = straighten_quotes(repair_mojibake(result));
    return join_words(unescape_html(unescape_html(result)));
}

}  // namespace kine::dit
