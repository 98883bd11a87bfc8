#include "dit/text/caption_cleaning.h"

#include "dit/text/html_text.h"
#include "dit/text/pattern.h"
#include "dit/text/unicode_lower.h"
#include "dit/text/utf8.h"
#include "runtime/error.h"

#include <span>

namespace kine::dit {

namespace {

// Patterns look back, so work grows faster than the text. No encoder reads more than a few hundred tokens.
constexpr size_t kMostBytes = size_t{4} << 10;
constexpr int64_t kMostJoiners = 3;

struct Rule {
    const char* pattern;
    const char* replacement;
};

constexpr Rule kLinks[] = {
    {"<person>", "person"},
    {R"(\b(?:(?:https?|www):(?:/{1,3}|[a-zA-Z0-9%])|[a-zA-Z0-9.\-]+[.](?:com|co|ru|net|org|edu|gov|it)[\w/\-]*\b/?(?!@)))",
     ""},
};

constexpr Rule kMarks[] = {
    {R"(@\w+\b)", ""},
    {R"([\x{31C0}-\x{9FFF}]+)", ""},
    {R"((?:\p{Pd}|\x{301C})+)", "-"},
    {R"([`\x{B4}\x{AB}\x{BB}\x{201C}\x{201D}\x{A8}])", "\""},
    {R"([\x{2018}\x{2019}])", "'"},
    {"&quot;?", ""},
    {"&amp", ""},
    {R"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", " "},
    {R"(\d:\d\d\s+$)", ""},
    {R"(\\n)", " "},
    {R"(#\d{1,3}\b)", ""},
    {R"(#\d{5,}\b)", ""},
    {R"(\b\d{6,}\b)", ""},
    {R"(\S+\.(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4))", ""},
    {R"(["']{2,})", "\""},
    {R"(\.{2,})", " "},
    {R"([#\x{AE}\x{2022}\x{A9}\x{2122}&@\x{B7}\x{BA}\x{BD}\x{BE}\x{BF}\x{A1}\x{A7}~)(\]\[}{|\\/*]+)", " "},
    {R"(\s+\.\s+)", " "},
};

constexpr Rule kJoiners[] = {{"[-_]", " "}};

constexpr Rule kWords[] = {
    {R"(\b[a-zA-Z]{1,3}\d{3,15}\b)", ""},
    {R"(\b[a-zA-Z]+\d+[a-zA-Z]+\b)", ""},
    {R"(\b\d+[a-zA-Z]+\d+\b)", ""},
    {R"((?:worldwide\s+)?(?:free\s+)?shipping)", ""},
    {R"((?:free\s)?download(?:\sfree)?)", ""},
    {R"(\bclick\b\s(?:for|on)\s\w+)", ""},
    {R"(\b(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)(?:\simages?)?)", ""},
    {R"(\bpage\s+\d+\b)", ""},
    {R"(\b\d*[a-zA-Z]+\d+[a-zA-Z]+\d+[a-zA-Z\d]*\b)", " "},
    {R"(\b\d+\.?\d*[x\x{445}\x{D7}]\d+\.?\d*\b)", ""},
    {R"(\b\s+:\s+)", ": "},
    {R"((\D[,./])\b)", "$1 "},
    {R"(\s+)", " "},
};

/// One blank may still stand at either end, and then shields what comes after it.
constexpr Rule kEnds[] = {
    {R"(^["']([\w\W]+)["']$)", "$1"},
    {R"(^['_,\-:;])", ""},
    {R"(['_,\-:+]$)", ""},
    {R"(^\.\S+$)", ""},
};

std::string replaced(std::span<const Rule> rules, std::string text) {
    for (const auto& [pattern, replacement] : rules) text = Pattern(pattern).replace_all(text, replacement);
    return text;
}

std::string strip(std::string_view text) { return std::string(strip_unicode(text)); }

/// The beginning, up to the end of a character.
std::string_view readable_part(std::string_view text) {
    const size_t invalid = find_invalid_utf8(text);
    check(invalid == std::string_view::npos, ErrorCode::Usage, "prompt: not UTF-8 at byte {}", invalid);
    check(text.find('\0') == std::string_view::npos, ErrorCode::Usage, "prompt: holds NUL at byte {}", text.find('\0'));
    if (text.size() <= kMostBytes) return text;
    size_t end = kMostBytes;
    while ((static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
    return text.substr(0, end);
}

/// Ligatures, characters of double width and control characters: of what ftfy repairs, the part that survives lower
/// case and the rules before it.
constexpr Rule kRepairs[] = {
    {R"(\x{FB00})", "ff"},
    {R"(\x{FB01})", "fi"},
    {R"(\x{FB02})", "fl"},
    {R"(\x{FB03})", "ffi"},
    {R"(\x{FB04})", "ffl"},
    {R"([\x{FB05}\x{FB06}])", "st"},
    {R"([\x{2BC}\x{201A}\x{201B}])", "'"},
    {R"([\x{201E}\x{201F}])", "\""},
    {R"([\x01-\x08\x0B\x0E-\x1F\x7F\x{206A}-\x{206F}\x{FEFF}\x{FFF9}-\x{FFFC}])", ""},
};

std::string narrow(std::string_view text) {
    constexpr char32_t kFirst = 0xFF01, kLast = 0xFF5E, kShift = 0xFEE0, kWideSpace = 0x3000;
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const CodePoint point = decode_utf8(text, at);
        const bool is_wide = point.value >= kFirst && point.value <= kLast;
        append_utf8(result, point.value == kWideSpace ? U' ' : is_wide ? point.value - kShift : point.value);
        at += static_cast<size_t>(point.bytes);
    }
    return result;
}

std::string repair(std::string_view text) { return narrow(replaced(kRepairs, std::string(text))); }

}  // namespace

std::string clean_caption(std::string_view caption) {
    std::string text = lower_unicode(strip_unicode(unquote_plus(readable_part(caption))));
    text = unescape_html(without_tags(replaced(kLinks, std::move(text))));
    text = replaced(kMarks, std::move(text));
    if (Pattern(kJoiners[0].pattern).count(text) > kMostJoiners) text = replaced(kJoiners, std::move(text));
    text = strip(unescape_html(unescape_html(repair(text))));
    text = replaced(kWords, std::move(text));
    return strip(replaced(kEnds, std::move(text)));
}

}  // namespace kine::dit
