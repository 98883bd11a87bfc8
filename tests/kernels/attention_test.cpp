// Every variant of attention against a double-precision twin written here.
#include "kernels/attention/attention.h"

#include "kernels/attention/tile_engine.h"
#include "kernels/attention/variants.h"
#include "tests/support/emulated_tiles.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <numeric>

namespace kine::kernels {
namespace {

struct Sizes {
    int64_t outer, inner, queries, keys, heads, size;
};

std::vector<double> softmax(std::vector<double> scores) {
    const double largest = *std::max_element(scores.begin(), scores.end());
    for (double& score : scores) score = std::exp(score - largest);
    const double total = std::accumulate(scores.begin(), scores.end(), 0.0);
    for (double& score : scores) score /= total;
    return scores;
}

// Everything as doubles, so the twin knows nothing of strides.
struct Twin {
    Sizes sizes;
    std::vector<double> q, k, v, bias, mask;
    Shape key_shape;
    double scale;

    size_t key_at(int64_t outer, int64_t inner, int64_t key, int64_t head) const {
        const int64_t batch = (key_shape[0] == 1 ? 0 : outer) * key_shape[1] + (key_shape[1] == 1 ? 0 : inner);
        return static_cast<size_t>(((batch * sizes.keys + key) * sizes.heads + head) * sizes.size);
    }

    void attend(int64_t outer, int64_t inner, int64_t query, int64_t head, std::vector<double>& out) const {
        const int64_t row = (outer * sizes.inner + inner) * sizes.queries + query;
        const auto at = static_cast<size_t>((row * sizes.heads + head) * sizes.size);
        std::vector<double> scores;
        for (int64_t key = 0; key < sizes.keys; ++key) {
            double score = 0.0;
            const size_t key_row = key_at(outer, inner, key, head);
            for (size_t d = 0; d < static_cast<size_t>(sizes.size); ++d) score += q[at + d] * k[key_row + d];
            score *= scale;
            if (!bias.empty()) score += bias[static_cast<size_t>((head * sizes.queries + query) * sizes.keys + key)];
            if (!mask.empty() && mask[static_cast<size_t>(outer * sizes.keys + key)] == 0.0) score = -INFINITY;
            scores.push_back(score);
        }
        const std::vector<double> shares = softmax(scores);
        for (int64_t key = 0; key < sizes.keys; ++key) {
            const size_t key_row = key_at(outer, inner, key, head);
            for (size_t d = 0; d < static_cast<size_t>(sizes.size); ++d)
                out[at + d] += shares[static_cast<size_t>(key)] * v[key_row + d];
        }
    }

    std::vector<double> run() const {
        std::vector<double> out(q.size());
        for (int64_t outer = 0; outer < sizes.outer; ++outer)
            for (int64_t inner = 0; inner < sizes.inner; ++inner)
                for (int64_t query = 0; query < sizes.queries; ++query)
                    for (int64_t head = 0; head < sizes.heads; ++head) attend(outer, inner, query, head, out);
        return out;
    }
};

struct Case {
    Tensor q, k, v;
    AttentionOptions options;

    Sizes sizes() const { return {q.dim(0), q.dim(1), q.dim(2), k.dim(2), q.dim(3), q.dim(4)}; }

    std::vector<double> twin() const {
        const double scale =
            options.scale == 0.0f ? 1.0 / std::sqrt(static_cast<double>(q.dim(4))) : static_cast<double>(options.scale);
        Twin twin = {sizes(), to_doubles(q), to_doubles(k), to_doubles(v), {}, {}, k.shape(), scale};
        if (options.bias) twin.bias = to_doubles(options.bias);
        if (options.key_mask) twin.mask = to_doubles(options.key_mask);
        return twin.run();
    }

    AttentionProblem problem(const Context& context) const {
        const float scale = options.scale == 0.0f ? 1.0f / std::sqrt(static_cast<float>(q.dim(4))) : options.scale;
        return {q, k, v, Tensor::empty(context, q.shape(), q.dtype()), options.bias, options.key_mask, scale};
    }
};

Case make_case(const Context& context, Sizes s, DType dtype) {
    return {random_tensor(context, {s.outer, s.inner, s.queries, s.heads, s.size}, dtype, 1),
            random_tensor(context, {s.outer, s.inner, s.keys, s.heads, s.size}, dtype, 2),
            random_tensor(context, {s.outer, s.inner, s.keys, s.heads, s.size}, dtype, 3),
            {}};
}

// Scores err by about sqrt(D) roundings, the result by about the same times its size.
Tolerance tolerance_of(const Case& problem) {
    return sum_tolerance(problem.q.dtype(), problem.k.dim(2) + problem.q.dim(4));
}

// Matrix units meet shares that are rounded to bf16: each is off by 2^-9 of itself, and together they are 1.
Tolerance tolerance_of(const Case& problem, bool rounds_shares) {
    Tolerance tolerance = tolerance_of(problem);
    if (!rounds_shares) return tolerance;
    double largest = 0;
    for (const double value : to_doubles(problem.v)) largest = std::max(largest, std::abs(value));
    tolerance.absolute += 0x1p-9 * largest;
    return tolerance;
}

bool is_amx(const AttentionProblem& problem) { return problem.q.dtype() == DType::BFloat16; }

void run_emulated(const Context& context, AttentionProblem& problem) {
    run_flash_attention<BFloat16, TileEngine<EmulatedTiles>>(context, problem);
}

/// Those of this processor, and the one for matrix units on emulated ones.
std::vector<AttentionVariant> variants_to_test() {
    std::vector<AttentionVariant> variants(attention_variants().begin(), attention_variants().end());
    variants.push_back({"amx", "emulated", is_amx, run_emulated});
    return variants;
}

void expect_all_variants_right(const Context& context, const Case& problem) {
    const std::vector<double> want = problem.twin();
    for (const AttentionVariant& variant : variants_to_test()) {
        SCOPED_TRACE(fmt::format("{}: {}", variant.name, variant.summary));
        AttentionProblem asked = problem.problem(context);
        if (!variant.can_run(asked)) continue;
        variant.run(context, asked);
        expect_close(asked.out, want, tolerance_of(problem, variant.name == "amx"));
    }
}

class AttentionSizes : public testing::TestWithParam<std::tuple<Sizes, DType>> {};

std::string name_of_case(const testing::TestParamInfo<std::tuple<Sizes, DType>>& parameters) {
    const auto& [sizes, dtype] = parameters.param;
    return fmt::format("q{}k{}h{}d{}_{}", sizes.queries, sizes.keys, sizes.heads, sizes.size, name_of(dtype));
}

TEST_P(AttentionSizes, EqualsTheTwin) {
    TestContext test;
    const auto [sizes, dtype] = GetParam();
    expect_all_variants_right(test.context, make_case(test.context, sizes, dtype));
}

INSTANTIATE_TEST_SUITE_P(Awkward, AttentionSizes,
                         testing::Combine(testing::Values(Sizes{1, 1, 1, 1, 1, 1}, Sizes{2, 3, 4, 4, 2, 24},
                                                          Sizes{1, 2, 16, 16, 3, 72}, Sizes{1, 1, 7, 120, 2, 32},
                                                          Sizes{2, 1, 50, 257, 1, 5}, Sizes{1, 1, 13, 600, 2, 13},
                                                          Sizes{1, 1, 200, 31, 1, 64}, Sizes{1, 2, 9, 17, 2, 80},
                                                          Sizes{1, 1, 6, 256, 1, 96}, Sizes{1, 1, 49, 513, 1, 128},
                                                          Sizes{1, 1, 3, 9, 1, 130}, Sizes{1, 2, 64, 64, 2, 72},
                                                          Sizes{2, 1, 33, 4, 3, 40}, Sizes{1, 1, 300, 7, 1, 16}),
                                          testing::Values(DType::Float32, DType::BFloat16)),
                         name_of_case);

TEST(Attention, AddsTheBiasOfEachHead) {
    TestContext test;
    for (const int64_t keys : {19, 300}) {
        for (const DType dtype : {DType::Float32, DType::BFloat16}) {
            Case problem = make_case(test.context, {2, 1, 20, keys, 3, 16}, dtype);
            problem.options.bias = random_tensor(test.context, {3, 20, keys}, DType::Float32, 4, 2.0f);
            problem.options.scale = 1.0f;
            expect_all_variants_right(test.context, problem);
        }
    }
}

// The largest score rises by twice the number of the query from block to block: what earlier blocks gave is
// rescaled for some, and stands for others.
TEST(Attention, StaysExactWhereLaterKeysScoreHigher) {
    TestContext test;
    constexpr int64_t kQueries = 20, kKeys = 4 * kKeyBlock - 7;
    std::vector<double> bias;
    for (int64_t query = 0; query < kQueries; ++query) {
        for (int64_t key = 0; key < kKeys; ++key) bias.push_back(static_cast<double>(key / kKeyBlock * query * 2));
    }
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        Case problem = make_case(test.context, {1, 1, kQueries, kKeys, 1, 24}, dtype);
        problem.options.bias = from_doubles(test.context, {1, kQueries, kKeys}, DType::Float32, bias);
        expect_all_variants_right(test.context, problem);
    }
}

TEST(Attention, LeavesOutMaskedKeysEvenWhereAWholeBlockIsMasked) {
    TestContext test;
    for (const int64_t keys : {21, 280}) {
        Case problem = make_case(test.context, {2, 2, 8, keys, 2, 16}, DType::BFloat16);
        std::vector<double> mask(static_cast<size_t>(2 * keys), 0.0);
        for (int64_t key = 0; key < keys; key += 3) mask[static_cast<size_t>(key)] = 1.0;
        mask.back() = 1.0;  // the second batch keeps its last key only
        problem.options.key_mask = from_doubles(test.context, {2, keys}, DType::UInt8, mask);
        expect_all_variants_right(test.context, problem);
    }
}

TEST(Attention, SharesKeysAndValuesAlongAnAxisOfSizeOne) {
    TestContext test;
    const Context& context = test.context;
    for (const Shape& shape : {Shape{1, 2, 11, 2, 8}, Shape{3, 1, 11, 2, 8}, Shape{1, 1, 11, 2, 8}}) {
        Case problem = make_case(context, {3, 2, 5, 11, 2, 8}, DType::Float32);
        problem.k = random_tensor(context, shape, DType::Float32, 5);
        problem.v = random_tensor(context, shape, DType::Float32, 6);
        expect_all_variants_right(context, problem);
    }
}

TEST(Attention, GivesTheSameBitsWhetherKeysAreSharedOrRepeated) {
    TestContext test;
    const Context& context = test.context;
    const Case repeated = make_case(context, {1, 3, 70, 21, 2, 8}, DType::Float32);
    const Tensor k = repeated.k.slice(1, 0, 1);
    const Tensor v = repeated.v.slice(1, 0, 1);
    const Tensor all = attention(context, repeated.q, k, v);
    for (int64_t batch = 0; batch < 3; ++batch) {
        const Tensor one = attention(context, repeated.q.slice(1, batch, batch + 1), k, v);
        EXPECT_TRUE(same_bits(one, all.slice(1, batch, batch + 1))) << "batch " << batch;
    }
}

TEST(Attention, StaysExactForLargeScores) {
    TestContext test;
    for (const int64_t keys : {40, 700}) {
        Case problem = make_case(test.context, {1, 1, 12, keys, 1, 16}, DType::Float32);
        problem.options.scale = 8.0f;  // scores up to about 100: e^score alone would overflow
        const Tensor got = attention(test.context, problem.q, problem.k, problem.v, problem.options);
        expect_close(got, problem.twin(), {1e-4, 1e-4});  // a score of 100 is known to 1e-5, and shares inherit that
    }
}

// Tokens [B, T, S, 3 H D] of a fused projection: frames attended through a transposed view, the result written
// likewise.
TEST(Attention, ReadsAndWritesFramesThroughTransposedViews) {
    TestContext test;
    const Context& context = test.context;
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        const Tensor tokens = random_tensor(context, {2, 5, 6, 3 * 2 * 24}, dtype, 7);
        const auto part = [&](int64_t i) {
            return tokens.slice(3, i * 48, (i + 1) * 48).split(3, 2).transpose(1, 2);  // [B, S, T, H, D]
        };
        const Case problem = {part(0), part(1), part(2), {}};
        Tensor out = Tensor::empty(context, {2, 5, 6, 2, 24}, dtype);
        Tensor view = out.transpose(1, 2);
        attention_into(context, problem.q, problem.k, problem.v, view);
        expect_close(view, problem.twin(), tolerance_of(problem));
    }
}

TEST(Attention, GivesTheSameBitsForAnyThreadCount) {
    TestContext one(1);
    TestContext three(3);
    for (const int64_t keys : {16, 290}) {
        const Case problem = make_case(one.context, {2, 3, 45, keys, 3, 40}, DType::Float32);
        const Tensor a = attention(one.context, problem.q, problem.k, problem.v);
        EXPECT_TRUE(same_bits(a, attention(three.context, problem.q, problem.k, problem.v))) << keys << " keys";
    }
}

class AttentionBits : public testing::TestWithParam<std::tuple<int64_t, DType>> {};

TEST_P(AttentionBits, OfAQueryDoNotDependOnWhatStandsBesideIt) {
    TestContext test;
    const Context& context = test.context;
    const auto [keys, dtype] = GetParam();
    const Case whole = make_case(context, {1, 1, 320, keys, 2, 24}, dtype);
    const Tensor all = attention(context, whole.q, whole.k, whole.v);
    for (const int64_t count : {1, 5, 6, 17, 48, 191, 289}) {
        const Tensor some = attention(context, whole.q.slice(2, 320 - count, 320), whole.k, whole.v);
        EXPECT_TRUE(same_bits(some, all.slice(2, 320 - count, 320))) << count << " queries";
    }
}

INSTANTIATE_TEST_SUITE_P(Lengths, AttentionBits,
                         testing::Combine(testing::Values<int64_t>(3, 16, 64, 300),
                                          testing::Values(DType::Float32, DType::BFloat16)));

TEST(Attention, NamesTheArgumentWhoseShapeDoesNotFit) {
    TestContext test;
    const Case problem = make_case(test.context, {1, 1, 4, 6, 2, 8}, DType::Float32);
    const Tensor wrong = problem.k.slice(3, 0, 1);
    try {
        attention(test.context, problem.q, wrong, problem.v);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "attention: k has shape [1, 1, 6, 1, 8], expected [1, 1, 6, 2, 8]");
    }
}

}  // namespace
}  // namespace kine::kernels
