// What a prompt looks like after ftfy and html, as far as the tokenizer would see a difference.
#include "dit/text/clean_text.h"

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

TEST(CleanText, CopiesMalformedBytes) { EXPECT_EQ(clean_text("a\xff b"), "a\xff b"); }

TEST(CleanText, NumbersThatAreNoCharacterBecomeTheReplacement) {
    EXPECT_EQ(unescape_html("&#0;&#xD800;"), "\uFFFD\uFFFD");
    EXPECT_EQ(unescape_html("&#;&#x;&#12a;"), "&#;&#x;&#12a;");
}

}  // namespace
}  // namespace kine::dit
