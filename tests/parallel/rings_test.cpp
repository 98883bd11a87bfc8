// Rings against one rank that has all the keys.
#include "parallel/rings/rings.h"

#include "kernels/attention/merge.h"
#include "parallel/launch.h"
#include "parallel/mesh.h"
#include "parallel/partition.h"
#include "parallel/planner/ring_volume.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace kine::parallel {
namespace {

// Merging costs a few roundings of float32 a part; values are of unit size.
constexpr Tolerance kMerged{1e-6, 1e-5};

struct Whole {
    Tensor q, k, v;  // [B1, B2, L, H, D], all sizes different so that no transposition goes unseen

    Whole(const Context& context, int64_t length)
        : q(random_tensor(context, {2, 3, length, 4, 8}, DType::Float32, 1)),
          k(random_tensor(context, {2, 3, length, 4, 8}, DType::Float32, 2)),
          v(random_tensor(context, {2, 3, length, 4, 8}, DType::Float32, 3)) {}
};

std::vector<int64_t> lengths_of(int64_t whole, int ranks) {
    std::vector<int64_t> lengths;
    for (int rank = 0; rank < ranks; ++rank) lengths.push_back(partition(whole, rank, ranks).size());
    return lengths;
}

SplitAttention part_of(const Whole& all, const std::vector<int64_t>& lengths, int rank) {
    const int64_t begin = std::accumulate(lengths.begin(), lengths.begin() + rank, int64_t{0});
    const int64_t end = begin + lengths[static_cast<size_t>(rank)];
    const auto part = [&](const Tensor& x) { return x.slice(2, begin, end); };
    return {part(all.q), part(all.k), part(all.v), lengths};
}

/// Each rank's queries see all keys, once, and the traffic is what the planner says.
void expect_attention(const Context& context, const Ring& ring, Keys keys, const std::vector<int64_t>& lengths) {
    const int rank = ring.ranks.rank();
    const Whole all(context, std::accumulate(lengths.begin(), lengths.end(), int64_t{0}));
    const SplitAttention own = part_of(all, lengths, rank);
    const Tensor want = kernels::attention(context, own.q, all.k, all.v);
    expect_close(ring_attention(context, ring, keys, own).values, to_doubles(want), kMerged);
    const RingWork work{.lengths = lengths, .batches = 6, .heads = 4, .head_size = 8};
    const Traffic& traffic = ring.ranks.traffic();
    const Sent said = sent_in_ring(keys, work, rank);
    EXPECT_EQ(traffic.calls, said.calls);
    EXPECT_EQ(traffic.bytes_sent, said.bytes);
}

class Rings : public testing::TestWithParam<Keys> {};

TEST_P(Rings, GiveEachRankTheAttentionOfItsQueriesToAllKeys) {
    for (const int64_t length : {int64_t{13}, int64_t{3}}) {
        for (int ranks = 1; ranks <= 6; ++ranks) {  // of 3, some ranks have none
            SCOPED_TRACE(fmt::format("{} keys on {} ranks", length, ranks));
            launch(ranks, [&](Communicator& communicator) {
                const TestContext test(1);
                expect_attention(test.context, {communicator}, GetParam(), lengths_of(length, ranks));
            });
        }
    }
}

TEST_P(Rings, TakePartsOfAnyLength) {
    const std::vector<int64_t> lengths = {1, 7, 0, 4};
    launch(4, [&](Communicator& communicator) {
        const TestContext test(1);
        expect_attention(test.context, {communicator}, GetParam(), lengths);
    });
}

std::string name_of(const testing::TestParamInfo<Keys>& row) {
    constexpr const char* kNames[] = {"OneWay", "BothWays", "Token"};
    return kNames[row.index];
}

INSTANTIATE_TEST_SUITE_P(Ways, Rings, testing::Values(Keys::Ring, Keys::BothWays, Keys::Resident), name_of);

TEST(DoubleRing, GivesEachRankTheAttentionOfItsQueriesToAllKeys) {
    for (const int group : {1, 2, 3, 6}) {
        SCOPED_TRACE(fmt::format("groups of {}", group));
        launch(6, [&](Communicator& communicator) {
            const TestContext test(1);
            const auto neighbours = communicator.split(test.context, communicator.rank() / group, 0);
            const auto peers = communicator.split(test.context, communicator.rank() % group, 0);
            const Traffic arranging = communicator.traffic();
            EXPECT_EQ(arranging.calls, 2);
            const std::vector<int64_t> lengths = {3, 1, 0, 2, 5, 2};
            const Whole all(test.context, 13);
            const SplitAttention own = part_of(all, lengths, communicator.rank());
            const Ring ring{communicator, neighbours.get(), peers.get()};
            const Tensor want = kernels::attention(test.context, own.q, all.k, all.v);
            expect_close(double_ring(test.context, ring, own).values, to_doubles(want), kMerged);
            Traffic traffic = neighbours->traffic();
            traffic += peers->traffic();
            const RingWork work{.lengths = lengths, .batches = 6, .heads = 4, .head_size = 8, .group = group};
            const Sent said = sent_in_ring(Keys::DoubleRing, work, communicator.rank());
            EXPECT_EQ(traffic.calls, said.calls);
            EXPECT_EQ(traffic.bytes_sent, said.bytes);
        });
    }
}

TEST(DoubleRing, NeedsGroups) {
    const TestContext test(1);
    const auto alone = make_single_communicator();
    const Whole all(test.context, 3);
    EXPECT_THROW(double_ring(test.context, {*alone}, part_of(all, {3}, 0)), Error);
}

TEST(AttentionOfAll, HasTheSameBitsOnEveryRank) {
    std::vector<std::vector<double>> found(3);
    launch(3, [&](Communicator& communicator) {
        const TestContext test(1);
        const Whole all(test.context, 8);
        const Tensor queries = random_tensor(test.context, {2, 3, 5, 4, 8}, DType::Float32, 7);
        const SplitAttention own = part_of(all, {4, 0, 4}, communicator.rank());
        const auto got = attention_of_all(test.context, communicator, queries, own);
        expect_close(got.values, to_doubles(kernels::attention(test.context, queries, all.k, all.v)), kMerged);
        found[static_cast<size_t>(communicator.rank())] = to_doubles(got.values);
    });
    EXPECT_EQ(found[0], found[1]);
    EXPECT_EQ(found[0], found[2]);
}

TEST(Merge, KeepsWhatHasSeenNoKeysEmpty) {
    const TestContext test(1);
    kernels::PartialAttention sum = kernels::no_attention(test.context, {1, 1, 2, 1, 4});
    kernels::merge_into(test.context, sum, kernels::no_attention(test.context, {1, 1, 2, 1, 4}));
    EXPECT_EQ(sum.values.data<float>()[0], 0.0f);
    EXPECT_TRUE(std::isinf(sum.log_sums.data<float>()[1]));
}

TEST(Merge, IsTheSameInAnyOrder) {
    const TestContext test(1);
    const Whole all(test.context, 9);
    const auto part = [&](int64_t begin, int64_t end) {
        return kernels::partial_attention(test.context, all.q, all.k.slice(2, begin, end), all.v.slice(2, begin, end));
    };
    kernels::PartialAttention forward = part(0, 2), backward = part(5, 9);
    kernels::merge_into(test.context, forward, part(2, 5));
    kernels::merge_into(test.context, forward, part(5, 9));
    kernels::merge_into(test.context, backward, part(2, 5));
    kernels::merge_into(test.context, backward, part(0, 2));
    expect_close(forward.values, to_doubles(backward.values), kMerged);
    expect_close(forward.log_sums, to_doubles(part(0, 9).log_sums), kMerged);
}

}  // namespace
}  // namespace kine::parallel
