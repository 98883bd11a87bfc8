// Linear layers of transformer blocks in eight bits: near the exact ones, smaller, and the same for any number of
// threads and for ranks that share out weights.
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "dit/model_places.h"
#include "tests/dit/denoise.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::dit {
namespace {

constexpr const char* kFamilyCases[] = {"latte", "open_sora", "cogvideox", "wan"};

std::filesystem::path golden(const char* name) { return source_tree() / "tests" / "golden" / name; }

class Quantized : public testing::TestWithParam<const char*> {
  protected:
    static std::unique_ptr<Generator> open(TestContext& test, Quantization quantization, DType dtype = DType::Float32) {
        return Generator::open(test.context, diffusers_source(golden(GetParam()) / "model"),
                               {.dtype = dtype, .residency = Residency::All, .quantization = quantization});
    }

    static Request request() {
        Request request = GoldenCase(golden(GetParam())).request();
        request.steps = 2;
        return request;
    }

    static Tensor latents(TestContext& test, Generator& generator, const Request& request) {
        return denoise(generator, test.context, request).back();
    }
};

/// Error over power, as a ratio of lengths.
double distance(const Tensor& got, const Tensor& want) {
    const std::vector<double> a = to_doubles(got), b = to_doubles(want);
    double error = 0, power = 0;
    for (size_t i = 0; i < b.size(); ++i) {
        error += (a[i] - b[i]) * (a[i] - b[i]);
        power += b[i] * b[i];
    }
    return std::sqrt(error / power);
}

// A product is 1 % off (tests/kernels/int8_matrix_test.cpp); a residual stream adds a few of them to what is exact, and
// two steps carry what they get wrong on. The bound is ten times one product's error.
TEST_P(Quantized, LatentsAreNearTheExactOnesAndNotEqualToThem) {
    TestContext test;
    const Tensor want = latents(test, *open(test, Quantization::None), request());
    const double off = distance(latents(test, *open(test, Quantization::Int8), request()), want);
    EXPECT_LT(off, 0.1);
    EXPECT_GT(off, 0.0) << "nothing was quantised";
}

TEST_P(Quantized, LatentsAreTheSameForOneThreadAndForThree) {
    TestContext one(1), three(3);
    const Tensor want = latents(one, *open(one, Quantization::Int8, DType::BFloat16), request());
    EXPECT_TRUE(same_bits(latents(three, *open(three, Quantization::Int8, DType::BFloat16), request()), want));
}

TEST_P(Quantized, WeightsTakeAsMuchLessMemoryAsThePlanSays) {
    TestContext exact, small;
    const auto whole = open(exact, Quantization::None);
    const auto quantised = open(small, Quantization::Int8);
    const int64_t planned = whole->estimate(exact.context, request()).weight_bytes -
                            quantised->estimate(small.context, request()).weight_bytes;
    EXPECT_GT(planned, 0);
    // Packed panels are padded to 32 columns and 64 values, which tiny layers are far from.
    EXPECT_LT(small.allocator.bytes_in_use(), exact.allocator.bytes_in_use());
}

TEST_P(Quantized, RanksThatShareOutWeightsComeAsNear) {
    TestContext test;
    const Tensor want = latents(test, *open(test, Quantization::None), request());
    Request shared = request();
    shared.ranks = 2;
    shared.parallel = "megatron";
    EXPECT_LT(distance(latents(test, *open(test, Quantization::Int8), shared), want), 0.1);
}

INSTANTIATE_TEST_SUITE_P(Families, Quantized, testing::ValuesIn(kFamilyCases));

}  // namespace
}  // namespace kine::dit
