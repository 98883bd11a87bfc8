// The residual stream: whatever the order of looking and adding, the tokens are those of sums made at once.
#include "dit/modules/residual.h"
#include "kernels/elementwise/elementwise.h"
#include "tests/support/random.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cstring>

namespace kine::dit {
namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
    return a.shape() == b.shape() && a.dtype() == b.dtype() &&
           std::memcmp(a.raw(), b.raw(), static_cast<size_t>(a.bytes())) == 0;
}

class ResidualStream : public testing::Test {
  protected:
    Tensor random(const Shape& shape, uint64_t seed) const {
        return random_tensor(test_.context, shape, DType::BFloat16, seed);
    }

    TestContext test_;
    const Context& context_ = test_.context;
    const Shape shape_ = {2, 3, 4, 16};
    const Tensor x_ = random(shape_, 1), first_ = random(shape_, 2), second_ = random(shape_, 3);
    const Tensor gate_ = random_tensor(context_, {2, 16}, DType::Float32, 4);
    const Tensor after_first_ = kernels::gate_residual(context_, x_, gate_, first_);
    const Tensor after_both_ = kernels::gate_residual(context_, after_first_, {}, second_);
};

TEST_F(ResidualStream, AddsWhatItWasGivenOnce) {
    Residual stream(x_);
    stream.add(context_, {first_, gate_});
    EXPECT_TRUE(same_bits(stream.sum(context_), after_first_));
    EXPECT_TRUE(same_bits(stream.sum(context_), after_first_));
}

TEST_F(ResidualStream, AddsTwiceWhereNobodyLookedBetween) {
    Residual stream(x_);
    stream.add(context_, {first_, gate_});
    stream.add(context_, {second_});
    EXPECT_TRUE(same_bits(std::move(stream).release(context_), after_both_));
}

TEST_F(ResidualStream, NormsTheSumAndKeepsIt) {
    const kernels::RowNorm norm = {{}, {}, gate_, gate_, 1e-6f};
    Residual stream(x_);
    EXPECT_TRUE(same_bits(stream.normed(context_, norm), kernels::row_norm(context_, x_, norm)));
    stream.add(context_, {first_, gate_});
    EXPECT_TRUE(same_bits(stream.normed(context_, norm), kernels::row_norm(context_, after_first_, norm)));
    EXPECT_TRUE(same_bits(stream.normed(context_, norm), kernels::row_norm(context_, after_first_, norm)));
    stream.add(context_, {second_});
    EXPECT_TRUE(same_bits(stream.sum(context_), after_both_));
}

TEST_F(ResidualStream, LeavesTokensThatOthersHoldAsTheyAre) {
    const Tensor before = kernels::add(context_, x_, Tensor::zeros(context_, shape_, DType::BFloat16));
    Residual stream(x_);
    stream.add(context_, {first_, gate_});
    (void)stream.normed(context_, {});
    EXPECT_TRUE(same_bits(x_, before));
}

TEST_F(ResidualStream, OfNoTokensTakesNothing) {
    Residual stream(random({2, 0, 4, 16}, 5));
    stream.add(context_, {random({2, 0, 4, 16}, 6), gate_});
    const Tensor weight = random_tensor(context_, {16}, DType::Float32, 7);
    for (const kernels::RowNorm& norm : {kernels::RowNorm(), {{}, {}, gate_, gate_}, {weight, weight}})
        EXPECT_EQ(stream.normed(context_, norm).elements(), 0);
}

}  // namespace
}  // namespace kine::dit
