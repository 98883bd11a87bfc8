// Switches in tiles against bare ones: reshard, compute, reshard.
#include "parallel/tiled_switch.h"

#include "kernels/elementwise/elementwise.h"
#include "parallel/launch.h"
#include "parallel/parts.h"
#include "parallel/planner/volume.h"
#include "parallel/reshard.h"
#include "parallel/tile_pipeline.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>

namespace kine::parallel {
namespace {

constexpr int kMostRanks = 5;
constexpr int kHeadAxis = axis_of(Split::Heads);

/// Awkward for every count of ranks, with ranks left without frames, patches or heads, and tiles without rows.
const SwitchedTokens kSwitches[] = {
    {{2, 5, 7, 3}, {2, 5, 7, 3}, {Split::Frames}, {Split::Patches}, 0},
    {{3, 2, 7, 3}, {3, 2, 7, 3}, {Split::Patches}, {Split::Frames}, 0},
    {{1, 5, 7, 3}, {1, 5, 7, 3}, {Split::Patches}, {Split::Frames}, 0},
    {{2, 5, 9, 3}, {2, 5, 9, 3}, {Split::Frames}, {Split::Patches}, 2},
    {{2, 5, 4, 3, 7, 2}, {2, 5, 4, 7, 2}, {Split::Frames}, {Split::Heads}, kHeadAxis},
    {{1, 2, 3, 3, 3, 2}, {1, 2, 3, 3, 2}, {Split::Patches}, {Split::Heads}, kHeadAxis},
};

std::string name_of(const SwitchedTokens& change, int ranks) {
    return fmt::format("{} along axis {} on {} ranks", to_string(change.tokens), change.tile_axis, ranks);
}

Tensor tokens_of(const Context& context, const SwitchedTokens& change) {
    return random_tensor(context, change.tokens, DType::Float32, 7);
}

Tensor part_of(const Tensor& whole, Layout layout, const Communicator& communicator) {
    const int axis = axis_of(layout.split);
    const Range own = partition(whole.dim(axis), communicator.rank(), communicator.size());
    return whole.slice(axis, own.begin, own.end);
}

/// Of tokens with queries, keys and values, something that each value has a say in.
Tensor results_of(const Context& context, const Tensor& tokens) {
    if (tokens.elements() == 0 || tokens.rank() == 4) return packed(context, tokens);
    const Tensor sum =
        kernels::add(context, packed(context, tokens.select(3, 0)), packed(context, tokens.select(3, 1)));
    return kernels::add(context, sum, packed(context, tokens.select(3, 2)));
}

Tensor computed(const Context& context, const SwitchedTokens& change, const Tensor& tokens) {
    if (tokens.elements() > 0) return kernels::scale(context, results_of(context, tokens), 3);
    Shape shape = tokens.shape();
    if (tokens.rank() > change.results.rank()) shape = {shape[0], shape[1], shape[2], shape[4], shape[5]};
    return Tensor::empty(context, shape, tokens.dtype());
}

/// With as many tiles as may be; expects of each tile that it has the tokens that it should.
void expect_bits_and_bytes_of_bare_ones(const SwitchedTokens& change, Communicator& communicator) {
    const TestContext test(1);
    const Tensor all = tokens_of(test.context, change);
    const Tensor x = part_of(all, change.resident, communicator);
    const Tensor away = part_of(all, change.needed, communicator);
    const int tiles = tiles_of(change, 4, communicator.size(), 1);
    const bool cuts_own_part = change.tile_axis == axis_of(change.needed.split);
    const Range own = partition(all.dim(change.tile_axis), communicator.rank(), communicator.size());
    int64_t next = cuts_own_part ? own.begin : 0;
    const int64_t first = next;
    int computed_tiles = 0;
    communicator.set_least_tile_bytes(1);
    const Tensor got = tiled_switch(test.context, communicator, x, change, [&](const Tensor& tokens, Range rows) {
        EXPECT_EQ(rows.begin, next);
        next = rows.end;
        ++computed_tiles;
        EXPECT_TRUE(same_bits(
            tokens, packed(test.context, away.slice(change.tile_axis, rows.begin - first, rows.end - first))));
        return computed(test.context, change, tokens);
    });
    EXPECT_EQ(next, cuts_own_part ? own.end : all.dim(change.tile_axis));
    EXPECT_EQ(computed_tiles, tiles);
    const Traffic tiled = communicator.traffic();
    const Tensor seen = reshard(test.context, communicator, x, change.tokens, change.resident, change.needed);
    const Tensor want = reshard(test.context, communicator, computed(test.context, change, seen), change.results,
                                change.needed, change.resident);
    EXPECT_TRUE(same_bits(got, want));
    EXPECT_EQ(tiled.calls, communicator.size() == 1 ? 0 : calls_of_tiles(tiles));
    EXPECT_EQ(2 * tiled.bytes_sent, communicator.traffic().bytes_sent);
    EXPECT_EQ(2 * tiled.bytes_received, communicator.traffic().bytes_received);
}

TEST(TiledSwitch, HasTheBitsAndBytesOfBareOnes) {
    for (const SwitchedTokens& change : kSwitches) {
        for (int ranks = 1; ranks <= kMostRanks; ++ranks) {
            SCOPED_TRACE(name_of(change, ranks));
            launch(ranks, [&](Communicator& communicator) {
                communicator.set_timeout(20);
                expect_bits_and_bytes_of_bare_ones(change, communicator);
            });
        }
    }
}

TEST(TiledSwitch, IsCutAsFarAsMessagesStayLarge) {
    const SwitchedTokens branches{{2, 8, 64, 128}, {2, 8, 64, 128}, {Split::Frames}, {Split::Patches}, 0};
    const int64_t bytes = 2 * 8 * 64 * 128 * 4 / 4;  // of a rank of four
    EXPECT_EQ(tiles_of(branches, 4, 4, bytes), 1);
    EXPECT_EQ(tiles_of(branches, 4, 4, bytes / 2 + 1), 1);
    EXPECT_EQ(tiles_of(branches, 4, 4, bytes / 2), 2);
    EXPECT_EQ(tiles_of(branches, 4, 4, 1), 2) << "there are two branches";
    EXPECT_EQ(tiles_of(branches, 4, 4), 1) << "a MiB";
    EXPECT_EQ(tiles_of(branches, 4, 1, 1), 1) << "nobody to switch with";
    SwitchedTokens heads{{2, 8, 64, 3, 16, 8}, {2, 8, 64, 16, 8}, {Split::Frames}, {Split::Heads}, kHeadAxis};
    EXPECT_EQ(tiles_of(heads, 4, 2, 1), kMostTiles);
    EXPECT_EQ(tiles_of(heads, 4, 5, 1), 4) << "the first rank has four heads";
    EXPECT_EQ(tiles_of(heads, 4, 8, 1), 2);
    EXPECT_EQ(tiles_of(heads, 4, 2, 2 * bytes / 3), 3);
    EXPECT_EQ(tiles_of(heads, 2, 2, 2 * bytes / 3), 1) << "half as many bytes";
    heads.needed = heads.resident;
    EXPECT_EQ(tiles_of(heads, 4, 2, 1), 1) << "nothing moves";
}

/// Large enough for the bound that runs have.
TEST(TiledSwitch, MakesTheCallsThatThePlannerSays) {
    const Shape tokens{2, 16, 2048, 64};
    const Work work{.tokens = tokens, .heads = 8, .steps = 0, .temporal = {.calls = 1}};
    const std::pair<const char*, SwitchedTokens> rows[] = {
        {"dsp_frames", {tokens, tokens, {Split::Frames}, {Split::Patches}, 0}},
        {"ulysses_frames", {{2, 16, 2048, 3, 8, 8}, {2, 16, 2048, 8, 8}, {Split::Frames}, {Split::Heads}, kHeadAxis}}};
    for (const auto& [name, change] : rows) {
        EXPECT_GT(tiles_of(change, 4, 2), 1) << name;
        launch(2, [&](Communicator& communicator) {
            const TestContext test(1);
            const Tensor x = part_of(tokens_of(test.context, change), change.resident, communicator);
            tiled_switch(test.context, communicator, x, change,
                         [&](const Tensor& seen, Range) { return computed(test.context, change, seen); });
            const Sent said = bytes_sent(work, find_strategy(name), communicator.rank(), 2);
            EXPECT_EQ(communicator.traffic().calls, said.calls) << name;
            EXPECT_EQ(communicator.traffic().bytes_sent, said.bytes) << name;
        });
    }
}

TEST(TiledSwitch, BeginsTheNextExchangeBeforeItComputes) {
    const SwitchedTokens& change = kSwitches[4];
    launch(2, [&](Communicator& communicator) {
        TestContext test(1);
        test.profiler.enable();
        communicator.set_least_tile_bytes(1);
        tiled_switch(test.context, communicator,
                     part_of(tokens_of(test.context, change), change.resident, communicator), change,
                     [&](const Tensor& tokens, Range) {
                         const ProfileZone zone(test.profiler, "tile");
                         return computed(test.context, change, tokens);
                     });
        std::string order;
        for (const Profiler::Event& event : test.profiler.events())
            if (event.name == "post" || event.name == "tile" || event.name == "send_receive") order += event.name + " ";
        std::string want = "post send_receive ";
        for (int tile = 0; tile < 4; ++tile) want += "post tile send_receive ";
        EXPECT_EQ(order, want + "post send_receive ");
    });
}

TEST(TiledSwitch, ReleasesTheOthersWhereATileFails) {
    const SwitchedTokens& change = kSwitches[4];
    for (int failing = 0; failing < 3; ++failing) {
        std::atomic<int> released = 0;
        const auto run = [&](Communicator& communicator) {
            const TestContext test(1);
            communicator.set_timeout(20);
            communicator.set_least_tile_bytes(1);
            const Tensor x = part_of(tokens_of(test.context, change), change.resident, communicator);
            int tile = 0;
            try {
                tiled_switch(test.context, communicator, x, change, [&](const Tensor& tokens, Range) {
                    if (communicator.rank() == 1 && tile++ == failing) throw std::runtime_error("a tile failed");
                    return computed(test.context, change, tokens);
                });
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::Rank);
                EXPECT_NE(std::string(error.what()).find("rank 1 failed: a tile failed"), std::string::npos)
                    << error.what();
                ++released;
                throw;
            }
        };
        EXPECT_THROW(launch(3, run), std::runtime_error);
        EXPECT_EQ(released, 2) << "tile " << failing;
    }
}

/// What two ranks are told of a switch of which rank 1 has a frame too many, or makes too much, or of another type.
std::string refusal(const SwitchedTokens& change, int64_t more_frames, int64_t more_patches, DType dtype) {
    try {
        launch(2, [&](Communicator& communicator) {
            const TestContext test(1);
            communicator.set_least_tile_bytes(1);
            const Tensor own = part_of(tokens_of(test.context, change), change.resident, communicator);
            Shape shape = own.shape();
            shape.set(1, shape[1] + more_frames);
            tiled_switch(test.context, communicator, Tensor::zeros(test.context, shape, DType::Float32), change,
                         [&](const Tensor& tokens, Range) {
                             Shape result = tokens.shape();
                             result.set(2, result[2] + more_patches);
                             return Tensor::zeros(test.context, result, dtype);
                         });
        });
    } catch (const Error& error) {
        return error.code() == ErrorCode::Bug ? error.what() : "not as a bug";
    }
    return "";
}

TEST(TiledSwitch, RefusesOtherShapesAndTypes) {
    for (const size_t row : {size_t{0}, size_t{2}}) {  // in two tiles, and bare
        const SwitchedTokens& change = kSwitches[row];
        SCOPED_TRACE(row);
        EXPECT_EQ(refusal(change, 0, 0, DType::Float32), "");
        EXPECT_NE(refusal(change, 1, 0, DType::Float32).find(" expected ["), std::string::npos);
        EXPECT_NE(refusal(change, 0, 1, DType::Float32).find("expected "), std::string::npos);
        EXPECT_NE(refusal(change, 0, 0, DType::BFloat16).find("expected results"), std::string::npos);
    }
    SwitchedTokens along_home = kSwitches[0];
    along_home.tile_axis = 1;
    EXPECT_EQ(refusal(along_home, 0, 0, DType::Float32), "tiled_switch: tiles along axis 1, which ranks share out");
}

/// The pipeline's promise: what is computed between two switches calls nobody.
TEST(TiledSwitch, HasNoCallsWithin) {
    for (const Strategy& strategy : strategies()) {
        for (const Attended attended : {Attended::Patches, Attended::Frames, Attended::All}) {
            const Layout queries = strategy.queries_of(attended);
            if (queries == strategy.resident || queries.split == Split::Heads) continue;
            EXPECT_FALSE(strategy.merges(attended) || strategy.gathers(attended) || strategy.sums(attended))
                << strategy.name;
        }
    }
}

}  // namespace
}  // namespace kine::parallel
