// Linear attention over ranks against one rank that has all tokens.
#include "parallel/linear_sequence.h"

#include "parallel/launch.h"
#include "parallel/partition.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::parallel {
namespace {

constexpr Tolerance kSummed{1e-5, 2e-5};  // sums in another order, of a few dozen products of unit size
constexpr int64_t kStateBytes = 2 * 3 * 2 * 5 * (4 + 1) * 4;

/// [2, 3, L, 2, 5] with values of 4.
kernels::LinearAttention whole(const Context& context, int64_t length, bool decays) {
    const auto make = [&](int64_t width, uint64_t seed) {
        return random_tensor(context, {2, 3, length, 2, width}, DType::Float32, seed);
    };
    kernels::LinearAttention attention{.q = make(5, 1), .k = make(5, 2), .v = make(4, 3)};
    attention.plain_q = make(5, 4);
    attention.plain_k = make(5, 5);
    for (Tensor* x : {&attention.plain_q, &attention.plain_k}) {
        for (int64_t i = 0; i < x->elements(); ++i) x->data<float>()[i] = 0.1f + std::abs(x->data<float>()[i]);
    }
    const float rates[] = {0.05f, 0.4f};
    if (decays) attention.decay = Tensor::of<float>(context, {2}, rates);
    return attention;
}

SplitLinearAttention part_of(const kernels::LinearAttention& all, int rank, int ranks) {
    SplitLinearAttention split{all, {}};
    for (int other = 0; other < ranks; ++other) split.lengths.push_back(partition(all.q.dim(2), other, ranks).size());
    const Range own = partition(all.q.dim(2), rank, ranks);
    for (Tensor* x : {&split.part.q, &split.part.k, &split.part.v, &split.part.plain_q, &split.part.plain_k})
        *x = x->slice(2, own.begin, own.end);
    return split;
}

using Executor = Tensor (*)(const Context&, Communicator&, const SplitLinearAttention&);

struct Way {
    const char* name;
    Executor run;
    bool is_causal;
    int64_t (*bytes)(int rank, int ranks);  ///< sent
};

int64_t gathered(int, int ranks) { return kStateBytes * (ranks - 1); }
int64_t passed_on(int rank, int ranks) { return rank + 1 < ranks ? kStateBytes : 0; }
/// A rank sums its piece, and tells it.
int64_t reduced(int rank, int ranks) {
    const int64_t own = partition(kStateBytes / 4, rank, ranks).size() * 4;
    return kStateBytes - own + own * (ranks - 1);
}

constexpr Way kWays[] = {{"OfAll", linear_attention_of_all, false, reduced},
                         {"CausalByGather", causal_by_gather, true, gathered},
                         {"CausalByRing", causal_by_ring, true, passed_on}};

class LinearSequence : public testing::TestWithParam<Way> {};

TEST_P(LinearSequence, GivesEachRankWhatOneRankFinds) {
    for (const int64_t length : {int64_t{13}, int64_t{2}}) {
        for (int ranks = 1; ranks <= 4; ++ranks) {  // of 2 tokens, some ranks have none
            SCOPED_TRACE(fmt::format("{} tokens on {} ranks", length, ranks));
            launch(ranks, [&](Communicator& communicator) {
                const TestContext test(1);
                const auto all = whole(test.context, length, GetParam().is_causal);
                Tensor state = kernels::no_linear_state(test.context, all);
                Tensor want;
                if (GetParam().is_causal) {
                    want = kernels::causal_linear_attention(test.context, all, state);
                } else {
                    kernels::take_keys(test.context, all, state);
                    want = kernels::linear_attention(test.context, all, state);
                }
                const Range own = partition(length, communicator.rank(), ranks);
                const Tensor got = GetParam().run(test.context, communicator, part_of(all, communicator.rank(), ranks));
                expect_close(got, to_doubles(want.slice(2, own.begin, own.end)), kSummed);
                EXPECT_EQ(communicator.traffic().bytes_sent, GetParam().bytes(communicator.rank(), ranks));
            });
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Ways, LinearSequence, testing::ValuesIn(kWays),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace kine::parallel
