#include "dit/text/html_text.h"

#include "dit/text/utf8.h"

#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace kine::dit {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Entity {
    std::string_view name;
    char32_t value;
    bool needs_semicolon = true;
};

/// Those of HTML 4 that captions hold, by hand: the full table of HTML 5 has two thousand.
constexpr std::array kEntities = {
    Entity{"amp", U'&', false},    Entity{"lt", U'<', false},     Entity{"gt", U'>', false},
    Entity{"quot", U'"', false},   Entity{"apos", U'\''},         Entity{"nbsp", 0xA0, false},
    Entity{"iexcl", 0xA1, false},  Entity{"cent", 0xA2, false},   Entity{"pound", 0xA3, false},
    Entity{"yen", 0xA5, false},    Entity{"sect", 0xA7, false},   Entity{"copy", 0xA9, false},
    Entity{"laquo", 0xAB, false},  Entity{"reg", 0xAE, false},    Entity{"deg", 0xB0, false},
    Entity{"plusmn", 0xB1, false}, Entity{"sup2", 0xB2, false},   Entity{"sup3", 0xB3, false},
    Entity{"acute", 0xB4, false},  Entity{"micro", 0xB5, false},  Entity{"para", 0xB6, false},
    Entity{"middot", 0xB7, false}, Entity{"sup1", 0xB9, false},   Entity{"ordm", 0xBA, false},
    Entity{"raquo", 0xBB, false},  Entity{"frac14", 0xBC, false}, Entity{"frac12", 0xBD, false},
    Entity{"frac34", 0xBE, false}, Entity{"iquest", 0xBF, false}, Entity{"times", 0xD7, false},
    Entity{"szlig", 0xDF, false},  Entity{"agrave", 0xE0, false}, Entity{"aacute", 0xE1, false},
    Entity{"acirc", 0xE2, false},  Entity{"atilde", 0xE3, false}, Entity{"auml", 0xE4, false},
    Entity{"aring", 0xE5, false},  Entity{"aelig", 0xE6, false},  Entity{"ccedil", 0xE7, false},
    Entity{"egrave", 0xE8, false}, Entity{"eacute", 0xE9, false}, Entity{"ecirc", 0xEA, false},
    Entity{"euml", 0xEB, false},   Entity{"igrave", 0xEC, false}, Entity{"iacute", 0xED, false},
    Entity{"icirc", 0xEE, false},  Entity{"iuml", 0xEF, false},   Entity{"eth", 0xF0, false},
    Entity{"ntilde", 0xF1, false}, Entity{"ograve", 0xF2, false}, Entity{"oacute", 0xF3, false},
    Entity{"ocirc", 0xF4, false},  Entity{"otilde", 0xF5, false}, Entity{"ouml", 0xF6, false},
    Entity{"divide", 0xF7, false}, Entity{"oslash", 0xF8, false}, Entity{"ugrave", 0xF9, false},
    Entity{"uacute", 0xFA, false}, Entity{"ucirc", 0xFB, false},  Entity{"uuml", 0xFC, false},
    Entity{"yacute", 0xFD, false}, Entity{"thorn", 0xFE, false},  Entity{"yuml", 0xFF, false},
    Entity{"ndash", 0x2013},       Entity{"mdash", 0x2014},       Entity{"lsquo", 0x2018},
    Entity{"rsquo", 0x2019},       Entity{"sbquo", 0x201A},       Entity{"ldquo", 0x201C},
    Entity{"rdquo", 0x201D},       Entity{"bdquo", 0x201E},       Entity{"bull", 0x2022},
    Entity{"hellip", 0x2026},      Entity{"prime", 0x2032},       Entity{"lsaquo", 0x2039},
    Entity{"rsaquo", 0x203A},      Entity{"euro", 0x20AC},        Entity{"trade", 0x2122},
    Entity{"larr", 0x2190},        Entity{"rarr", 0x2192},        Entity{"ne", 0x2260},
    Entity{"le", 0x2264},          Entity{"ge", 0x2265},          Entity{"infin", 0x221E},
};

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

std::optional<Decoded> named_reference(std::string_view text) {
    for (const Entity& entity : kEntities) {
        if (!text.substr(1).starts_with(entity.name)) continue;
        const size_t size = 1 + entity.name.size();
        const bool has_semicolon = size < text.size() && text[size] == ';';
        if (has_semicolon || !entity.needs_semicolon) return Decoded{entity.value, size + (has_semicolon ? 1 : 0)};
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
