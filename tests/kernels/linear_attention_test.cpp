// Linear attention against sums over all pairs of tokens in double.
#include "kernels/attention/linear_attention.h"

#include "kernels/elementwise/elementwise.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::kernels {
namespace {

constexpr int64_t kBatches = 2, kSites = 3, kTokens = 11, kHeads = 2, kSize = 5, kWidth = 4;

/// Positive features, as after a ReLU, so that the denominator is one.
Tensor features(const Context& context, DType dtype, uint64_t seed) {
    Tensor x = random_tensor(context, {kBatches, kSites, kTokens, kHeads, kSize}, DType::Float32, seed);
    for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = 0.1f + std::abs(x.data<float>()[i]);
    return dtype == DType::Float32 ? x : cast(context, x, dtype);
}

struct Case {
    const char* name;
    DType dtype;
    bool is_causal;
    bool is_divided;
    bool decays;
};
constexpr Case kCases[] = {
    {"Plain", DType::Float32, false, false, false},       {"Divided", DType::Float32, false, true, false},
    {"Causal", DType::Float32, true, false, false},       {"CausalDivided", DType::Float32, true, true, false},
    {"CausalDecaying", DType::Float32, true, true, true}, {"Bfloat16", DType::BFloat16, true, true, true}};

LinearAttention make(const Context& context, const Case& row) {
    const Shape values{kBatches, kSites, kTokens, kHeads, kWidth};
    LinearAttention attention{.q = random_tensor(context, features(context, row.dtype, 1).shape(), row.dtype, 1),
                              .k = random_tensor(context, features(context, row.dtype, 1).shape(), row.dtype, 2),
                              .v = random_tensor(context, values, row.dtype, 3)};
    if (row.is_divided) {
        attention.plain_q = features(context, row.dtype, 4);
        attention.plain_k = features(context, row.dtype, 5);
    }
    const float rates[] = {0.05f, 0.4f};
    if (row.decays) attention.decay = Tensor::of<float>(context, {kHeads}, rates);
    return attention;
}

std::vector<double> twin(const LinearAttention& attention, bool is_causal) {
    const std::vector<double> q = to_doubles(attention.q), k = to_doubles(attention.k), v = to_doubles(attention.v);
    std::vector<double> plain_q, plain_k, out;
    if (attention.is_divided()) plain_q = to_doubles(attention.plain_q), plain_k = to_doubles(attention.plain_k);
    const auto at = [](int64_t batch, int64_t token, int64_t head, int64_t width) {
        return static_cast<size_t>(((batch * kTokens + token) * kHeads + head) * width);
    };
    const auto product = [&](const std::vector<double>& a, const std::vector<double>& b, size_t i, size_t j) {
        double sum = 0;
        for (size_t d = 0; d < kSize; ++d) sum += a[i + d] * b[j + d];
        return sum;
    };
    for (int64_t batch = 0; batch < kBatches * kSites; ++batch)
        for (int64_t i = 0; i < kTokens; ++i)
            for (int64_t head = 0; head < kHeads; ++head) {
                std::vector<double> sums(kWidth);
                double divisor = attention.is_divided() ? 0.0 : 1.0;
                const double rate = attention.decay ? attention.decay.data<float>()[head] : 0.0;
                for (int64_t j = 0; j < (is_causal ? i + 1 : kTokens); ++j) {
                    const size_t from = at(batch, i, head, kSize), to = at(batch, j, head, kSize);
                    const double kept = std::exp(-rate * static_cast<double>(i - j));
                    const double weight = kept * product(q, k, from, to);
                    for (size_t c = 0; c < kWidth; ++c) sums[c] += weight * v[at(batch, j, head, kWidth) + c];
                    if (attention.is_divided()) divisor += kept * product(plain_q, plain_k, from, to);
                }
                for (const double sum : sums) out.push_back(sum / divisor);
            }
    return out;
}

class LinearAttentionTest : public testing::TestWithParam<Case> {
  protected:
    TestContext test;
};

// Sums of a few dozen products of unit size; a bf16 result is rounded once, to 2^-8.
Tolerance tolerance_of(DType dtype) {
    return dtype == DType::Float32 ? Tolerance{1e-5, 2e-5} : Tolerance{1.0 / 256, 1e-4};
}

TEST_P(LinearAttentionTest, EqualsTheTwin) {
    const LinearAttention attention = make(test.context, GetParam());
    Tensor state = no_linear_state(test.context, attention);
    Tensor got;
    if (GetParam().is_causal) {
        got = causal_linear_attention(test.context, attention, state);
    } else {
        take_keys(test.context, attention, state);
        got = linear_attention(test.context, attention, state);
    }
    EXPECT_EQ(got.dtype(), GetParam().dtype);
    expect_close(got, twin(attention, GetParam().is_causal), tolerance_of(GetParam().dtype));
}

TEST_P(LinearAttentionTest, LeavesTheStateThatKeysAloneLeave) {
    const LinearAttention attention = make(test.context, GetParam());
    Tensor after_queries = no_linear_state(test.context, attention);
    Tensor after_keys = no_linear_state(test.context, attention);
    causal_linear_attention(test.context, attention, after_queries);
    take_keys(test.context, attention, after_keys);
    EXPECT_TRUE(same_bits(after_queries, after_keys));
}

INSTANTIATE_TEST_SUITE_P(Cases, LinearAttentionTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

TEST(LinearAttentionShapes, AreChecked) {
    const TestContext test;
    LinearAttention attention = make(test.context, kCases[0]);
    Tensor wrong = Tensor::zeros(test.context, {1}, DType::Float32);
    EXPECT_THROW(take_keys(test.context, attention, wrong), Error);
    attention.plain_q = attention.q;
    EXPECT_THROW(no_linear_state(test.context, attention), Error);
}

}  // namespace
}  // namespace kine::kernels
