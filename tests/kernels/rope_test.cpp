#include "kernels/rope/rope.h"

#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

constexpr int64_t kPairs = 5;

/// cos and sin of made-up angles, one row for each frame and patch.
Tensor turns_of(const Context& context, int64_t frames, int64_t patches) {
    Tensor turns = Tensor::empty(context, {frames, patches, 2 * kPairs}, DType::Float32);
    for (int64_t i = 0; i < turns.elements() / 2; ++i) {
        turns.data<float>()[2 * i] = std::cos(0.37f * static_cast<float>(i));
        turns.data<float>()[2 * i + 1] = std::sin(0.37f * static_cast<float>(i));
    }
    return turns;
}

/// Element i of contiguous heads [B, T, S, H, D], turned with its neighbour.
double turned(const std::vector<double>& heads, const Shape& shape, const Tensor& turns, size_t i) {
    const auto row = static_cast<int64_t>(i) / shape[4];
    const int64_t k = static_cast<int64_t>(i) % shape[4] / 2;
    const int64_t patch = row / shape[3] % shape[2];
    const int64_t frame = row / shape[3] / shape[2] % shape[1];
    const int64_t place = (turns.dim(0) == 1 ? 0 : frame) * turns.dim(1) + (turns.dim(1) == 1 ? 0 : patch);
    const float* turn = turns.data<float>() + place * shape[4] + 2 * k;
    if (i % 2 == 0) return heads[i] * turn[0] - heads[i + 1] * turn[1];
    return heads[i] * turn[0] + heads[i - 1] * turn[1];
}

TEST(RotatePairs, EqualsTheTwinOnHeadsOfAPackedProjectionAndLeavesTheRestAlone) {
    TestContext test;
    const Shape shape = {2, 3, 4, 2, 2 * kPairs};
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        for (const auto& [frames, patches] : {std::pair{3, 4}, std::pair{3, 1}, std::pair{1, 4}}) {
            const Tensor turns = turns_of(test.context, frames, patches);
            Tensor packed = random_tensor(test.context, {2, 3, 4, 60}, dtype, 1);
            Tensor keys = packed.slice(-1, 20, 40).split(3, 2);
            const std::vector<double> before = to_doubles(contiguous(test.context, keys));
            const Tensor rest = contiguous(test.context, packed.slice(-1, 40, 60));
            std::vector<double> want(before.size());
            for (size_t i = 0; i < want.size(); ++i) want[i] = turned(before, shape, turns, i);
            rotate_pairs(test.context, keys, turns);
            expect_close(contiguous(test.context, keys), want, sum_tolerance(dtype, 2));
            EXPECT_TRUE(same_bits(contiguous(test.context, packed.slice(-1, 40, 60)), rest));
        }
    }
}

TEST(RotatePairs, RefusesATableOfAnotherSize) {
    TestContext test;
    Tensor heads = random_tensor(test.context, {1, 2, 4, 1, 2 * kPairs}, DType::Float32, 1);
    try {
        rotate_pairs(test.context, heads, turns_of(test.context, 3, 4));
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "rotate_pairs: turns have shape [3, 4, 10], expected [2 or 1, 4 or 1, 10]");
    }
}

}  // namespace
}  // namespace kine::kernels
