#include "kernels/move/move.h"

#include "kernels/patch/patch.h"
#include "kernels/resample/resample.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <numeric>

namespace kine::kernels {
namespace {

constexpr DType kBoth[] = {DType::Float32, DType::BFloat16};

Tensor counting(const Context& context, const Shape& shape, DType dtype) {
    std::vector<double> values(static_cast<size_t>(shape.elements()));
    std::iota(values.begin(), values.end(), 0.0);
    return from_doubles(context, shape, dtype, values);
}

TEST(Contiguous, CopiesAnyViewOfAnyType) {
    TestContext test;
    for (const DType dtype : {DType::UInt8, DType::BFloat16, DType::Float32, DType::Int64}) {
        const Tensor x = counting(test.context, {3, 4, 5, 2}, dtype);
        for (const Tensor& view : {x.transpose(0, 3), x.transpose(1, 2), x.slice(2, 1, 4), x.select(1, 2),
                                   x.transpose(0, 1).slice(1, 1, 2), x.slice(3, 1, 2)}) {
            const Tensor got = contiguous(test.context, view);
            EXPECT_TRUE(got.is_contiguous());
            EXPECT_EQ(got.shape(), view.shape());
            EXPECT_EQ(to_doubles(got), to_doubles(view));
        }
    }
}

TEST(Contiguous, ReturnsWhatAlreadyIs) {
    TestContext test;
    const Tensor x = counting(test.context, {3, 4}, DType::Float32);
    EXPECT_EQ(contiguous(test.context, x).raw(), x.raw());
}

TEST(CopyInto, WritesAViewAndNothingBesideIt) {
    TestContext test;
    const Tensor from = counting(test.context, {4, 3}, DType::Float32).transpose(0, 1);
    Tensor to = Tensor::zeros(test.context, {3, 6}, DType::Float32);
    Tensor view = to.slice(1, 1, 5);
    copy_into(test.context, from, view);
    EXPECT_EQ(to_doubles(to), (std::vector<double>{0, 0, 3, 6, 9, 0, 0, 1, 4, 7, 10, 0, 0, 2, 5, 8, 11, 0}));
}

TEST(Concat, JoinsAlongEachAxis) {
    TestContext test;
    const Tensor x = counting(test.context, {4, 3, 5}, DType::BFloat16);
    for (int axis = -3; axis < 3; ++axis) {
        const Tensor parts[] = {x.slice(axis, 0, 1), x.slice(axis, 1, 1), x.slice(axis, 1, x.dim(axis))};
        EXPECT_TRUE(same_bits(concat(test.context, parts, axis), x)) << "axis " << axis;
    }
}

TEST(Concat, RefusesPartsThatDoNotFit) {
    TestContext test;
    const Tensor parts[] = {counting(test.context, {2, 3}, DType::Float32),
                            counting(test.context, {2, 4}, DType::Float32)};
    EXPECT_EQ(concat(test.context, parts, 1).shape(), (Shape{2, 7}));
    EXPECT_THROW(concat(test.context, parts, 0), Error);
    EXPECT_THROW(concat(test.context, {}, 0), Error);
}

TEST(GatherRows, PicksRowsByNumber) {
    TestContext test;
    const Tensor table = counting(test.context, {4, 3}, DType::BFloat16);
    const Tensor ids = from_doubles(test.context, {3}, DType::Int64, {2, 0, 2});
    const Tensor got = gather_rows(test.context, table, ids);
    EXPECT_EQ(got.dtype(), DType::BFloat16);
    EXPECT_EQ(to_doubles(got), (std::vector<double>{6, 7, 8, 0, 1, 2, 6, 7, 8}));
}

TEST(GatherRows, NamesAnIdOutsideTheTable) {
    TestContext test;
    const Tensor table = counting(test.context, {4, 3}, DType::Float32);
    for (const double bad : {4.0, -1.0}) {
        try {
            gather_rows(test.context, table, from_doubles(test.context, {2}, DType::Int64, {0, bad}));
            FAIL() << "no error";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::BadInput);
            EXPECT_EQ(error.what(), fmt::format("gather_rows: id {} at position 1, expected 0 to 3", bad));
        }
    }
}

TEST(Patchify, OrdersVectorsByChannelThenRowAndDropsTheRest) {
    TestContext test;
    const Tensor x = counting(test.context, {1, 2, 2, 5, 7}, DType::Float32);  // [B, C, T, Y, X]
    for (const DType dtype : kBoth) {
        const Tensor got = patchify(test.context, x, 2, dtype);
        ASSERT_EQ(got.shape(), (Shape{1, 2, 6, 8}));
        const std::vector<double> values = to_doubles(got);
        for (size_t i = 0; i < values.size(); ++i) {
            const size_t frame = i / 48;
            const size_t token = i / 8 % 6;
            const size_t y = token / 3 * 2 + i / 2 % 2;
            const size_t column = token % 3 * 2 + i % 2;
            EXPECT_EQ(values[i], static_cast<double>(((i / 4 % 2 * 2 + frame) * 5 + y) * 7 + column));
        }
    }
}

TEST(Patchify, ReadsAnyView) {
    TestContext test;
    const Tensor x = counting(test.context, {2, 3, 4, 4, 2}, DType::Float32).transpose(1, 4);
    EXPECT_TRUE(same_bits(patchify(test.context, x, 1, DType::Float32),
                          patchify(test.context, contiguous(test.context, x), 1, DType::Float32)));
}

TEST(Unpatchify, OrdersVectorsByRowThenChannel) {
    TestContext test;
    for (const DType dtype : kBoth) {
        const Tensor tokens = counting(test.context, {1, 2, 6, 12}, dtype);  // 2 x 3 patches of 2 x 2, 3 channels
        const Tensor got = unpatchify(test.context, tokens, 2, 2, 3);
        ASSERT_EQ(got.shape(), (Shape{1, 3, 2, 4, 6}));
        const std::vector<double> values = to_doubles(got);
        for (size_t i = 0; i < values.size(); ++i) {
            const size_t channel = i / 48;
            const size_t frame = i / 24 % 2;
            const size_t y = i / 6 % 4;
            const size_t x = i % 6;
            const size_t token = frame * 6 + y / 2 * 3 + x / 2;
            EXPECT_EQ(values[i], static_cast<double>(token * 12 + (y % 2 * 2 + x % 2) * 3 + channel));
        }
    }
}

TEST(Resample, RepeatsEveryPixel) {
    TestContext test;
    for (const DType dtype : kBoth) {
        const Tensor got = upsample_nearest_2x(test.context, counting(test.context, {2, 3, 5, 2}, dtype));
        ASSERT_EQ(got.shape(), (Shape{2, 6, 10, 2}));
        const std::vector<double> values = to_doubles(got);
        for (size_t i = 0; i < values.size(); ++i) {
            const size_t row = i / 20;
            EXPECT_EQ(values[i], static_cast<double>((row / 2 * 5 + i / 2 % 10 / 2) * 2 + i % 2));
        }
    }
}

TEST(Resample, TurnsChannelsLastAndBack) {
    TestContext test;
    const Tensor x = counting(test.context, {2, 3, 4, 6}, DType::Float32);  // [N, C, Y, X]
    for (const DType dtype : kBoth) {
        const Tensor last = to_channels_last(test.context, x, dtype);
        EXPECT_EQ(last.dtype(), dtype);
        EXPECT_EQ(to_doubles(last), to_doubles(x.transpose(1, 2).transpose(2, 3)));
        EXPECT_TRUE(same_bits(to_channels_first(test.context, last), x));
    }
    const Tensor view = x.transpose(2, 3).slice(0, 1, 2);
    EXPECT_EQ(to_doubles(to_channels_last(test.context, view, DType::Float32)),
              to_doubles(view.transpose(1, 2).transpose(2, 3)));
}

}  // namespace
}  // namespace kine::kernels
