// What a model's directory says of words, and which of a prompt's are not among them.
#include "dit/known_words.h"

#include "dit/generator.h"
#include "runtime/error.h"
#include "tests/dit/warnings.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <fstream>

namespace kine::dit {
namespace {

KnownWords words_in(const std::string& json) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "words.json") << json;
    return read_known_words(folder.path());
}

TEST(KnownWords, AreReadByTheirKinds) {
    const KnownWords known = words_in(R"({"colours": ["red", "blue"], "other": ["a", "on"], "shapes": ["ring"]})");
    ASSERT_EQ(known.kinds.size(), 3u);
    EXPECT_EQ(to_text(known), "colours: red, blue; shapes: ring");
}

TEST(KnownWords, FindTheOthersInAPrompt) {
    const KnownWords known = words_in(R"({"colours": ["red"], "other": ["a", "on"]})");
    EXPECT_EQ(unknown_words(known, "A red, RED \"elephant\" on (a) bicycle: elephant!"),
              (std::vector<std::string>{"elephant", "bicycle"}));
    EXPECT_TRUE(unknown_words(known, " a red. ").empty());
    EXPECT_TRUE(unknown_words(known, "").empty());
}

TEST(KnownWords, OfAModelThatDoesNotSayAreAll) {
    const TemporaryFolder folder;
    EXPECT_TRUE(unknown_words(read_known_words(folder.path()), "an elephant").empty());
}

TEST(KnownWords, AreListsOfWords) {
    for (const char* json : {"[]", R"({"colours": "red"})", R"({"colours": [1]})", "{"})
        EXPECT_THROW(words_in(json), Error) << json;
}

TEST(KnownWords, OfTheDemoModelWarnOfOthersBeforeTheRun) {
    TestContext bundle;
    const auto generator = Generator::open(bundle.context, source_tree() / "assets" / "demo", DType::Float32);
    Request request;
    request.width = 16;
    request.height = 16;
    request.num_frames = 1;
    request.steps = 1;
    for (const auto& [prompt, count] : {std::pair{"a red circle moving right on a blue background", 0},
                                        std::pair{"a red elephant moving right", 1}}) {
        request.prompt = prompt;
        const std::vector<std::string> lines = warnings_of(*generator, bundle.context, request);
        ASSERT_EQ(lines.size(), static_cast<size_t>(count)) << prompt;
        for (const std::string& line : lines) EXPECT_NE(line.find("elephant"), std::string::npos) << line;
    }
    request.prompt = "a red circle";
    request.negative_prompt = "a blurry star";
    const std::vector<std::string> lines = warnings_of(*generator, bundle.context, request);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("blurry of the negative prompt"), std::string::npos) << lines[0];
}

}  // namespace
}  // namespace kine::dit
