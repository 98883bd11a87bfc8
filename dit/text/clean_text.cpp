#include "dit/text/clean_text.h"

#include "dit/text/html_entities.h"
#include "dit/text/html_text.h"
#include "dit/text/utf8.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace kine::dit {

namespace {

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

std::optional<char> windows_byte(char32_t value) {
    if (value >= 0x80 && value <= 0xFF) return static_cast<char>(value);
    for (char32_t byte = 0x80; byte <= 0x9F; ++byte) {
        if (windows_1252(byte) == value) return static_cast<char>(byte);
    }
    return std::nullopt;
}

/// What people write right after a word: "CAFÉ…" is not misread, although its last two characters could be.
bool may_follow_letters(char32_t value) {
    return value == 0xA0 || value == 0xAB || value == 0xBB || (value >= 0x2013 && value <= 0x201E) || value == 0x2026 ||
           value == 0x2039 || value == 0x203A;
}

/// The character that the wrongly decoded ones from `at` on were, and how many bytes of `text` they take; 0: none.
CodePoint misread_at(std::string_view text, size_t at) {
    std::string bytes;
    bool is_doubtful = true;
    for (size_t next = at; next < text.size() && bytes.size() < 4;) {
        const CodePoint point = decode_utf8(text, next);
        const std::optional<char> byte = point.bytes > 1 ? windows_byte(point.value) : std::nullopt;
        if (!byte) break;
        if (!bytes.empty()) is_doubtful = is_doubtful && may_follow_letters(point.value);
        bytes += *byte;
        next += static_cast<size_t>(point.bytes);
        const CodePoint meant = decode_utf8(bytes, 0);
        if (meant.bytes > 1 && static_cast<size_t>(meant.bytes) == bytes.size() && !is_doubtful)
            return {meant.value, static_cast<int>(next - at)};
    }
    return {};
}

/// What ftfy also takes for the name of a capital: "&EACUTE;", and "&COPY;" for what has none.
std::optional<char32_t> capital_entity(std::string_view name) {
    const auto is_capital = [](char letter) { return letter >= 'A' && letter <= 'Z'; };
    if (!std::ranges::all_of(name, is_capital)) return std::nullopt;
    std::string lower(name);
    for (char& letter : lower) letter = static_cast<char>(letter | 0x20);
    if (!html_entity(lower)) return std::nullopt;
    for (size_t capitals = lower.size(); capitals > 0; --capitals) {
        const auto value = html_entity(std::string(name.substr(0, capitals)) + lower.substr(capitals));
        if (value) return value;
    }
    return html_entity(lower);
}

/// A reference that ends with a semicolon, the only kind that cannot be meant otherwise.
std::optional<HtmlReference> closed_reference(std::string_view text) {
    constexpr size_t kLongestReference = 32;
    const size_t end = text.starts_with('&') ? text.substr(0, kLongestReference).find(';') : std::string_view::npos;
    if (end == std::string_view::npos || end < 2) return std::nullopt;
    const auto reference = html_reference(text);
    if (reference && reference->bytes == end + 1) return reference;
    const std::optional<char32_t> capital = capital_entity(text.substr(1, end - 1));
    if (!capital) return std::nullopt;
    std::string meant;
    append_utf8(meant, *capital);
    return HtmlReference{meant, end + 1};
}

std::string open_closed_references(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const std::optional<HtmlReference> reference = closed_reference(text.substr(at));
        if (reference) {
            result += reference->meant;
        } else {
            result += text[at];
        }
        at += reference ? reference->bytes : 1;
    }
    return result;
}

/// Bytes of the terminal's command that starts here, "ESC [ 1 ; 31 m"; 0 if none does.
size_t terminal_command_size(std::string_view text) {
    if (!text.starts_with("\x1b[")) return 0;
    const size_t end = text.find_first_not_of("0123456789;", 2);
    const bool is_command = end != std::string_view::npos && std::isalpha(static_cast<unsigned char>(text[end]));
    return is_command ? end + 1 : 0;
}

std::string without_terminal_commands(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const size_t skipped = terminal_command_size(text.substr(at));
        if (skipped == 0) result += text[at];
        at += std::max<size_t>(1, skipped);
    }
    return result;
}

/// Characters that steer old terminals and layouts and are no white space.
bool is_steering(char32_t value) {
    return value < 0x09 || value == 0x0B || (value >= 0x0E && value <= 0x1F) || value == 0x7F ||
           (value >= 0x206A && value <= 0x206F) || value == 0xFEFF || (value >= 0xFFF9 && value <= 0xFFFC);
}

std::string without_steering(std::string_view text) {
    return mapped(text, [](char32_t value, std::string& result) {
        if (!is_steering(value)) append_utf8(result, windows_1252(value));
    });
}

std::string repaired_once(std::string_view line, bool is_markup) {
    std::string result = is_markup ? std::string(line) : open_closed_references(line);
    result = repair_mojibake(without_terminal_commands(result));
    return without_steering(straighten_quotes(result));
}

/// A repair may uncover what another repairs: ftfy goes on until nothing changes.
std::string repaired_line(std::string line, bool is_markup) {
    for (;;) {
        std::string next = repaired_once(line, is_markup);
        if (next == line) return next;
        line = std::move(next);
    }
}

/// What ftfy does to a text. From the first line with a "<" on it may be markup, whose references stay closed.
std::string repaired(std::string_view text) {
    std::string result;
    bool is_markup = false;
    while (!text.empty()) {
        const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
        is_markup = is_markup || text.substr(0, size).find('<') != std::string_view::npos;
        result += repaired_line(std::string(text.substr(0, size)), is_markup);
        text.remove_prefix(size);
    }
    return result;
}

}  // namespace

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

std::string clean_text(std::string_view text) { return join_words(unescape_html(unescape_html(repaired(text)))); }

}  // namespace kine::dit
