// Memory of work that recurs: what lies beside what, and that allocations get their places again.
#include "runtime/device/repeated_memory.h"

#include "runtime/device/host/host_allocator.h"
#include "runtime/device/memory_layout.h"
#include "tests/runtime/errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace kine {
namespace {

TEST(MemoryLayout, PutsBlocksOneAfterTheOtherInOnePlace) {
    const Lifetime blocks[] = {{100, 0, 1}, {300, 1, 2}, {200, 2, 3}};
    const MemoryLayout layout = lay_out(blocks, 1);
    EXPECT_EQ(layout.offsets, std::vector<int64_t>({0, 0, 0}));
    EXPECT_EQ(layout.bytes, 300);
}

TEST(MemoryLayout, PutsBlocksThatMeetBesideOneAnother) {
    const Lifetime blocks[] = {{100, 0, 4}, {300, 1, 3}, {50, 2, 5}, {50, 4, 5}};
    const MemoryLayout layout = lay_out(blocks, 1);
    EXPECT_EQ(layout.offsets, std::vector<int64_t>({300, 0, 400, 0}));
    EXPECT_EQ(layout.bytes, 450);
}

TEST(MemoryLayout, AlignsItsOffsets) {
    const Lifetime blocks[] = {{1, 0, 2}, {257, 0, 2}, {0, 0, 2}};
    const MemoryLayout layout = lay_out(blocks, 256);
    EXPECT_EQ(layout.offsets, std::vector<int64_t>({512, 0, 0}));
    EXPECT_EQ(layout.bytes, 768);
}

TEST(MemoryLayout, NeverPutsTwoInOnePlaceAndWastesLittle) {
    std::mt19937 random(1);
    const auto below = [&](int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); };
    for (int round = 0; round < 50; ++round) {
        std::vector<Lifetime> blocks;
        for (int i = 0; i < 60; ++i) {
            const int64_t begin = below(100);
            blocks.push_back({1 + below(1000), begin, begin + 1 + below(20)});
        }
        const MemoryLayout layout = lay_out(blocks, 8);
        int64_t most = 0;
        for (int64_t moment = 0; moment < 120; ++moment) {
            int64_t held = 0;
            for (const Lifetime& block : blocks)
                if (block.begin <= moment && moment < block.end) held += (block.bytes + 7) / 8 * 8;
            most = std::max(most, held);
        }
        EXPECT_GE(layout.bytes, most);
        EXPECT_LE(layout.bytes, 2 * most);
        for (size_t a = 0; a < blocks.size(); ++a) {
            for (size_t b = 0; b < a; ++b) {
                const bool meet = blocks[a].begin < blocks[b].end && blocks[b].begin < blocks[a].end;
                const bool overlap = layout.offsets[a] < layout.offsets[b] + blocks[b].bytes &&
                                     layout.offsets[b] < layout.offsets[a] + blocks[a].bytes;
                EXPECT_FALSE(meet && overlap) << a << " and " << b;
            }
        }
    }
}

/// Three blocks, the first of them held beside the others.
void work(Allocator& memory, std::vector<void*>* seen = nullptr, int64_t first = 1000) {
    void* const a = memory.allocate(first);
    void* const b = memory.allocate(3000);
    memory.release(b, 3000);
    void* const c = memory.allocate(2000);
    memory.release(c, 2000);
    memory.release(a, first);
    if (seen != nullptr) *seen = {a, b, c};
}

TEST(RepeatedMemory, GivesEachAllocationItsPlaceAgain) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    memory.watch([&] { work(memory); });
    const std::optional<MemoryPlan> plan = memory.plan({});
    ASSERT_TRUE(plan);
    const int64_t held = pool.bytes_in_use();
    EXPECT_GE(held, 1000 + 3000);
    EXPECT_LT(held, 1000 + 3000 + 2 * 256 + 2000);
    std::vector<void*> first, second;
    memory.repeat(*plan, [&] { work(memory, &first); });
    memory.repeat(*plan, [&] { work(memory, &second); });
    EXPECT_EQ(first, second);
    EXPECT_EQ(first[1], first[2]);
    EXPECT_NE(first[0], first[1]);
    EXPECT_EQ(pool.bytes_in_use(), held);
}

TEST(RepeatedMemory, IsThePoolsOtherwise) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    void* const block = memory.allocate(100);
    EXPECT_GE(pool.bytes_in_use(), 100);
    memory.release(block, 100);
    EXPECT_EQ(pool.bytes_in_use(), 0);
}

TEST(RepeatedMemory, LeavesWhatHasAPlaceOutOfTheArena) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    std::byte place[3000];
    std::map<size_t, std::byte*> elsewhere;
    memory.watch([&] {
        void* const kept = memory.allocate(3000);
        const auto index = memory.watched_at(kept, 3000);
        ASSERT_TRUE(index);
        EXPECT_FALSE(memory.watched_at(kept, 2000));
        elsewhere[*index] = place;
        memory.release(kept, 3000);
        EXPECT_FALSE(memory.watched_at(kept, 3000));
    });
    const auto plan = memory.plan(elsewhere);
    ASSERT_TRUE(plan);
    EXPECT_EQ(pool.bytes_in_use(), 0);
    memory.repeat(*plan, [&] {
        void* const kept = memory.allocate(3000);
        EXPECT_EQ(kept, place);
        memory.release(kept, 3000);
    });
}

TEST(RepeatedMemory, HasNoPlanForWorkThatKeepsMemory) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    void* kept = nullptr;
    memory.watch([&] { kept = memory.allocate(100); });
    EXPECT_FALSE(memory.plan({}));
    memory.release(kept, 100);
    EXPECT_EQ(pool.bytes_in_use(), 0);
}

TEST(RepeatedMemory, RefusesOtherWorkThanPlanned) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    memory.watch([&] { work(memory); });
    const auto plan = memory.plan({});
    expect_error(ErrorCode::Bug, "allocation 0 of repeated work has 1001 bytes, planned were 1000",
                 [&] { memory.repeat(*plan, [&] { work(memory, nullptr, 1001); }); });
    expect_error(ErrorCode::Bug, "allocation 3 of repeated work has 8 bytes, planned were 0", [&] {
        memory.repeat(*plan, [&] {
            work(memory);
            memory.allocate(8);
        });
    });
    memory.repeat(*plan, [&] { work(memory); });  // what failed leaves nothing behind
}

/// Two that were never held at once lie in one place.
TEST(RepeatedMemory, RefusesWhatIsHeldLongerThanPlanned) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    memory.watch([&] { work(memory); });
    const auto plan = memory.plan({});
    expect_error(ErrorCode::Bug, "allocation 2 of repeated work meets one that was released by then", [&] {
        memory.repeat(*plan, [&] {
            struct Block {
                RepeatedMemory& memory;
                int64_t bytes;
                void* const place = memory.allocate(bytes);
                ~Block() { memory.release(place, bytes); }
            };
            const Block a{memory, 1000}, b{memory, 3000}, c{memory, 2000};
        });
    });
    expect_error(ErrorCode::Bug, "repeated work made 0 of 3 allocations", [&] { memory.repeat(*plan, [] {}); });
}

TEST(RepeatedMemory, SharesAnArenaThatIsLargeEnough) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    const auto planned = [&](int64_t first) {
        memory.watch([&] { work(memory, nullptr, first); });
        return memory.plan({});
    };
    const auto large = planned(5000), small = planned(1000);
    EXPECT_EQ(large->arena, small->arena);
    EXPECT_NE(planned(9000)->arena, small->arena);
}

TEST(RepeatedMemory, GivesItsArenaBackWithTheLastPlan) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    memory.watch([&] { work(memory); });
    auto plan = memory.plan({});
    memory.forget_arena();
    EXPECT_GT(pool.bytes_in_use(), 0);
    plan.reset();
    EXPECT_EQ(pool.bytes_in_use(), 0);
}

TEST(RepeatedMemory, LeavesRoomForWorkThatIsNotPlanned) {
    HostAllocator pool;
    RepeatedMemory memory(pool);
    memory.watch([&] { work(memory); });
    pool.set_budget(7000);
    expect_error(ErrorCode::DoesNotFit, "budget 7000", [&] { memory.plan({}); });
    EXPECT_EQ(pool.bytes_in_use(), 0);
    memory.watch([&] { work(memory); });
    pool.set_budget(9000);
    EXPECT_TRUE(memory.plan({}));
}

}  // namespace
}  // namespace kine
