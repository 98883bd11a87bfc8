#include "dit/text/unicode_lower.h"

#include "dit/text/unicode_tables.h"
#include "dit/text/utf8.h"

#include <algorithm>
#include <vector>

namespace kine::dit {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalDottedI = 0x130;
constexpr char32_t kDotAbove = 0x307;
constexpr char32_t kRawByte = 0x110000;  // behind the last code point: a malformed byte on its way through

bool contains(std::span<const CodeRange> ranges, char32_t value) {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), value,
                                        [](char32_t v, const CodeRange& range) { return v < range.first; });
    return after != ranges.begin() && value <= std::prev(after)->last;
}

char32_t lower_one(char32_t value) {
    const auto ranges = lower_ranges();
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), value,
                                        [](char32_t v, const LowerRange& range) { return v < range.first; });
    if (after == ranges.begin()) return value;
    const LowerRange& range = *std::prev(after);
    const bool is_upper = value <= range.last && (value - range.first) % range.stride == 0;
    return is_upper ? static_cast<char32_t>(static_cast<int32_t>(value) + range.delta) : value;
}

// The final form stands where a letter comes before and none behind; marks between do not count.
char32_t lower_sigma(const std::vector<char32_t>& text, size_t at) {
    const auto is_ignorable = [&](size_t i) { return contains(case_ignorable_ranges(), text[i]); };
    const auto is_letter = [&](size_t i) { return contains(cased_ranges(), text[i]); };
    size_t before = at;
    while (before > 0 && is_ignorable(before - 1)) --before;
    if (before == 0 || !is_letter(before - 1)) return kSmallSigma;
    size_t behind = at + 1;
    while (behind < text.size() && is_ignorable(behind)) ++behind;
    return behind < text.size() && is_letter(behind) ? kSmallSigma : kFinalSigma;
}

std::vector<char32_t> code_points(std::string_view text) {
    std::vector<char32_t> points;
    for (size_t offset = 0; offset < text.size();) {
        const CodePoint point = decode_utf8(text, offset);
        const auto byte = static_cast<unsigned char>(text[offset]);
        points.push_back(point.bytes > 0 ? point.value : kRawByte + byte);
        offset += static_cast<size_t>(std::max(point.bytes, 1));
    }
    return points;
}

void append_lower(std::string& lower, const std::vector<char32_t>& text, size_t at) {
    if (text[at] >= kRawByte) {
        lower.push_back(static_cast<char>(text[at] - kRawByte));
    } else if (text[at] == kCapitalDottedI) {
        append_utf8(lower, U'i');
        append_utf8(lower, kDotAbove);
    } else {
        append_utf8(lower, text[at] == kCapitalSigma ? lower_sigma(text, at) : lower_one(text[at]));
    }
}

bool is_space(char32_t value) {
    return (value >= 0x09 && value <= 0x0D) || (value >= 0x1C && value <= 0x20) || value == 0x85 || value == 0xA0 ||
           value == 0x1680 || (value >= 0x2000 && value <= 0x200A) || value == 0x2028 || value == 0x2029 ||
           value == 0x202F || value == 0x205F || value == 0x3000;
}

// Bytes of the white space that ends the text, 0 if none does.
size_t trailing_space(std::string_view text) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0u) == 0x80u) --begin;
    const CodePoint last = decode_utf8(text, begin);
    const bool ends_here = begin + static_cast<size_t>(last.bytes) == text.size();
    return ends_here && is_space(last.value) ? text.size() - begin : 0;
}

}  // namespace

std::string lower_unicode(std::string_view text) {
    const std::vector<char32_t> points = code_points(text);
    std::string lower;
    for (size_t i = 0; i < points.size(); ++i) append_lower(lower, points, i);
    return lower;
}

std::string_view strip_unicode(std::string_view text) {
    while (!text.empty()) {
        const CodePoint first = decode_utf8(text, 0);
        if (first.bytes == 0 || !is_space(first.value)) break;
        text.remove_prefix(static_cast<size_t>(first.bytes));
    }
    while (!text.empty() && trailing_space(text) > 0) text.remove_suffix(trailing_space(text));
    return text;
}

}  // namespace kine::dit
