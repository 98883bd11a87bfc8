#include "parallel/reshard.h"

#include "parallel/launch.h"
#include "parallel/partition.h"
#include "parallel/strategies/strategies.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

constexpr Layout kWhole{Split::None};
constexpr Layout kBatch{Split::Batch};
constexpr Layout kFrames{Split::Frames};
constexpr Layout kPatches{Split::Patches};
constexpr Layout kHeads{Split::Heads};

/// Awkward for every rank count, with a rank or two left empty where T is short.
const Shape kShapes[] = {{2, 5, 77, 3}, {1, 1, 4, 2}, {2, 3, 2, 1}};

Tensor tokens(const Context& context, const Shape& whole) { return random_tensor(context, whole, DType::Float32, 7); }

/// What `communicator`'s rank should hold in `layout`, cut from the whole element by element.
Tensor local_part(const Context& context, const Tensor& whole, Layout layout, const Communicator& communicator) {
    if (layout.split == Split::None) return whole;
    const int axis = axis_of(layout.split);
    const Range range = partition(whole.dim(axis), communicator.rank(), communicator.size());
    Shape shape = whole.shape();
    shape.set(axis, range.size());
    Tensor part = Tensor::empty(context, shape, whole.dtype());
    float* out = part.data<float>();
    const Tensor view = whole.slice(axis, range.begin, range.end);
    for (const double value : to_doubles(view)) *out++ = static_cast<float>(value);
    return part;
}

/// Bytes that rank's local part in `from` must send so that all others come to `to`.
int64_t bytes_to_others(const Shape& whole, Layout from, Layout to, const Communicator& communicator) {
    const auto part = [&](Layout layout) {
        return partition(whole[axis_of(layout.split)], communicator.rank(), communicator.size()).size();
    };
    if (communicator.size() == 1 || from == to || from.split == Split::None) return 0;
    const int64_t row = 4 * whole.elements() / whole[axis_of(from.split)];
    if (to.split == Split::None) return part(from) * row * (communicator.size() - 1);
    const int64_t foreign = whole[axis_of(to.split)] - part(to);
    return part(from) * foreign * row / whole[axis_of(to.split)];
}

void expect_every_change(const Shape& whole, Communicator& communicator, const Context& context) {
    const Tensor all = tokens(context, whole);
    for (const Layout from : {kWhole, kBatch, kFrames, kPatches}) {
        for (const Layout to : {kWhole, kBatch, kFrames, kPatches}) {
            const int64_t before = communicator.traffic().bytes_sent;
            const Tensor moved =
                reshard(context, communicator, local_part(context, all, from, communicator), whole, from, to);
            EXPECT_TRUE(same_bits(moved, local_part(context, all, to, communicator)));
            EXPECT_EQ(communicator.traffic().bytes_sent - before, bytes_to_others(whole, from, to, communicator));
        }
    }
}

TEST(Reshard, RealisesEveryPairOfLayoutsAndSendsNoByteTooMany) {
    for (int ranks = 1; ranks <= 4; ++ranks) {
        for (const Shape& whole : kShapes) {
            launch(ranks, [&](Communicator& communicator) {
                const TestContext test(1);
                expect_every_change(whole, communicator, test.context);
            });
        }
    }
}

TEST(Reshard, DealsOutHeadsUnevenlyAndTakesThemBack) {
    for (int ranks = 1; ranks <= 5; ++ranks) {  // three heads: some ranks get none
        launch(ranks, [](Communicator& communicator) {
            const TestContext test(1);
            const Shape whole{2, 5, 4, 3, 2};  // [B, T, S, H, D]
            const Tensor all = random_tensor(test.context, whole, DType::Float32, 7);
            const Tensor frames = local_part(test.context, all, kFrames, communicator);
            const Tensor heads = reshard(test.context, communicator, frames, whole, kFrames, kHeads);
            EXPECT_TRUE(same_bits(heads, local_part(test.context, all, kHeads, communicator)));
            EXPECT_TRUE(same_bits(reshard(test.context, communicator, heads, whole, kHeads, kFrames), frames));
        });
    }
}

TEST(Reshard, RefusesHeadsOfTokensWithoutThem) {
    const TestContext test(1);
    const auto communicator = make_single_communicator();
    EXPECT_THROW(reshard(test.context, *communicator, tokens(test.context, kShapes[0]), kShapes[0], kFrames, kHeads),
                 Error);
}

TEST(Reshard, HandsTheSameTensorBackWhereNothingChanges) {
    launch(3, [](Communicator& communicator) {
        const TestContext test(1);
        const Tensor part = local_part(test.context, tokens(test.context, kShapes[0]), kFrames, communicator);
        EXPECT_EQ(reshard(test.context, communicator, part, kShapes[0], kFrames, kFrames).raw(), part.raw());
        EXPECT_EQ(communicator.traffic().calls, 0);
    });
}

TEST(Reshard, NeedsNoRanks) {
    const TestContext test(1);
    const auto communicator = make_single_communicator();
    const Tensor all = tokens(test.context, kShapes[0]);
    EXPECT_EQ(reshard(test.context, *communicator, all, kShapes[0], kFrames, kPatches).raw(), all.raw());
    EXPECT_EQ(communicator->traffic().calls, 0);
}

TEST(Reshard, MovesEveryDType) {
    launch(2, [](Communicator& communicator) {
        const TestContext test(1);
        const Shape whole{2, 3, 5, 4};
        const Tensor all = random_tensor(test.context, whole, DType::BFloat16, 3);
        const Tensor frames = reshard(test.context, communicator, all, whole, kWhole, kFrames);
        const Tensor patches = reshard(test.context, communicator, frames, whole, kFrames, kPatches);
        EXPECT_TRUE(same_bits(reshard(test.context, communicator, patches, whole, kPatches, kWhole), all));
    });
}

TEST(Reshard, TakesViewsToo) {
    launch(2, [](Communicator& communicator) {
        const TestContext test(1);
        const Shape whole{2, 3, 5, 4};
        const Tensor all = tokens(test.context, whole);
        const int rank = communicator.rank();
        const Range frames = partition(3, rank, 2);
        const Tensor view = all.slice(1, frames.begin, frames.end);
        EXPECT_TRUE(same_bits(reshard(test.context, communicator, view, whole, kFrames, kWhole), all));
    });
}

TEST(Reshard, SaysWhatItExpectedOfTheLocalPart) {
    const TestContext test(1);
    const auto communicator = make_single_communicator();
    try {
        reshard(test.context, *communicator, tokens(test.context, {1, 2, 3, 4}), {1, 2, 4, 4}, kFrames, kWhole);
        FAIL() << "a part of the wrong shape was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Bug);
        EXPECT_NE(std::string(error.what()).find("[1, 2, 4, 4] (split by frames"), std::string::npos) << error.what();
    }
}

/// A block pair's walk through the layouts of a strategy; values are only moved.
void expect_round_trip(const Strategy& strategy, const Shape& whole, Communicator& communicator,
                       const Context& context) {
    const Tensor all = tokens(context, whole);
    const auto move = [&](const Tensor& x, Layout from, Layout to) {
        return reshard(context, communicator, x, whole, from, to);
    };
    Tensor x = move(all, kWhole, strategy.resident);
    for (const Layout needed : {strategy.spatial, strategy.temporal}) {
        x = move(move(x, strategy.resident, needed), needed, strategy.resident);
        EXPECT_TRUE(same_bits(x, local_part(context, all, strategy.resident, communicator))) << strategy.name;
    }
    EXPECT_TRUE(same_bits(move(x, strategy.resident, kWhole), all)) << strategy.name;
}

/// [B, T, S, H, D], awkward for every count of ranks.
const Shape kHeadedShapes[] = {{2, 5, 77, 3, 1}, {1, 1, 4, 2, 3}, {2, 3, 2, 5, 2}};

TEST(Strategies, GiveBackTheSameBitsOnAnyNumberOfRanks) {
    for (const Strategy& strategy : strategies()) {
        for (int ranks = 1; ranks <= 4; ++ranks) {
            for (const Shape& whole : kHeadedShapes) {
                launch(ranks, [&](Communicator& communicator) {
                    const TestContext test(1);
                    expect_round_trip(strategy, whole, communicator, test.context);
                });
            }
        }
    }
}

TEST(Strategies, LetQueriesMeetAllKeysSomehow) {
    for (const Strategy& strategy : strategies()) {
        for (const Attended attended : {Attended::Patches, Attended::Frames, Attended::All}) {
            const bool is_whole = !is_cut(strategy.queries_of(attended), attended);
            EXPECT_TRUE(is_whole || strategy.gathers(attended) || strategy.merges(attended) || strategy.sums(attended))
                << strategy.name;
            EXPECT_FALSE(strategy.is_exact() && (strategy.merges(attended) || strategy.sums(attended)))
                << strategy.name;
        }
    }
}

TEST(Strategies, AreFoundByTheirNames) {
    for (const Strategy& strategy : strategies()) {
        EXPECT_EQ(&find_strategy(strategy.name), &strategy);
        EXPECT_FALSE(strategy.summary.empty());
    }
    EXPECT_THROW(find_strategy("hexagon"), Error);
}

TEST(Strategies, OfDspSendTheirShareTwiceForEachPairOfBlocks) {
    const Shape whole{2, 6, 12, 5};
    const int64_t bytes = 4 * whole.elements();
    for (const char* name : {"dsp_frames", "dsp_patches"}) {
        const Strategy& strategy = find_strategy(name);
        launch(3, [&](Communicator& communicator) {
            const TestContext test(1);
            const auto move = [&](const Tensor& x, Layout from, Layout to) {
                return reshard(test.context, communicator, x, whole, from, to);
            };
            Tensor x = move(tokens(test.context, whole), kWhole, strategy.resident);
            for (const Layout needed : {strategy.spatial, strategy.temporal}) {
                x = move(move(x, strategy.resident, needed), needed, strategy.resident);
            }
            // Dynamic sequence parallelism: 2 M / N a pair, of which (N - 1) / N leaves the rank.
            EXPECT_EQ(communicator.traffic().calls, 2);
            EXPECT_EQ(communicator.traffic().bytes_sent, 2 * bytes / 3 * 2 / 3);
            EXPECT_EQ(communicator.traffic().bytes_received, 2 * bytes / 3 * 2 / 3);
        });
    }
}

}  // namespace
}  // namespace kine::parallel
