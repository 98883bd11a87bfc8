#include "runtime/options.h"

#include "runtime/io/json.h"
#include "runtime/printable.h"
#include "runtime/registry.h"
#include "tests/runtime/errors.h"

#include <gtest/gtest.h>

namespace kine {
namespace {

struct Everything {
    bool gated = false;
    int steps = 4;
    int64_t frames = 16;
    uint64_t seed = 7;
    double guidance = 1.5;
    std::string name = "plain";
    std::vector<int64_t> sizes = {1, 2};
    std::vector<double> range = {0.5};
    std::vector<std::string> kinds;
    std::optional<int64_t> limit;
    std::optional<double> shift = 3.0;
    std::optional<std::string> note;

    template <class Visitor>
    void visit(Visitor& v) {
        v("gated", gated, "a bool");
        v("steps", steps, "an int");
        v("frame-count", frames, "a long");
        v("seed", seed, "an unsigned");
        v("guidance", guidance, "a double");
        v("name", name, "a text");
        v("sizes", sizes, "longs");
        v("range", range, "doubles");
        v("kinds", kinds, "texts");
        v("limit", limit, "perhaps a long");
        v("shift", shift, "perhaps a double");
        v("note", note, "perhaps a text");
    }
};

Everything after(std::string_view text) {
    Everything options;
    set_options(FieldList(options), text);
    return options;
}

TEST(Options, SetEveryTypeFromText) {
    const Everything options = after(
        "gated=on,steps=-2,frame_count=9000000000,seed=18446744073709551615,guidance=-1e-3,name=a b,sizes=3:-4:5,"
        "range=0.25:2,kinds=x:y,limit=8,shift=none,note=hi");
    EXPECT_TRUE(options.gated);
    EXPECT_EQ(options.steps, -2);
    EXPECT_EQ(options.frames, 9'000'000'000);
    EXPECT_EQ(options.seed, UINT64_MAX);
    EXPECT_EQ(options.guidance, -1e-3);
    EXPECT_EQ(options.name, "a b");
    EXPECT_EQ(options.sizes, (std::vector<int64_t>{3, -4, 5}));
    EXPECT_EQ(options.range, (std::vector<double>{0.25, 2}));
    EXPECT_EQ(options.kinds, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(options.limit, 8);
    EXPECT_EQ(options.shift, std::nullopt);
    EXPECT_EQ(options.note, "hi");
}

TEST(Options, KeepTheirDefaultsForEmptyText) {
    EXPECT_EQ(after("").steps, 4);
    EXPECT_TRUE(after("sizes=").sizes.empty());
}

TEST(Options, TakeDashesForUnderscores) { EXPECT_EQ(after("frame-count=3").frames, 3); }

TEST(Options, RefuseBadTextNamingTheOption) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"steps=", "steps: expected an integer, got ''"},
        {"steps=four", "steps: expected an integer, got 'four'"},
        {"steps=4.0", "steps: expected an integer, got '4.0'"},
        {"steps= 4", "steps: expected an integer, got ' 4'"},
        {"steps=+4", "expected an integer"},
        {"steps=0x40", "expected an integer"},
        {"steps=2147483648", "steps: 2147483648 is out of range"},
        {"frame-count=9223372036854775808", "frame_count: 9223372036854775808 is out of range"},
        {"seed=-1", "seed: expected an integer from 0, got '-1'"},
        {"seed=18446744073709551616", "seed: 18446744073709551616 is out of range"},
        {"guidance=nan", "guidance: expected a finite number, got 'nan'"},
        {"guidance=inf", "guidance: expected a finite number"},
        {"guidance=1e400", "guidance: 1e400 is out of range"},
        {"guidance=1,5", "expected name=value, got '5'"},
        {"gated=maybe", "gated: expected true or false, got 'maybe'"},
        {"sizes=1:", "sizes: expected an integer, got ''"},
        {"sizes=1:x", "sizes: expected an integer, got 'x'"},
        {"limit=x", "limit: expected an integer, got 'x'"},
        {"steps", "expected name=value, got 'steps'"},
        {"steps=1,", "expected name=value, got ''"},
        {"steps=1,steps=2", "steps is given twice"},
        {"stepz=1", "unknown option 'stepz', nearest is steps, known are gated, steps, frame_count"},
        {"quite-another=1", "unknown option 'quite-another', known are gated"},
        {"steps=\x1b[2J", R"(got '\x1b[2J')"},
    };
    for (const auto& [text, message] : cases) {
        expect_error(ErrorCode::Usage, message, [&text = text] { after(text); });
    }
}

TEST(Options, ReadAConfiguration) {
    Everything options;
    const Json json = parse_json(R"({"steps": 9, "guidance": 2, "sizes": [7], "shift": null, "note": "n",
                                     "gated": true, "seed": 5, "foreign": {"x": 1}})",
                                 "test");
    read_options(FieldList(options), json, "config.json", {"steps"});
    EXPECT_EQ(options.steps, 9);
    EXPECT_EQ(options.guidance, 2.0);
    EXPECT_EQ(options.sizes, (std::vector<int64_t>{7}));
    EXPECT_EQ(options.shift, 3.0);
    EXPECT_EQ(options.note, "n");
    EXPECT_EQ(options.limit, std::nullopt);
    EXPECT_EQ(options.frames, 16);
}

TEST(Options, RefuseABadConfigurationNamingFileAndKey) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {R"({"steps": 2.5})", "config.json: steps: expected an integer, got 2.5"},
        {R"({"steps": "2"})", "config.json: steps: expected an integer, got \"2\""},
        {R"({"steps": 4294967296})", "steps: expected a 32-bit integer, got 4294967296"},
        {R"({"frame_count": 18446744073709551615})", "frame_count: expected an integer, got 18446744073709551615"},
        {R"({"seed": -1})", "seed: expected an integer from 0, got -1"},
        {R"({"guidance": "high"})", "guidance: expected a number"},
        {R"({"gated": 1})", "gated: expected true or false, got 1"},
        {R"({"name": 1})", "name: expected a text, got 1"},
        {R"({"sizes": 3})", "sizes: expected a list, got 3"},
        {R"({"sizes": [1, "x"]})", "sizes: expected an integer, got \"x\""},
        {R"({"limit": []})", "limit: expected an integer, got []"},
        {R"([1])", "config.json: expected a JSON object, got array"},
        {R"({"name": "x"})", "config.json: steps is missing"},
        {R"({"steps": null})", "config.json: steps is missing"},
    };
    for (const auto& [text, message] : cases) {
        Everything options;
        const Json json = parse_json(text, "test");
        const bool is_about_missing = message.find("missing") != std::string::npos;
        const std::vector<std::string> required =
            is_about_missing ? std::vector<std::string>{"steps"} : std::vector<std::string>{};
        expect_error(ErrorCode::BadInput, message,
                     [&] { read_options(FieldList(options), json, "config.json", required); });
    }
}

TEST(Options, ComeBackFromJson) {
    Everything options = after("steps=3,sizes=4:5,limit=9,shift=none,note=x,seed=18446744073709551615");
    const Json json = to_json(FieldList(options));
    Everything again;
    again.shift = std::nullopt;
    read_options(FieldList(again), json, "test");
    EXPECT_EQ(to_json(FieldList(again)), json);
    EXPECT_TRUE(json["shift"].is_null());
    EXPECT_EQ(json["seed"], UINT64_MAX);
}

TEST(Options, DescribeThemselves) {
    Everything options;
    const FieldList fields(options);
    EXPECT_EQ(fields.fields().size(), 12u);
    EXPECT_EQ(fields.find("frame-count").help, "a long");
    EXPECT_EQ(fields.find("guidance").type, "float");
    EXPECT_EQ(fields.find("guidance").value, "1.5");
    EXPECT_EQ(fields.find("sizes").value, "1:2");
    EXPECT_EQ(fields.find("limit").value, "none");
    EXPECT_EQ(fields.find("limit").type, "int");
    EXPECT_EQ(fields.find("kinds").type, "list");
}

TEST(NearestName, FindsTypingErrorsAndNothingElse) {
    const std::vector<std::string> known = {"spatial_range", "temporal_range", "cross_range"};
    EXPECT_EQ(nearest_name("sptial_range", known), "spatial_range");
    EXPECT_EQ(nearest_name("temporal-range", known), "temporal_range");
    EXPECT_EQ(nearest_name("resolution", known), "");
    EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(Registry, ListsTheKnownNames) {
    const std::vector<Entry<int>> table = {{"one", "the first", 1}, {"two", "the second", 2}};
    EXPECT_EQ(find_entry(std::span<const Entry<int>>(table), "number", "two").make, 2);
    expect_error(ErrorCode::Usage, "unknown number 'three', known are one, two",
                 [&] { find_entry(std::span<const Entry<int>>(table), "number", "three"); });
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
    EXPECT_EQ(printable("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_EQ(printable("a\x1b[2Jb\n\t\x7f"), R"(a\x1b[2Jb\x0a\x09\x7f)");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), R"(a\x00b)");
    EXPECT_EQ(printable("\xc2\x9b"), R"(\x9b)");        // a control sequence in one character
    EXPECT_EQ(printable("\xe2\x80\xae"), R"(\u202e)");  // right-to-left override
    EXPECT_EQ(printable("\xff\xc0\xaf\xed\xa0\x80"), R"(\xff\xc0\xaf\xed\xa0\x80)");  // no UTF-8
    EXPECT_EQ(printable("\xe2\x82"), R"(\xe2\x82)");
}

TEST(Printable, CutsLongText) {
    EXPECT_EQ(printable("abcdef", 3), "abc... (6 bytes)");
    EXPECT_LT(printable(std::string(1'000'000, 'x')).size(), 200u);
}

}  // namespace
}  // namespace kine
