// Attention between few tokens on an emulated grid, against a twin in double.
#include "kernels/attention/temporal.cuh"

#include "kernels/attention/temporal_cuda.h"
#include "runtime/config.h"
#include "tests/kernels/cuda/head_twin.h"
#include "tests/kernels/cuda/matrix_arguments.h"
#include "tests/support/cuda/emulated_kernels.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

namespace kine::kernels::cuda {
namespace {

/// q, k, v as views [B, S, T, H, D] of packed projections [B, T, S, 3, H, D], where T is attended.
struct Problem {
    Tensor q, k, v;
    Tensor query_weight, key_weight;  ///< [D] or empty
    Tensor turns;                     ///< [T, D] or empty
    HeadNorm norm = HeadNorm::None;

    int size() const { return static_cast<int>(q.dim(4)); }
};

Problem packed(const Context& context, int64_t tokens, int64_t size) {
    constexpr int64_t kBatch = 1, kSites = 3, kHeads = 2;
    const Tensor qkv = random_tensor(context, {kBatch, tokens, kSites, 3, kHeads, size}, DType::BFloat16, 1);
    const auto part = [&](int64_t which) { return qkv.select(3, which).transpose(1, 2); };
    return {part(0), part(1), part(2), {}, {}, {}};
}

Problem normed_and_turned(const Context& context, int64_t tokens, int64_t size, HeadNorm norm) {
    Problem problem = packed(context, tokens, size);
    problem.norm = norm;
    problem.query_weight = random_tensor(context, {size}, DType::Float32, 2);
    problem.key_weight = random_tensor(context, {size}, DType::Float32, 3);
    problem.turns = random_tensor(context, {tokens, size}, DType::Float32, 4, 0.7f);
    return problem;
}

HeadSteps steps_of(const Problem& problem, const Tensor& weight) {
    HeadSteps steps = {problem.norm, nullptr, nullptr, nullptr, kHeadEps};
    if (weight) steps.weight = weight.data<float>();
    if (problem.turns) steps.turns = problem.turns.data<float>();
    return steps;
}

TemporalArguments<BFloat16> arguments_of(const Problem& problem, Tensor& out, Tensor& log_sums) {
    TemporalArguments<BFloat16> all;
    describe({problem.q, problem.k, problem.v}, out, log_sums, all);
    all.query_steps = steps_of(problem, problem.query_weight);
    all.key_steps = steps_of(problem, problem.key_weight);
    all.token_turns = problem.size();
    return all;
}

/// Heads by (outer, inner, head) as rows of tokens, after norm and rotation, rounded as the matrix unit takes them.
std::vector<double> prepared(const Problem& problem, const Tensor& x, const Tensor& weight) {
    std::vector<double> values = to_doubles(x.transpose(2, 3));  // [B, S, H, T, D]
    const auto size = static_cast<size_t>(problem.size()), tokens = static_cast<size_t>(x.dim(2));
    const std::vector<double> turns = problem.turns ? to_doubles(problem.turns) : std::vector<double>();
    HeadTwin head{problem.norm, weight ? to_doubles(weight) : std::vector<double>(), {}, {}};
    for (size_t row = 0; row < values.size() / size; ++row) {
        const auto begin = turns.begin() + static_cast<int64_t>(row % tokens * size);
        if (!turns.empty()) head.turns.assign(begin, begin + static_cast<int64_t>(size));
        head.apply({values.data() + row * size, size});
        for (size_t i = row * size; i < (row + 1) * size; ++i) values[i] = BFloat16(static_cast<float>(values[i]));
    }
    return values;
}

struct Attended {
    std::vector<double> out, log_sums;  ///< [B, S, H, T, D] and [B, S, H, T]
};

/// One query of one head: the weights of its keys, and the log of their sum before they were divided by it.
double softmax_weights(const double* query, const double* keys, size_t size, std::vector<double>& weights) {
    double sum = 0.0;
    for (size_t key = 0; key < weights.size(); ++key) {
        double score = 0.0;
        for (size_t i = 0; i < size; ++i) score += query[i] * keys[key * size + i];
        weights[key] = std::exp(score / std::sqrt(static_cast<double>(size)));
        sum += weights[key];
    }
    for (double& weight : weights) weight /= sum;
    return std::log(sum);
}

Attended twin(const Problem& problem) {
    const std::vector<double> q = prepared(problem, problem.q, problem.query_weight);
    const std::vector<double> k = prepared(problem, problem.k, problem.key_weight);
    const std::vector<double> v = to_doubles(problem.v.transpose(2, 3));
    const auto size = static_cast<size_t>(problem.size()), queries = static_cast<size_t>(problem.q.dim(2));
    std::vector<double> weights(static_cast<size_t>(problem.k.dim(2)));
    Attended made{std::vector<double>(q.size()), std::vector<double>(q.size() / size)};
    for (size_t row = 0; row < made.log_sums.size(); ++row) {
        const size_t first_key = row / queries * weights.size() * size;
        made.log_sums[row] = softmax_weights(q.data() + row * size, k.data() + first_key, size, weights);
        for (size_t key = 0; key < weights.size(); ++key) {
            for (size_t i = 0; i < size; ++i) made.out[row * size + i] += weights[key] * v[first_key + key * size + i];
        }
    }
    return made;
}

// Weights are rounded to bf16 before they meet the values, of which the largest are about 3; so is the result.
constexpr Tolerance kOut = {4e-3, 8e-3};
// A sum of up to 128 products each of about unit size, and an exponential of it.
constexpr Tolerance kLogSum = {1e-5, 2e-5};
// A norm's rounding may move an element of q or k to its neighbour in bf16, 2^-8 of it away.
constexpr Tolerance kLogSumAfterNorm = {1e-3, 5e-3};

class TemporalKernel : public KernelTest {
  protected:
    void expect_equals_twin(const Problem& problem) {
        Tensor out = Tensor::empty(context, problem.q.shape(), DType::BFloat16);
        const Shape& shape = problem.q.shape();
        Tensor log_sums = Tensor::empty(context, {shape[0], shape[1], shape[2], shape[3]}, DType::Float32);
        run(arguments_of(problem, out, log_sums), problem.size());
        const Attended want = twin(problem);
        expect_close(out.transpose(2, 3), want.out, kOut);
        expect_close(log_sums.transpose(2, 3), want.log_sums,
                     problem.norm == HeadNorm::None ? kLogSum : kLogSumAfterNorm);
    }

    void run(const TemporalArguments<BFloat16>& all, int head_size) {
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_temporal(all, head_size, stream); });
        }
        emulate(all, head_size);
    }
};

INSTANTIATE_TEST_SUITE_P(Places, TemporalKernel, kPlaces, name_of_place);

TEST_P(TemporalKernel, EqualsTheTwinForEveryLengthUpToTwoSteps) {
    for (int64_t tokens = 1; tokens <= 33; tokens += tokens < 4 || tokens > 14 ? 1 : 5) {
        SCOPED_TRACE(tokens);
        expect_equals_twin(packed(context, tokens, 32));
    }
    expect_equals_twin(packed(context, kMostTemporalTokens, 32));
}

TEST_P(TemporalKernel, EqualsTheTwinForEverySizeOfHeads) {
    for (const int64_t size : {32, 64, 72, 96, 128}) {
        SCOPED_TRACE(size);
        ASSERT_TRUE(temporal_can_run(18, 18, static_cast<int>(size)));
        expect_equals_twin(packed(context, 18, size));
    }
}

TEST_P(TemporalKernel, NormsAndTurnsQueriesAndKeysOnTheWay) {
    expect_equals_twin(normed_and_turned(context, 16, 72, HeadNorm::Rms));
    expect_equals_twin(normed_and_turned(context, 21, 64, HeadNorm::Layer));
    expect_equals_twin(normed_and_turned(context, 5, 128, HeadNorm::None));
}

TEST_P(TemporalKernel, AttendsOtherTokensThanItsOwn) {
    Problem problem = packed(context, 40, 72);
    const Problem few = packed(context, 7, 72);
    problem.k = few.k;
    problem.v = few.v;
    expect_equals_twin(problem);
}

TEST_P(TemporalKernel, SurvivesScoresThatAreHuge) {
    Problem problem = packed(context, 20, 32);
    problem.q = random_tensor(context, problem.q.shape(), DType::BFloat16, 5, 100.0f);
    Tensor out = Tensor::empty(context, problem.q.shape(), DType::BFloat16);
    const Shape& shape = problem.q.shape();
    Tensor log_sums = Tensor::empty(context, {shape[0], shape[1], shape[2], shape[3]}, DType::Float32);
    run(arguments_of(problem, out, log_sums), problem.size());
    for (const double value : to_doubles(out)) EXPECT_TRUE(std::isfinite(value));
    // Scores up to about 500, whose exponential is beyond f32.
    expect_close(log_sums.transpose(2, 3), twin(problem).log_sums, {1e-5, 2e-3});
}

TEST(TemporalLaunch, FillsABlockAsFarAsSharedMemoryGoes) {
    EXPECT_EQ(shared_row(72), 88);
    EXPECT_EQ(shared_row(64), 72);
    EXPECT_EQ(temporal_launch(1024, 16, 16, 72), (Launch{4096, 1, 128, 4 * 48 * 88 * 2}));
    EXPECT_EQ(temporal_launch(3, 1, 64, 72), (Launch{3, 1, 32, 144 * 88 * 2}));
    for (const int size : {32, 64, 72, 96, 128}) {
        for (int tokens = 1; tokens <= kMostTemporalTokens; ++tokens) {
            const Launch launch = temporal_launch(1, 16, tokens, size);
            EXPECT_LE(launch.shared_bytes, kSharedWithoutAsking);
            EXPECT_EQ(launch.threads % kWarp, 0);
            EXPECT_EQ(shared_row(size) * 2 % 32, 16) << "rows begin in the same banks";
        }
    }
    EXPECT_FALSE(temporal_can_run(65, 16, 64));
    EXPECT_FALSE(temporal_can_run(16, 16, 40));
}

}  // namespace
}  // namespace kine::kernels::cuda
