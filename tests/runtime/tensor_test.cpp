#include "runtime/tensor/tensor.h"

#include "tests/runtime/errors.h"
#include "tests/support/random.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <numeric>

namespace kine {
namespace {

Tensor counted(const Context& context, const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    std::iota(values.begin(), values.end(), 0.0f);
    return Tensor::of(context, shape, std::span<const float>(values));
}

using Values = std::vector<double>;

TEST(Shape, CountsItsElements) {
    EXPECT_EQ(Shape().elements(), 1);
    EXPECT_EQ((Shape{2, 0, 3}).elements(), 0);
    EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
    expect_error(ErrorCode::BadInput, "too many elements", [] { (Shape{int64_t{1} << 40, 1 << 24}).elements(); });
}

TEST(Shape, CountsAxesFromTheEnd) {
    const Shape shape{2, 3, 4};
    EXPECT_EQ(shape[-1], 4);
    EXPECT_EQ(shape.index(-3), 0);
    expect_error(ErrorCode::Bug, "no axis 3", [&] { shape.index(3); });
    expect_error(ErrorCode::Bug, "no axis -4", [&] { shape.index(-4); });
}

TEST(Shape, RefusesNegativeSizesAndTooManyAxes) {
    expect_error(ErrorCode::Bug, "negative size -1", [] { Shape shape{2, -1}; });
    expect_error(ErrorCode::Bug, "more than 8 axes", [] { Shape shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; });
}

TEST(Tensor, IsFalseUntilItHasStorage) {
    TestContext test;
    EXPECT_FALSE(static_cast<bool>(Tensor()));
    EXPECT_TRUE(static_cast<bool>(Tensor::zeros(test.context, {0}, DType::Float32)));
}

TEST(Tensor, SlicesWithoutCopying) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 4});
    const Tensor view = tensor.slice(1, 1, 3);
    EXPECT_EQ(view.shape(), (Shape{2, 2}));
    EXPECT_EQ(to_doubles(view), (Values{1, 2, 5, 6}));
    EXPECT_EQ(view.raw(), tensor.raw() + 4);
    EXPECT_FALSE(view.is_contiguous());
    EXPECT_TRUE(tensor.slice(0, 1, 2).is_contiguous());
    EXPECT_EQ(tensor.slice(1, 2, 2).elements(), 0);
}

TEST(Tensor, SelectsARow) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 3, 2});
    EXPECT_EQ(to_doubles(tensor.select(1, 2)), (Values{4, 5, 10, 11}));
    EXPECT_EQ(tensor.select(-1, 0).shape(), (Shape{2, 3}));
}

TEST(Tensor, TransposesTwoAxes) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 3});
    EXPECT_EQ(to_doubles(tensor.transpose(0, 1)), (Values{0, 3, 1, 4, 2, 5}));
    EXPECT_EQ(tensor.transpose(0, -1).shape(), (Shape{3, 2}));
}

TEST(Tensor, InsertsAnAxisAnywhere) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 3});
    EXPECT_EQ(tensor.unsqueeze(0).shape(), (Shape{1, 2, 3}));
    EXPECT_EQ(tensor.unsqueeze(1).shape(), (Shape{2, 1, 3}));
    EXPECT_EQ(tensor.unsqueeze(2).shape(), (Shape{2, 3, 1}));
    for (const int axis : {0, 1, 2}) {
        EXPECT_EQ(to_doubles(tensor.unsqueeze(axis)), to_doubles(tensor));
        EXPECT_TRUE(tensor.unsqueeze(axis).is_contiguous());
    }
}

TEST(Tensor, SplitsAnAxisOfAnyStride) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 6});
    const Tensor split = tensor.transpose(0, 1).split(0, 3);
    EXPECT_EQ(split.shape(), (Shape{3, 2, 2}));
    EXPECT_EQ(to_doubles(split.select(0, 1)), (Values{2, 8, 3, 9}));
    expect_error(ErrorCode::Bug, "does not split into 4", [&] { tensor.split(1, 4); });
}

TEST(Tensor, ReshapesOnlyWhatIsContiguous) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 6});
    EXPECT_EQ(to_doubles(tensor.slice(0, 1, 2).reshape({3, 2})), (Values{6, 7, 8, 9, 10, 11}));
    expect_error(ErrorCode::Bug, "cannot view", [&] { tensor.transpose(0, 1).reshape({12}); });
    expect_error(ErrorCode::Bug, "cannot view [2, 6] as [5]", [&] { tensor.reshape({5}); });
}

TEST(Tensor, RefusesSlicesOutside) {
    TestContext test;
    const Tensor tensor = counted(test.context, {2, 6});
    expect_error(ErrorCode::Bug, "slice 3..7", [&] { tensor.slice(1, 3, 7); });
    expect_error(ErrorCode::Bug, "slice 4..3", [&] { tensor.slice(1, 4, 3); });
    expect_error(ErrorCode::Bug, "slice -1..1", [&] { tensor.slice(1, -1, 1); });
}

TEST(Tensor, IsUniqueOnlyWhileNobodyElseHoldsIt) {
    TestContext test;
    const Tensor tensor = counted(test.context, {4});
    EXPECT_TRUE(tensor.is_unique());
    {
        const Tensor view = tensor.slice(0, 0, 1);
        EXPECT_FALSE(tensor.is_unique());
    }
    EXPECT_TRUE(tensor.is_unique());
    const auto memory = std::make_shared<std::vector<float>>(4);
    const Tensor borrowed = Tensor::over(Storage::borrow(memory->data(), 16, memory), 0, {4}, DType::Float32);
    EXPECT_FALSE(borrowed.is_unique());
}

TEST(Tensor, KeepsForeignMemoryAlive) {
    auto memory = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
    const std::weak_ptr<std::vector<float>> watch = memory;
    {
        const Tensor tensor = Tensor::over(Storage::borrow(memory->data(), 16, memory), 8, {2}, DType::Float32);
        memory.reset();
        EXPECT_FALSE(watch.expired());
        EXPECT_EQ(to_doubles(tensor), (Values{3, 4}));
    }
    EXPECT_TRUE(watch.expired());
}

TEST(Tensor, RefusesToReachPastItsStorage) {
    const auto memory = std::make_shared<std::vector<float>>(4);
    const auto storage = Storage::borrow(memory->data(), 16, memory);
    const auto over = [&](int64_t offset) { return Tensor::over(storage, offset, {2}, DType::Float32); };
    expect_error(ErrorCode::Bug, "reaches past", [&] { over(12); });
    expect_error(ErrorCode::Bug, "reaches past", [&] { over(-4); });
    expect_error(ErrorCode::Bug, "reaches past", [&] { over(6); });
}

TEST(Tensor, IsReadOnlyAsWhatItIs) {
    TestContext test;
    const Tensor tensor = counted(test.context, {4});
    expect_error(ErrorCode::Bug, "tensor is f32, read as bf16", [&] { tensor.data<BFloat16>(); });
}

TEST(Tensor, SaysWhenASizeOverflows) {
    TestContext test;
    expect_error(ErrorCode::DoesNotFit, "size overflows",
                 [&] { Tensor::empty(test.context, {int64_t{1} << 62}, DType::Float32); });
}

TEST(Device, IsParsedFromText) {
    EXPECT_EQ(parse_device("cpu"), Device{});
    EXPECT_EQ(to_string(Device{DeviceKind::Cuda, 1}), "cuda:1");
    expect_error(ErrorCode::Usage, "got 'gpu'", [] { parse_device("gpu"); });
}

TEST(Device, OrSeveralGpusAre) {
    const Device first{DeviceKind::Cuda, 0}, third{DeviceKind::Cuda, 2};
    EXPECT_EQ(parse_devices("cpu"), std::vector{Device{}});
    EXPECT_EQ(parse_devices("cuda"), std::vector{first});
    EXPECT_EQ(parse_devices("cuda:2,0"), (std::vector{third, first}));
    EXPECT_EQ(parse_devices("cuda:2,cuda:0"), (std::vector{third, first}));
    expect_error(ErrorCode::Usage, "got 'cpu,cuda:1'", [] { parse_devices("cpu,cuda:1"); });
    expect_error(ErrorCode::Usage, "got 'cpu,1'", [] { parse_devices("cpu,1"); });
    expect_error(ErrorCode::Usage, "got 'cuda:0,cpu'", [] { parse_devices("cuda:0,cpu"); });
    expect_error(ErrorCode::Usage, "cuda:1 is named twice in 'cuda:1,1'", [] { parse_devices("cuda:1,1"); });
    expect_error(ErrorCode::Usage, "got ''", [] { parse_devices("cuda:0,"); });
    expect_error(ErrorCode::Usage, "got ''", [] { parse_devices(""); });
}

}  // namespace
}  // namespace kine
