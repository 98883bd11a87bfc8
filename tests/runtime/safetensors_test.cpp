#include "runtime/io/safetensors.h"

#include "tests/runtime/errors.h"
#include "tests/support/expect_close.h"
#include "tests/support/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace kine {
namespace {

using Tensors = std::map<std::string, Tensor>;

TEST(Safetensors, ReadsAFileMadeByHand) {
    const TemporaryFolder folder;
    const auto path =
        folder.write("a.safetensors", safetensors_bytes(R"({"__metadata__":{"format":"pt"},"w":{"shape":[2,2],)"
                                                        R"("data_offsets":[0,4],"dtype":"U8"}}    )",
                                                        4));
    const SafetensorsFile file = SafetensorsFile::open(path);
    EXPECT_EQ(file.metadata().at("format"), "pt");
    EXPECT_EQ(file.entries().at("w").shape, (Shape{2, 2}));
    EXPECT_EQ(to_doubles(file.tensor("w")), (std::vector<double>{0, 1, 2, 3}));
}

TEST(Safetensors, AllowsScalarsEmptyTensorsAndEmptyFiles) {
    const TemporaryFolder folder;
    const auto path = folder.write("a.safetensors",
                                   safetensors_bytes(R"({"scalar":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
                                                     R"("empty":{"dtype":"F32","shape":[3,0],"data_offsets":[1,1]}})",
                                                     1));
    const SafetensorsFile file = SafetensorsFile::open(path);
    EXPECT_EQ(file.tensor("scalar").rank(), 0);
    EXPECT_EQ(file.tensor("empty").shape(), (Shape{3, 0}));
    EXPECT_TRUE(SafetensorsFile::open(folder.write("b", safetensors_bytes("{}", 0))).entries().empty());
}

TEST(Safetensors, ListsFormatsThatItCannotRead) {
    const TemporaryFolder folder;
    const std::map<std::string, int> bytes_of_eight = {{"BOOL", 8}, {"I8", 8},      {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
                                                       {"F4", 4},   {"F6_E2M3", 6}, {"I16", 16},    {"U16", 16},
                                                       {"U32", 32}, {"F64", 64},    {"U64", 64},    {"C64", 64}};
    for (const auto& [dtype, bytes] : bytes_of_eight) {
        const std::string header =
            fmt::format(R"({{"w":{{"dtype":"{}","shape":[8],"data_offsets":[0,{}]}}}})", dtype, bytes);
        const SafetensorsFile file =
            SafetensorsFile::open(folder.write("a", safetensors_bytes(header, static_cast<size_t>(bytes))));
        EXPECT_EQ(file.entries().at("w").dtype_name, dtype);
        expect_error(ErrorCode::Unsupported, "format " + dtype + " cannot be read", [&] { file.tensor("w"); });
    }
}

TEST(Safetensors, ViewsTheFileAndKeepsItAlive) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"w", random_tensor(test.context, {8}, DType::Float32, 1)}});
    const int64_t before = test.allocator.bytes_in_use();
    Tensor view;
    {
        const SafetensorsFile file = SafetensorsFile::open(folder / "a");
        view = file.tensor("w");
        EXPECT_EQ(view.raw(), file.tensor("w").raw());
    }
    EXPECT_TRUE(same_bits(view, random_tensor(test.context, {8}, DType::Float32, 1)));
    EXPECT_EQ(test.allocator.bytes_in_use(), before);
    EXPECT_FALSE(view.is_unique());
}

TEST(Safetensors, AlignsWhatTheFileHoldsUnaligned) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensor odd = Tensor::zeros(test.context, {3}, DType::UInt8);
    const Tensor values = random_tensor(test.context, {5}, DType::Float32, 2);
    write_safetensors(folder / "a", Tensors{{"a", odd}, {"b", values}});
    const Tensor read = SafetensorsFile::open(folder / "a").tensor("b");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read.raw()) % 4, 0u);
    EXPECT_TRUE(same_bits(read, values));
}

TEST(Safetensors, SaysWhichTensorIsMissing) {
    const TemporaryFolder folder;
    const SafetensorsFile file = SafetensorsFile::open(folder.write("a", safetensors_bytes("{}", 0)));
    EXPECT_FALSE(file.contains("w"));
    expect_error(ErrorCode::BadInput, "has no tensor 'w'", [&] { file.tensor("w"); });
}

TEST(Safetensors, ComesBackAsItWasWritten) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensors tensors = {{"z.first", random_tensor(test.context, {3, 4}, DType::Float32, 1)},
                             {"a", random_tensor(test.context, {7}, DType::BFloat16, 2)},
                             {"m", random_tensor(test.context, {2, 1, 2}, DType::Float16, 3)},
                             {"ids", from_doubles(test.context, {4}, DType::Int64, {1, -2, 3, 4})},
                             {"small", from_doubles(test.context, {2}, DType::Int32, {-5, 6})},
                             {"bytes", from_doubles(test.context, {3}, DType::UInt8, {0, 128, 255})},
                             {"none", Tensor::zeros(test.context, {0, 4}, DType::Float32)},
                             {"scalar", from_doubles(test.context, {}, DType::Float32, {2.5})}};
    const std::map<std::string, std::string> metadata = {{"prompt", "a \"quoted\" t\xc3\xa4st\n"}};
    write_safetensors(folder / "a", tensors, metadata);
    const SafetensorsFile file = SafetensorsFile::open(folder / "a");
    EXPECT_EQ(file.metadata(), metadata);
    ASSERT_EQ(file.entries().size(), tensors.size());
    for (const auto& [name, tensor] : tensors) EXPECT_TRUE(same_bits(file.tensor(name), tensor)) << name;
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(Safetensors, OrdersTheFileByNameAndAlignsTheData) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensor tensor = random_tensor(test.context, {2}, DType::Float32, 1);
    write_safetensors(folder / "one", Tensors{{"b", tensor}, {"a", tensor}});
    const SafetensorsFile file = SafetensorsFile::open(folder / "one");
    EXPECT_EQ(file.entries().at("a").offset + 8, file.entries().at("b").offset);
    EXPECT_EQ(file.entries().at("a").offset % 8, 0);
    write_safetensors(folder / "two", Tensors{{"a", tensor}, {"b", tensor}});
    EXPECT_EQ(content_of(folder / "one"), content_of(folder / "two"));
}

TEST(Safetensors, WritesStridedTensorsInRowMajorOrder) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensor tensor = random_tensor(test.context, {3, 4, 5}, DType::BFloat16, 1);
    const Tensor view = tensor.transpose(0, 2).slice(1, 1, 3);
    write_safetensors(folder / "a", Tensors{{"w", view}});
    EXPECT_EQ(to_doubles(SafetensorsFile::open(folder / "a").tensor("w")), to_doubles(view));
}

TEST(Safetensors, WritesOverAFileThatItReadsFrom) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"w", random_tensor(test.context, {64}, DType::Float32, 1)}});
    const Tensor view = SafetensorsFile::open(folder / "a").tensor("w");
    write_safetensors(folder / "a", Tensors{{"v", view}, {"w", view}});
    const SafetensorsFile again = SafetensorsFile::open(folder / "a");
    EXPECT_TRUE(same_bits(again.tensor("v"), random_tensor(test.context, {64}, DType::Float32, 1)));
    EXPECT_TRUE(same_bits(again.tensor("w"), view));
}

TEST(Safetensors, LeavesTheOldFileWhenWritingFails) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensor tensor = random_tensor(test.context, {2}, DType::Float32, 1);
    write_safetensors(folder / "a", Tensors{{"w", tensor}});
    const std::string before = content_of(folder / "a");
    expect_error(ErrorCode::Output, "a name or a metadata text is not UTF-8", [&] {
        write_safetensors(folder / "a", Tensors{{"\xff", tensor}});
    });
    expect_error(ErrorCode::Output, "cannot be called __metadata__", [&] {
        write_safetensors(folder / "a", Tensors{{"__metadata__", tensor}});
    });
    expect_error(ErrorCode::Output, "cannot create", [&] {
        write_safetensors(folder / "no/a", Tensors{{"w", tensor}});
    });
    EXPECT_EQ(content_of(folder / "a"), before);
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(Safetensors, TakesAHundredThousandTensors) {
    std::string header = "{";
    for (int i = 0; i < 100'000; ++i) {
        header +=
            fmt::format(R"({}"block.{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", i == 0 ? "" : ",", i);
    }
    const TemporaryFolder folder;
    const SafetensorsFile file = SafetensorsFile::open(folder.write("a", safetensors_bytes(header + "}", 0)));
    EXPECT_EQ(file.entries().size(), 100'000u);
}

}  // namespace
}  // namespace kine
