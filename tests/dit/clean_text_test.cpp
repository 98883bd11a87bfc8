// What a prompt looks like after ftfy and html, as far as the tokenizer would see a difference.
#include "dit/text/clean_text.h"

#include "dit/text/html_text.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

TEST(CleanText, StraightensQuotes) { EXPECT_EQ(clean_text("it’s a “slow motion”"), "it's a \"slow motion\""); }

TEST(CleanText, JoinsWordsWithSingleSpaces) {
    EXPECT_EQ(clean_text("  a\t\nred \u00a0\u3000fox "), "a red fox");
    EXPECT_EQ(clean_text(" \n "), "");
}

TEST(CleanText, NamesBecomeTheCharactersTheyMean) {
    EXPECT_EQ(clean_text("caf&eacute; &amp; 42 &#233;&#xE9;"), "café & 42 éé");
    EXPECT_EQ(clean_text("&amp;amp;"), "&") << "the pipeline opens entities more than once";
    EXPECT_EQ(clean_text("&unknown; AT&T; &;"), "&unknown; AT&T; &;");
}

TEST(CleanText, CurlyQuotesFromEntitiesStayWhereTheTextMayBeMarkup) {
    EXPECT_EQ(clean_text("&rsquo;"), "'");
    EXPECT_EQ(clean_text("<b> &rsquo;"), "<b> ’");
}

TEST(CleanText, RepairsTextThatWasReadAsWindows1252) {
    EXPECT_EQ(repair_mojibake("cafÃ©"), "café");
    EXPECT_EQ(repair_mojibake("itâ€™s"), "it’s");
    EXPECT_EQ(repair_mojibake("über café Ã"), "über café Ã");
    EXPECT_EQ(repair_mojibake("你好"), "你好");
}

TEST(CleanText, LeavesPunctuationAfterAccentedLetters) {
    EXPECT_EQ(clean_text("CAFÉ… café—— “CAFÉ”"), "CAFÉ… café—— \"CAFÉ\"");
}

TEST(CleanText, OpensReferencesOfLinesBeforeMarkup) { EXPECT_EQ(clean_text("&rsquo;\n<b>\n&rsquo;"), "' <b> ’"); }

TEST(CleanText, CopiesMalformedBytes) { EXPECT_EQ(clean_text("a\xff b"), "a\xff b"); }

TEST(CleanText, OpensReferencesUntilNoneIsLeft) { EXPECT_EQ(clean_text("&amp;amp;amp;amp;amp;eacute;"), "é"); }

TEST(CleanText, OpensNamesWithoutSemicolonInTheEnd) {
    EXPECT_EQ(clean_text("caf&eacute, &copy2026, &eacutes; &alpha"), "café, ©2026, és; &alpha");
}

TEST(CleanText, KnowsNamesInCapitals) {
    EXPECT_EQ(clean_text("CAF&EACUTE; &ALPHA; &OELIG; &NBSP;&HELLIP; &EACute;"), "CAFÉ Α Œ … &EACute;");
}

TEST(CleanText, DropsCommandsToTerminalsAndOtherControlCharacters) {
    EXPECT_EQ(clean_text("\x1b[1;31mred\x1b[0m fox"), "red fox");
    EXPECT_EQ(clean_text("a\x01\x1c"
                         "b\x7f \u206ac\uFEFF"),
              "ab c");
    EXPECT_EQ(clean_text("x\x1b[12"), "x[12") << "no command, so only its first character goes";
}

TEST(CleanText, ReadsControlCharactersOfTheUpperHalfAsWindows1252) {
    EXPECT_EQ(clean_text("wait\u0085\u0092"), "wait…'");
}

TEST(HtmlText, NumbersThatAreNoCharacterBecomeTheReplacement) {
    EXPECT_EQ(unescape_html("&#0;&#xD800;&#99999999999;"), "\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(unescape_html("&#;&#x;&#12a;"), "&#;&#x;\fa;");
    EXPECT_EQ(unescape_html("&#x85;&#7;&#233"), "…é");
}

}  // namespace
}  // namespace kine::dit
