#include "runtime/io/json.h"

#include "runtime/options.h"
#include "tests/runtime/errors.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace kine {
namespace {

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ReadsEveryKindOfValue) {
    const Json json =
        parse_json(R"({"a": [1, -2, 3.5, true, null, "t\u00e4"], "b": {"c": {}}, "d": 18446744073709551615})", "test");
    EXPECT_EQ(json["a"].size(), 6u);
    EXPECT_EQ(json["a"][1], -2);
    EXPECT_EQ(json["a"][2], 3.5);
    EXPECT_EQ(json["a"][5], "t\xc3\xa4");
    EXPECT_TRUE(json["b"]["c"].is_object());
    EXPECT_EQ(json["d"].get<uint64_t>(), UINT64_MAX);
    EXPECT_EQ(parse_json("7", "test"), 7);
}

TEST(Json, AgreesWithTheLibraryOnOrdinaryText) {
    const std::string text = R"([{"x": [[], [1, [2, {"y": [3]}]]], "z": ""}, [], {}, -0.25, 1e3, false])";
    EXPECT_EQ(parse_json(text, "test"), Json::parse(text));
}

struct BadText {
    std::string name;
    std::string text;
    std::string message;
};

std::vector<BadText> bad_texts() {
    return {
        {"empty", "", "invalid JSON at byte"},
        {"duplicate key", R"({"a": 1, "a": 2})", "key 'a' appears twice"},
        {"duplicate nested key", R"([{"b": {"a": 1, "a": 1}}])", "key 'a' appears twice"},
        {"duplicate escaped key", R"({"a": 1, "\u0061": 2})", "key 'a' appears twice"},
        {"depth 65", nested(65), "is nested deeper than 64"},
        {"depth a million", std::string(1'000'000, '['), "is nested deeper than 64"},
        {"objects a million deep",
         [] {
             std::string text;
             for (int i = 0; i < 1'000'000; ++i) text += "{\"a\":";
             return text;
         }(),
         "is nested deeper than 64"},
        {"overflowing number", "[1e999]", "number overflow"},
        {"NaN", "[NaN]", "invalid JSON at byte 2"},
        {"Infinity", "[Infinity]", "invalid JSON"},
        {"trailing comma", "[1,]", "invalid JSON"},
        {"trailing garbage", "{} x", "invalid JSON"},
        {"two values", "{}{}", "invalid JSON"},
        {"comment", "/* c */ {}", "invalid JSON"},
        {"single quotes", "{'a': 1}", "invalid JSON"},
        {"lone surrogate", R"(["\ud800"])", "invalid JSON"},
        {"not UTF-8", "[\"\xff\"]", "invalid JSON"},
        {"overlong UTF-8", "[\"\xc0\xaf\"]", "invalid JSON"},
        {"truncated", R"({"a": [1, 2)", "invalid JSON"},
        {"NUL at the end", std::string("{}\0", 3), "invalid JSON"},
        {"raw control character", "[\"a\nb\"]", "invalid JSON"},
    };
}

TEST(Json, RefusesEveryBadTextNamingTheSource) {
    for (const BadText& bad : bad_texts()) {
        SCOPED_TRACE(bad.name);
        const std::string message = error_of(ErrorCode::BadInput, [&] { parse_json(bad.text, "some/config.json"); });
        EXPECT_TRUE(message.starts_with("some/config.json: ")) << message;
        EXPECT_NE(message.find(bad.message), std::string::npos) << message;
        EXPECT_LT(message.size(), 400u);
    }
}

TEST(Json, EscapesTerminalControlsInMessages) {
    const std::string message =
        error_of(ErrorCode::BadInput, [] { parse_json(R"({"\u001b[2J": 1, "\u001b[2J": 2})", "x"); });
    EXPECT_EQ(message, R"(x: key '\x1b[2J' appears twice)");
}

TEST(Json, AllowsSixtyFourLevels) { EXPECT_NO_THROW(parse_json(nested(64), "test")); }

TEST(Json, KeepsIntegersBeyondSixtyFourBitsAsFloats) {
    const Json json = parse_json("[1000000000000000019884624838656, -9223372036854775809]", "test");
    EXPECT_EQ(json[0].get<double>(), 1e30);
    EXPECT_TRUE(json[1].is_number_float());
    int64_t length = 0;
    struct Options {
        int64_t& length;
        void visit(FieldList& v) { v("length", length, ""); }
    } options{length};
    expect_error(ErrorCode::BadInput, "expected an integer", [&] {
        read_options(FieldList(options), parse_json(R"({"length": 18446744073709551616})", "test"), "test");
    });
}

TEST(Json, BoundsTheNumberOfValues) {
    std::string text = "[";
    for (int i = 0; i < 1000; ++i) text += "0,";
    text += "0]";
    EXPECT_NO_THROW(parse_json(text, "test", 1002));  // the list counts too
    expect_error(ErrorCode::BadInput, "holds more than 1001 values", [&] { parse_json(text, "test", 1001); });
}

TEST(ReadJson, ReadsAFile) {
    const TemporaryFolder folder;
    EXPECT_EQ(read_json(folder.write("a.json", R"({"x": 1})"))["x"], 1);
}

TEST(ReadJson, RefusesALargeFileUnread) {
    const TemporaryFolder folder;
    const auto file = folder.write("a.json", std::string(1001, ' '));
    expect_error(ErrorCode::BadInput, "a.json: has 1001 bytes, expected at most 1000", [&] { read_json(file, 1000); });
}

TEST(ReadText, RefusesWhatIsNoRegularFile) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    expect_error(ErrorCode::BadInput, "expected a regular file, got a FIFO", [&] { read_text(folder / "pipe"); });
    expect_error(ErrorCode::BadInput, "expected a regular file, got a directory", [&] { read_text(folder.path()); });
    expect_error(ErrorCode::BadInput, "expected a regular file, got a device", [] { read_text("/dev/zero"); });
    expect_error(ErrorCode::BadInput, "No such file", [&] { read_text(folder / "missing"); });
}

}  // namespace
}  // namespace kine
