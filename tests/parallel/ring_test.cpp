// Rings against one rank that has all the keys.
#include "parallel/ring.h"

#include "kernels/attention/merge.h"
#include "parallel/launch.h"
#include "parallel/partition.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

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

TEST(Ring, GivesEachRankTheAttentionOfItsQueriesToAllKeys) {
    for (const int64_t length : {int64_t{13}, int64_t{3}}) {
        for (int ranks = 1; ranks <= 5; ++ranks) {  // of 3, some ranks have none
            launch(ranks, [&](Communicator& communicator) {
                const TestContext test(1);
                const Whole all(test.context, length);
                const Range own = partition(length, communicator.rank(), ranks);
                const auto part = [&](const Tensor& x) { return x.slice(2, own.begin, own.end); };
                const Tensor got =
                    ring_attention(test.context, communicator, {part(all.q), part(all.k), part(all.v), length});
                const Tensor want = kernels::attention(test.context, all.q, all.k, all.v);
                expect_close(got, to_doubles(part(want)), kMerged);
                EXPECT_EQ(communicator.traffic().calls, ranks - 1);
            });
        }
    }
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
