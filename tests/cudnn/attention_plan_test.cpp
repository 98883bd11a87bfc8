// Every attention of the published models has a plan for an H200, read from the packed projections where they lie.
#include "kernels/cudnn/plugin/attention.h"

#include "kernels/attention/cudnn_attention.h"
#include "tests/cudnn/h200.h"

#include <gtest/gtest.h>

namespace kine::kernels::cudnn {
namespace {

struct Row {
    const char* name;
    int64_t batches, frames, patches, heads, size;
};

/// One projection [B, T, S, 3 H D] as q, k or v [B, T, S, H, D].
Tensor part(const Tensor& packed, const Row& row, int64_t index) {
    const int64_t width = row.heads * row.size;
    return packed.slice(-1, index * width, (index + 1) * width).split(3, row.heads);
}

AttentionProblem self_attention(const Row& row, bool over_frames) {
    const int64_t width = row.heads * row.size;
    const Tensor packed = Tensor::imagined({row.batches, row.frames, row.patches, 3 * width}, DType::BFloat16);
    const Tensor out = Tensor::imagined({row.batches, row.frames, row.patches, width}, DType::BFloat16);
    const auto view = [&](const Tensor& x) { return over_frames ? x.transpose(1, 2) : x; };
    return {.q = view(part(packed, row, 0)),
            .k = view(part(packed, row, 1)),
            .v = view(part(packed, row, 2)),
            .out = view(out.split(3, row.heads)),
            .bias = {},
            .key_mask = {}};
}

AttentionProblem cross_attention(const Row& row, int64_t keys) {
    const int64_t width = row.heads * row.size, queries = row.frames * row.patches;
    const Tensor q = Tensor::imagined({row.batches, 1, queries, width}, DType::BFloat16).split(3, row.heads);
    const Tensor text = Tensor::imagined({row.batches, 1, keys, 2 * width}, DType::BFloat16);
    return {.q = q,
            .k = text.slice(3, 0, width).split(3, row.heads),
            .v = text.slice(3, width, 2 * width).split(3, row.heads),
            .out = q,
            .bias = {},
            .key_mask = {}};
}

/// All frames look at one text.
AttentionProblem shared_text(const Row& row, int64_t keys) {
    AttentionProblem problem = cross_attention(row, keys);
    const int64_t width = row.heads * row.size;
    const Shape shape = {row.batches, row.frames, row.patches, width};
    problem.q = problem.out = Tensor::imagined(shape, DType::BFloat16).split(3, row.heads);
    return problem;
}

std::string plan_of(const AttentionProblem& problem) {
    return plan_attention(h200(), cudnn_calls(problem).value().graph).description();
}

// Published sizes at their default resolution and length; full attention is one "frame" of all tokens.
constexpr Row kFactored[] = {{"Latte-1, 512 x 512, 16 frames", 2, 16, 1024, 16, 72},
                             {"Open-Sora 1.2, 480p, 51 frames", 2, 15, 1590, 16, 72}};
constexpr Row kFull[] = {{"CogVideoX 2b", 2, 1, 17776, 30, 64},  {"CogVideoX 5b", 2, 1, 17776, 48, 64},
                         {"CogVideoX 1.5", 2, 1, 45106, 48, 64}, {"Wan 2.1 1.3B", 2, 1, 32760, 12, 128},
                         {"Wan 2.1 14B", 2, 1, 32760, 40, 128},  {"Wan 2.2 TI2V 5B", 2, 1, 27280, 24, 128}};

TEST(AttentionPlan, ExistsForSpatialAndTemporalAttention) {
    for (const Row& row : kFactored) {
        SCOPED_TRACE(row.name);
        EXPECT_NE(plan_of(self_attention(row, false)).find("SDPA"), std::string::npos);
        EXPECT_NE(plan_of(self_attention(row, true)).find("SDPA"), std::string::npos);
    }
}

TEST(AttentionPlan, ExistsForFullAttention) {
    for (const Row& row : kFull) {
        SCOPED_TRACE(row.name);
        EXPECT_NE(plan_of(self_attention(row, false)).find("SDPA"), std::string::npos);
    }
}

TEST(AttentionPlan, ExistsForABranchByItself) {
    Row row = kFull[3];
    row.batches = 1;
    EXPECT_NO_THROW(plan_of(self_attention(row, false)));
}

TEST(AttentionPlan, ExistsForCrossAttention) {
    EXPECT_NO_THROW(plan_of(cross_attention(kFactored[0], 120)));
    EXPECT_NO_THROW(plan_of(cross_attention(kFactored[1], 300)));
    EXPECT_NO_THROW(plan_of(cross_attention(kFull[3], 512)));
    EXPECT_NO_THROW(plan_of(shared_text(kFactored[0], 120)));
}

TEST(AttentionPlan, ExistsInFloat16) {
    for (const AttentionProblem& problem :
         {self_attention(kFull[0], false), self_attention(kFactored[0], false), self_attention(kFactored[0], true)}) {
        SCOPED_TRACE(to_string(problem.q.shape()));
        AttentionGraph graph = cudnn_calls(problem).value().graph;
        EXPECT_EQ(graph.dtype, DType::BFloat16);
        graph.dtype = DType::Float16;
        EXPECT_NO_THROW(plan_attention(h200(), graph)) << graph.batches << " " << graph.q.batch;
    }
}

TEST(AttentionPlan, ExistsWithTheLogSumsThatRingsMerge) {
    const Row row = kFull[3];
    AttentionProblem problem = self_attention(row, false);
    problem.log_sums = Tensor::imagined({row.batches, 1, row.patches, row.heads}, DType::Float32);
    EXPECT_NO_THROW(plan_of(problem));
}

TEST(CudnnCalls, TakeAllBatchesAtOnceWhereTheyLieEvenly) {
    const CudnnCalls calls = cudnn_calls(self_attention(kFactored[0], false)).value();
    EXPECT_EQ(calls.each.count, 1);
    EXPECT_EQ(calls.graph.batches, 2 * 16);
    EXPECT_EQ(calls.graph.queries, 1024);
    EXPECT_EQ(calls.graph.q, (TokenStrides{1024 * 3456, 3456, 72}));
    EXPECT_EQ(calls.graph.out, (TokenStrides{1024 * 1152, 1152, 72}));
}

TEST(CudnnCalls, GoThroughAnAxisThatLiesUnevenly) {
    const CudnnCalls calls = cudnn_calls(self_attention(kFactored[0], true)).value();
    EXPECT_EQ(calls.each.count, 2) << "guidance branches are 16 frames apart, sites one";
    EXPECT_EQ(calls.each.q, 16 * 1024 * 3456);
    EXPECT_EQ(calls.each.out, 16 * 1024 * 1152);
    EXPECT_EQ(calls.graph.batches, 1024);
    EXPECT_EQ(calls.graph.queries, 16);
    EXPECT_EQ(calls.graph.q, (TokenStrides{3456, 1024 * 3456, 72}));
}

TEST(CudnnCalls, TakeFramesThatShareTheirTextForMoreQueries) {
    const CudnnCalls calls = cudnn_calls(shared_text(kFactored[0], 120)).value();
    EXPECT_EQ(calls.each.count, 1);
    EXPECT_EQ(calls.graph.batches, 2);
    EXPECT_EQ(calls.graph.queries, 16 * 1024);
    EXPECT_EQ(calls.graph.keys, 120);
}

}  // namespace
}  // namespace kine::kernels::cudnn
