// Two passes of cleaning against what the reference pipelines make of the same captions.
#include "dit/text/caption_cleaning.h"
#include "dit/families/open_sora/prompt.h"
#include "dit/text/html_text.h"
#include "runtime/error.h"

#include <gtest/gtest.h>

#include <functional>

namespace kine::dit {
namespace {

struct Cleaned {
    std::string_view caption;
    std::string_view want;
};

constexpr Cleaned kCaptions[] = {
    Cleaned{R"x(Tiny golden BOAT drifts over the hills – “quoted” 你好 #7 (slow-motion))x",
            R"x(tiny golden boat drifts over the hills - "quoted" slow-motion)x"},
    Cleaned{R"x(see https://example.com/some-page?x=1 and www:foo or flickr.com/photos/a_b for more)x",
            R"x(see ?x=1 and oo or for more)x"},
    Cleaned{R"x(a <b>bold</b> <person> &amp; R&D &lt;tag&gt; caf&eacute; 100% sure)x",
            R"x(a bold person r d café 100% sure)x"},
    Cleaned{R"x(hello @user_name, at 192.168.10.1 in IMG_1234.jpg and photo.png)x", R"x(hello , at in and)x"},
    Cleaned{R"x(one-two-three_four-five six)x", R"x(one two three four five six)x"},
    Cleaned{R"x(a.b,c/d 10:30  )x", R"x(a. b, c d 10:30)x"},
    Cleaned{R"x(id 1234567 and #123 #12345 #1234 jc6640 jc6640vc 6640vc231)x", R"x(id and 1234)x"},
    Cleaned{R"x(free shipping worldwide free shipping, free download free, click on me, page 12)x", R"x(,)x"},
    Cleaned{R"x(size 1920x1080 and 3.5×4 rooms abc12de34)x", R"x(size and rooms)x"},
    Cleaned{R"x("whole quoted text")x", R"x(whole quoted text)x"},
    Cleaned{R"x('start and end:)x", R"x(start and end)x"},
    Cleaned{R"x(.hidden)x", R"x()x"},
    Cleaned{R"x(wow... really!! ''quoted'' text ; a : b)x", R"x(wow really!! "quoted" text ; a: b)x"},
    Cleaned{R"x(a%20b+c ½ cup ©® • dot)x", R"x(a b c cup dot)x"},
    Cleaned{R"x(HTML &nbsp; space &#233; &#x41;)x", R"x(html space é a)x"},
    Cleaned{R"x(fullwidth ＡＢＣ ﬁne ligature)x", R"x(fullwidth abc fine ligature)x"},
    Cleaned{R"x(a jpeg images file, png image)x", R"x(a file)x"},
    Cleaned{R"x(mother-of-pearl by ~tilde~ [brackets] {curly} x|y \ back * star)x",
            R"x(mother-of-pearl by tilde brackets curly x y back star)x"},
    Cleaned{R"x(the end.)x", R"x(the end.)x"},
    Cleaned{R"x(good - dash - a - b - c)x", R"x(good dash a b c)x"},
    Cleaned{R"x()x", R"x()x"},
};

TEST(CaptionCleaning, GivesWhatTheReferencePipelinesGive) {
    for (const auto& [caption, want] : kCaptions) EXPECT_EQ(clean_caption(clean_caption(caption)), want) << caption;
}

TEST(CaptionCleaning, ReadsNoMoreOfALongTextThanItsBeginningAndCutsNoCharacter) {
    std::string text;
    while (text.size() < 100000) text += "\u00e9.";
    const std::string cleaned = clean_caption(text);
    EXPECT_GT(cleaned.size(), 1000U);
    EXPECT_LT(cleaned.size(), 40000U);
    EXPECT_EQ(cleaned.find("\xEF\xBF\xBD"), std::string::npos);
}

ErrorCode code_of(const std::function<void()>& act) {
    try {
        act();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Ok;
}

TEST(CaptionCleaning, RefusesTextThatIsNotUtf8OrHoldsNul) {
    EXPECT_EQ(code_of([] { clean_caption("a\xffz"); }), ErrorCode::Usage);
    EXPECT_EQ(code_of([] { clean_caption(std::string_view("a\0z", 3)); }), ErrorCode::Usage);
}

TEST(HtmlText, KeepsWhatIsNoEntityAndNoTag) {
    EXPECT_EQ(unescape_html("a & b &bogus; &#x110000; &#38;"), "a & b &bogus; \xEF\xBF\xBD &");
    EXPECT_EQ(unescape_html("&#"), "&#");
    EXPECT_EQ(without_tags("1 < 2 <i>x</i> <!-- gone --> <open"), "1 < 2 x  <open");
    EXPECT_EQ(unquote_plus("50%25+%zz%C3%A9%FF"), "50% %zz\u00e9\xEF\xBF\xBD");
}

TEST(OpenSoraPrompt, EndsWithTheScoresThatItDoesNotHave) {
    using open_sora::final_prompt;
    EXPECT_EQ(final_prompt("A Dog", ""), "a dog aesthetic score: 6.5.");
    EXPECT_EQ(final_prompt("A Dog", "aesthetic_score=5.25,motion_score=4,camera_motion=pan left"),
              "a dog aesthetic score: 5.2. motion score: 4.0. camera motion: pan left.");
    EXPECT_EQ(final_prompt("a dog, aesthetic score: 4.5.", "motion_score=2"),
              "a dog, aesthetic score: 4.5. motion score: 2.0.");
    EXPECT_EQ(final_prompt("a dog", "aesthetic_score=none"), "a dog");
}

TEST(OpenSoraPrompt, LeavesOutReferencesAndLaterSegments) {
    using open_sora::final_prompt;
    EXPECT_EQ(final_prompt(R"(a dog{"reference_path": "x.png"})", "aesthetic_score=none"), "a dog");
    EXPECT_EQ(final_prompt("|0| a dog |4| a cat", "aesthetic_score=none"), "a dog");
    EXPECT_EQ(final_prompt("|0| a dog |0| a cat", "aesthetic_score=none"), "a cat");
    EXPECT_EQ(code_of([] { final_prompt("|0| a dog |x| a cat", ""); }), ErrorCode::Usage);
    EXPECT_EQ(code_of([] { final_prompt("a dog", "speed=4"); }), ErrorCode::Usage);
    EXPECT_EQ(code_of([] { final_prompt("a dog", "motion_score=fast"); }), ErrorCode::Usage);
}

}  // namespace
}  // namespace kine::dit
