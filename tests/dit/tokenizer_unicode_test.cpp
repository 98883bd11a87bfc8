// Cleaning of prompts: expected values are Python 3.11's str.lower() and str.strip().
#include "dit/text/tokenizer.h"
#include "dit/text/unicode_lower.h"
#include "dit/text/utf8.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

TEST(LowerAndStrip, DoesWhatPythonDoes) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"  A Red CIRCLE\t", "a red circle"},
        {"ÉCOLE Äpfel ÖL", "école äpfel öl"},
        {"МОСКВА Ёлка", "москва ёлка"},
        {"ΟΔΟΣ ΣΑΣ Σ ΑΣ' ΑΣΑ", "οδος σας σ ας' ασα"},
        {"ΑΣ\u0301 ΑΣ\u0301Β \u02b0Σ", "ας\u0301 ασ\u0301β \u02b0σ"},
        {"İstanbul IĞDIR", "i\u0307stanbul iğdir"},
        {"\u01c5 \u01c8 \u01ca \u1e9e \u2126 \u212a \u212b", "\u01c6 \u01c9 \u01cc \u00df \u03c9 k \u00e5"},
        {"\U00010400 \u1c90 \u13a0 \u2167 \u24b6", "\U00010428 \u10d0 \uab70 \u2177 \u24d0"},
        {"\u00a0\u3000x y\u2029\x1f", "x y"},
        {"\u200bx\ufeff", "\u200bx\ufeff"},
        {"你好 WORLD", "你好 world"},
        {"", ""},
        {" \u2003\n", ""},
    };
    for (const auto& [text, want] : cases) EXPECT_EQ(lower_and_strip(text), want) << text;
}

TEST(LowerAndStrip, LeavesMalformedBytesWhereTheyAre) {
    EXPECT_EQ(lower_and_strip("A\xff"
                              "B\xc3"),
              "a\xff"
              "b\xc3");
    EXPECT_EQ(lower_and_strip(std::string(100'000, '\xff')), std::string(100'000, '\xff'));
}

TEST(LowerAndStrip, IsIdempotentOnEveryCodePoint) {
    for (char32_t point = 1; point < 0x110000; ++point) {
        if (point >= 0xD800 && point < 0xE000) continue;
        std::string text = "a";
        append_utf8(text, point);
        const std::string lower = lower_unicode(text);
        ASSERT_EQ(lower_unicode(lower), lower) << static_cast<uint32_t>(point);
    }
}

TEST(Utf8, FindsTheFirstMalformedByte) {
    EXPECT_EQ(find_invalid_utf8("plain é 你 \U0001F642"), std::string_view::npos);
    EXPECT_EQ(find_invalid_utf8("ab\xc0\xaf"), 2u);        // overlong
    EXPECT_EQ(find_invalid_utf8("a\xe0\x80\xaf"), 1u);     // overlong
    EXPECT_EQ(find_invalid_utf8("\xed\xa0\x80"), 0u);      // surrogate
    EXPECT_EQ(find_invalid_utf8("\xf4\x90\x80\x80"), 0u);  // above U+10FFFF
    EXPECT_EQ(find_invalid_utf8("ab\xe4\xbd"), 2u);        // cut off
    EXPECT_EQ(find_invalid_utf8("\x80"), 0u);
}

}  // namespace
}  // namespace kine::dit
