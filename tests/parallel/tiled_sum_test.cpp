// Sums over ranks, tile by tile, against one rank that makes all parts.
#include "parallel/tiled_sum.h"

#include "kernels/elementwise/elementwise.h"
#include "parallel/launch.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

struct Row {
    Split split;
    int tile_axis;
};

/// What rank r adds: its number times the tokens. Small whole numbers, so that sums are exact.
Tensor part_of(const Context& context, const Tensor& tokens, int rank) {
    return kernels::scale(context, tokens, static_cast<float>(rank + 1));
}

Tensor whole_numbers(const Context& context, const Shape& shape) {
    Tensor x = Tensor::empty(context, shape, DType::Float32);
    for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = static_cast<float>(i % 251);
    return x;
}

TEST(TiledSum, GivesEachRankTheSumOfItsTokens) {
    for (const Row& row : {Row{Split::Frames, 2}, Row{Split::Patches, 1}, Row{Split::Patches, 0}}) {
        for (int ranks = 2; ranks <= 4; ++ranks) {
            SCOPED_TRACE(fmt::format("axis {} on {} ranks", row.tile_axis, ranks));
            const Shape whole{2, 3, 7, 5};  // of 4 ranks one has no frame
            launch(ranks, [&](Communicator& communicator) {
                const TestContext test(1);
                const Tensor all = whole_numbers(test.context, whole);
                const int axis = axis_of(row.split), rank = communicator.rank();
                const Range own = partition(whole[axis], rank, ranks);
                const Tensor x = all.slice(axis, own.begin, own.end);
                const Tiling tiling{whole, {row.split}, row.tile_axis};
                int64_t next = 0;
                const Tensor sum =
                    tiled_sum(test.context, communicator, x, tiling, [&](const Tensor& tokens, Range rows) {
                        EXPECT_EQ(rows.begin, next);
                        next = rows.end;
                        EXPECT_EQ(to_doubles(tokens), to_doubles(all.slice(row.tile_axis, rows.begin, rows.end)));
                        return part_of(test.context, tokens, rank);
                    });
                EXPECT_EQ(next, whole[row.tile_axis]);
                const float shares = static_cast<float>(ranks * (ranks + 1)) / 2;
                EXPECT_EQ(sum.shape(), x.shape());
                const Tensor want = kernels::scale(test.context, all, shares);
                EXPECT_EQ(to_doubles(sum), to_doubles(want.slice(axis, own.begin, own.end)));
            });
        }
    }
}

TEST(TiledSum, MovesAllTokensInAndAllPartsOutOnce) {
    const Shape whole{1, 2, 6, 1};
    launch(2, [&](Communicator& communicator) {
        const TestContext test(1);
        const Tensor all = whole_numbers(test.context, whole);
        const Tensor x = all.slice(1, communicator.rank(), communicator.rank() + 1);
        tiled_sum(test.context, communicator, x, {whole, {Split::Frames}, 2},
                  [&](const Tensor& tokens, Range) { return tokens; });
        EXPECT_EQ(communicator.traffic().bytes_sent, 4 * (6 + 6));
        EXPECT_EQ(communicator.traffic().calls, tiles_of(6) + 2);
    });
}

}  // namespace
}  // namespace kine::parallel
