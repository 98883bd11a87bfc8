// Files that must be refused: each row is one way to be wrong, and the words that say so.
#include "runtime/io/safetensors.h"
#include "runtime/io/safetensors_header.h"
#include "tests/runtime/errors.h"
#include "tests/support/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace kine {
namespace {

struct BadFile {
    std::string name;
    std::string bytes;
    std::string message;
};

/// A file with the single tensor `fields`.
std::string one(std::string_view fields, size_t data_bytes = 4) {
    return safetensors_bytes(fmt::format(R"({{"w":{{{}}}}})", fields), data_bytes);
}

std::string shaped(std::string_view shape, size_t data_bytes = 4, std::string_view dtype = "F32") {
    return one(fmt::format(R"("dtype":"{}","shape":{},"data_offsets":[0,{}])", dtype, shape, data_bytes), data_bytes);
}

std::string placed(std::string_view offsets, size_t data_bytes = 4) {
    return one(fmt::format(R"("dtype":"F32","shape":[1],"data_offsets":{})", offsets), data_bytes);
}

std::string two(std::string_view first, std::string_view second, size_t data_bytes = 8) {
    constexpr std::string_view kPair = R"({{"a":{{"dtype":"F32","shape":[1],"data_offsets":{}}},)"
                                       R"("b":{{"dtype":"F32","shape":[1],"data_offsets":{}}}}})";
    return safetensors_bytes(fmt::format(fmt::runtime(kPair), first, second), data_bytes);
}

std::vector<BadFile> bad_lengths() {
    return {
        {"empty file", "", "has 0 bytes, expected at least 8"},
        {"seven bytes", "1234567", "has 7 bytes, expected at least 8"},
        {"length 0", little_endian(0), "header length is 0"},
        {"length 0 with data", little_endian(0) + "{}", "header length is 0"},
        {"length 2^64-1", little_endian(UINT64_MAX) + "{}", "header length is 18446744073709551615"},
        {"length beyond the file", little_endian(100) + "{}", "header length is 100, the file has only 2 bytes"},
        {"length one too many", little_endian(3) + "{}", "header length is 3, the file has only 2 bytes"},
    };
}

std::vector<BadFile> bad_headers() {
    const std::string tensor = R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
    return {
        {"not UTF-8", safetensors_bytes("{\"\xff\":1}", 0), "invalid JSON at byte"},
        {"not JSON", safetensors_bytes("{w}", 0), "invalid JSON at byte"},
        {"a list", safetensors_bytes("[]", 0), "header: expected '{' first, got '['"},
        {"space first", safetensors_bytes(" {}", 0), "header: expected '{' first, got ' '"},
        {"BOM first", safetensors_bytes("\xef\xbb\xbf{}", 0), R"(header: expected '{' first, got '\xef')"},
        {"padded with NUL", safetensors_bytes(std::string("{}\0\0", 4), 0), "invalid JSON at byte"},
        {"cut", safetensors_bytes(R"({"w":{"dtype)", 0), "invalid JSON at byte"},
        {"two objects", safetensors_bytes("{}{}", 0), "invalid JSON at byte"},
        {"duplicate tensor", safetensors_bytes("{" + tensor + "," + tensor + "}", 4), "'w' appears twice"},
        {"duplicate metadata", safetensors_bytes(R"({"__metadata__":{},"__metadata__":{}})", 0),
         "'__metadata__' appears twice"},
        {"duplicate metadata key", safetensors_bytes(R"({"__metadata__":{"a":"1","a":"2"}})", 0),
         "'__metadata__': field 'a' appears twice"},
        {"metadata number", safetensors_bytes(R"({"__metadata__":{"a":1}})", 0),
         "__metadata__: 'a': expected a text, got 1"},
        {"metadata object", safetensors_bytes(R"({"__metadata__":{"a":{}}})", 0),
         "'a': expected a text, got an object"},
        {"metadata null", safetensors_bytes(R"({"__metadata__":null})", 0),
         "__metadata__: expected an object, got null"},
        {"tensor is a number", safetensors_bytes(R"({"w":7})", 0), "tensor 'w': expected an object, got 7"},
        {"tensor is a list", safetensors_bytes(R"({"w":[]})", 0), "tensor 'w': expected an object, got a list"},
        {"nested a million deep", safetensors_bytes("{\"w\":" + std::string(1'000'000, '['), 0), "expected an object"},
        {"objects a million deep",
         safetensors_bytes(
             [] {
                 std::string text;
                 for (int i = 0; i < 1'000'000; ++i) text += "{\"a\":";
                 return text;
             }(),
             0),
         "unknown field 'a'"},
    };
}

std::vector<BadFile> bad_fields() {
    return {
        {"no dtype", one(R"("shape":[1],"data_offsets":[0,4])"), "tensor 'w': dtype is missing"},
        {"no shape", one(R"("dtype":"F32","data_offsets":[0,4])"), "tensor 'w': shape is missing"},
        {"no offsets", one(R"("dtype":"F32","shape":[1])"), "tensor 'w': data_offsets is missing"},
        {"nothing", one("", 0), "tensor 'w': dtype is missing"},
        {"unknown field", one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), "unknown field 'x'"},
        {"duplicate field", one(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"),
         "field 'dtype' appears twice"},
        {"unknown dtype", shaped("[1]", 4, "F31"), "tensor 'w': dtype: unknown format 'F31'"},
        {"lower case dtype", shaped("[1]", 4, "f32"), "dtype: unknown format 'f32'"},
        {"dtype is a number", one(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), "dtype: expected a text, got 32"},
        {"dtype is a list", one(R"("dtype":["F32"],"shape":[1],"data_offsets":[0,4])"),
         "dtype: expected a text, got a list"},
        {"shape is a number", shaped("4"), "shape: expected a list of integers from 0, got 4"},
        {"shape is a text", shaped("\"4\""), "shape: expected a list of integers from 0, got a text"},
        {"negative size", shaped("[-1]"), "shape: expected integers from 0, got -1"},
        {"fractional size", shaped("[4.0]"), "shape: expected integers from 0, got 4.0"},
        {"text size", shaped("[\"4\"]"), "shape: expected integers from 0, got a text"},
        {"null size", shaped("[null]"), "shape: expected integers from 0, got null"},
        {"nested size", shaped("[[1]]"), "shape: expected integers from 0, got a list"},
        {"size beyond 63 bits", shaped("[9223372036854775808]"), "9223372036854775808 is out of range"},
        {"size beyond 64 bits", shaped("[18446744073709551616]"), "integer 18446744073709551616 is out of range"},
        {"overflowing size", shaped("[1e999]"), "number overflow"},
        {"product wraps to 0", shaped("[4294967296,4294967296]", 0), "has too many elements"},
        {"product times size wraps", shaped("[4611686018427387904]", 0), "has too many elements"},
        {"product wraps before a 0", shaped("[4294967296,4294967296,0]", 0), "has too many elements"},
        {"nine axes", shaped("[1,1,1,1,1,1,1,1,1]"), "shape: expected at most 8 axes, got more"},
        {"size is not shape times dtype", shaped("[2]", 4), "[2] of F32 needs 8 bytes, got 4"},
        {"size claims more", one(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])", 8), "needs 4 bytes, got 8"},
        {"half a byte", shaped("[3]", 1, "F4"), "[3] of F4 does not fill whole bytes"},
        {"six bits", shaped("[2]", 1, "F6_E2M3"), "[2] of F6_E2M3 does not fill whole bytes"},
    };
}

std::vector<BadFile> bad_offsets() {
    return {
        {"begin after end", placed("[4,0]"), "data_offsets: begin 4 is after end 0"},
        {"negative", placed("[-4,0]"), "data_offsets: expected integers from 0, got -4"},
        {"beyond 63 bits", placed("[0,9223372036854775808]"), "data_offsets: 9223372036854775808 is out of range"},
        {"three", placed("[0,4,8]"), "data_offsets: expected 2 numbers, got more"},
        {"one", placed("[4]"), "data_offsets: expected 2 numbers, got 1"},
        {"none", placed("[]"), "data_offsets: expected 2 numbers, got 0"},
        {"fraction", placed("[0,4.0]"), "data_offsets: expected integers from 0, got 4.0"},
        {"overlap", two("[0,4]", "[2,6]"), "tensor 'b': data_offsets: expected begin 4, got 2 (overlap)"},
        {"same place", two("[0,4]", "[0,4]", 4), "expected begin 4, got 0 (overlap)"},
        {"hole", two("[0,4]", "[8,12]", 12), "tensor 'b': data_offsets: expected begin 4, got 8 (hole)"},
        {"first not at 0", placed("[4,8]", 8), "tensor 'w': data_offsets: expected begin 0, got 4 (hole)"},
        {"far away", placed("[9223372036854775803,9223372036854775807]"), "expected begin 0, got 9223372036854775803"},
        {"trailing bytes", placed("[0,4]", 7), "3 bytes follow the last tensor, expected none"},
        {"data without tensors", safetensors_bytes("{}", 5), "5 bytes follow the last tensor"},
        {"download cut", placed("[0,4]", 3), "tensors need 4 bytes, the file ends 1 bytes early (cut short?)"},
    };
}

void expect_refused(const std::vector<BadFile>& files) {
    const TemporaryFolder folder;
    for (const BadFile& bad : files) {
        SCOPED_TRACE(bad.name);
        const auto file = folder.write("bad.safetensors", bad.bytes);
        const std::string message = error_of(ErrorCode::BadInput, [&] { SafetensorsFile::open(file); });
        EXPECT_TRUE(message.starts_with(file.string() + ": ")) << message;
        EXPECT_NE(message.find(bad.message), std::string::npos) << message << "\nexpected part: " << bad.message;
        EXPECT_LT(message.size(), 600u);
    }
}

TEST(BadSafetensors, WrongLengthsAreRefused) { expect_refused(bad_lengths()); }
TEST(BadSafetensors, WrongHeadersAreRefused) { expect_refused(bad_headers()); }
TEST(BadSafetensors, WrongFieldsAreRefused) { expect_refused(bad_fields()); }
TEST(BadSafetensors, WrongOffsetsAreRefused) { expect_refused(bad_offsets()); }

TEST(BadSafetensors, AHeaderAboveTheCapIsRefusedUnread) {
    const TemporaryFolder folder;
    const auto file = folder.write("big.safetensors", little_endian(100'000'001) + "{");
    std::filesystem::resize_file(file, 100'000'100);  // sparse
    expect_error(ErrorCode::BadInput, "header length is 100000001, expected at most 100000000",
                 [&] { SafetensorsFile::open(file); });
}

TEST(BadSafetensors, NamesAreEscapedAndCutInMessages) {
    const std::vector<std::pair<std::string, std::string>> names = {
        {R"(a\u001b[2J\n)", R"(tensor 'a\x1b[2J\x0a')"},
        {R"(a\u0000b)", R"(tensor 'a\x00b')"},
        {std::string(1'000'000, 'n'), "nnn... (1000000 bytes)"}};
    const TemporaryFolder folder;
    for (const auto& [name, shown] : names) {
        const auto file = folder.write("bad.safetensors", safetensors_bytes("{\"" + name + "\":{}}", 0));
        const std::string message = error_of(ErrorCode::BadInput, [&] { SafetensorsFile::open(file); });
        EXPECT_NE(message.find(shown), std::string::npos) << message.substr(0, 500);
        EXPECT_LT(message.size(), 600u);
    }
}

TEST(BadSafetensors, OnlyRegularFilesAreOpened) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    expect_error(ErrorCode::BadInput, "got a FIFO", [&] { SafetensorsFile::open(folder / "pipe"); });
    expect_error(ErrorCode::BadInput, "got a directory", [&] { SafetensorsFile::open(folder.path()); });
    expect_error(ErrorCode::BadInput, "got a device", [] { SafetensorsFile::open("/dev/zero"); });
    expect_error(ErrorCode::BadInput, "No such file", [&] { SafetensorsFile::open(folder / "missing"); });
}

/// Fields are changed, not bytes alone: a flipped byte rarely gets past the JSON.
TEST(BadSafetensors, NoMutationOfAGoodHeaderCrashes) {
    const std::string good = R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}})";
    const std::vector<std::string> pieces = {
        "",      "0",    "-1", "18446744073709551616", "9223372036854775807", "[]", "{}", "\"", ",", "null",
        "1e999", "\xff", "F4", "__metadata__"};
    uint32_t state = 1;
    const auto next = [&](size_t below) {
        state = state * 1664525u + 1013904223u;
        return static_cast<size_t>(state >> 8) % below;
    };
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = good;
        for (size_t edits = 1 + next(3); edits > 0; --edits) {
            text.replace(next(text.size()), next(4), pieces[next(pieces.size())]);
        }
        try {
            check_safetensors_layout(parse_safetensors_header(text, "mutant"), 12, "mutant");
            ++accepted;
        } catch (const Error& error) {
            ASSERT_EQ(error.code(), ErrorCode::BadInput) << error.what();
        }
    }
    EXPECT_GT(accepted, 0);  // a name may change without harm
}

}  // namespace
}  // namespace kine
