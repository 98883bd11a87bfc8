#include "parallel/partition.h"

#include "runtime/error.h"

#include <gtest/gtest.h>

namespace kine::parallel {
namespace {

TEST(Partition, CoversTheAxisInRankOrderWithoutGaps) {
    for (int64_t count = 0; count < 20; ++count) {
        for (int ranks = 1; ranks <= 9; ++ranks) {
            int64_t end = 0;
            for (int rank = 0; rank < ranks; ++rank) {
                const Range part = partition(count, rank, ranks);
                EXPECT_EQ(part.begin, end);
                end = part.end;
            }
            EXPECT_EQ(end, count);
        }
    }
}

TEST(Partition, GivesNobodyMoreThanOneAboveAnother) {
    for (int64_t count = 0; count < 20; ++count) {
        for (int ranks = 1; ranks <= 9; ++ranks) {
            const int64_t most = partition(count, 0, ranks).size();
            const int64_t least = partition(count, ranks - 1, ranks).size();
            EXPECT_LE(most - least, 1);
        }
    }
}

TEST(Partition, LetsTheFirstRanksHoldOneMore) {
    EXPECT_EQ(partition(5, 0, 3), (Range{0, 2}));
    EXPECT_EQ(partition(5, 1, 3), (Range{2, 4}));
    EXPECT_EQ(partition(5, 2, 3), (Range{4, 5}));
}

TEST(Partition, LeavesRanksEmptyWhereThereIsTooLittle) {
    EXPECT_EQ(partition(2, 1, 4).size(), 1);
    EXPECT_EQ(partition(2, 3, 4).size(), 0);
}

TEST(Partition, RefusesRanksThatDoNotExist) {
    EXPECT_THROW(partition(5, 3, 3), Error);
    EXPECT_THROW(partition(5, -1, 3), Error);
    EXPECT_THROW(partition(-1, 0, 3), Error);
}

}  // namespace
}  // namespace kine::parallel
