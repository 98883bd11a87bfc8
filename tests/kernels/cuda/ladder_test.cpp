// The rungs of the ladders on an emulated grid, against the kernels that they lead to.
#include "apps/bench/ladder/norm_rungs.cuh"
#include "apps/bench/ladder/rungs.h"
#include "apps/bench/ladder/temporal_rungs.cuh"
#include "tests/support/cuda/emulated_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace kine::bench {
namespace {

std::vector<BFloat16> random_values(size_t count, unsigned seed) {
    std::mt19937 bits(seed);
    std::normal_distribution<float> normal;
    std::vector<BFloat16> values(count);
    for (BFloat16& value : values) value = BFloat16(normal(bits));
    return values;
}

/// Of two that are rounded to bf16 from other orders of a sum, one unit in the last place; and `more`.
void expect_alike(const std::vector<BFloat16>& got, const std::vector<BFloat16>& want, float more) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(float{got[i]}, float{want[i]}, std::abs(float{want[i]}) / 128 + more) << "element " << i;
}

using Norm = NormArguments<BFloat16>;

void run_thread_per_row(const Norm& norm) {
    emulation::run_grid(thread_per_row_launch(norm.rows), [&](std::byte*) { thread_per_row_block(norm); });
}
void run_block_per_row(const Norm& norm) {
    emulation::run_grid(block_per_row_launch(norm.rows),
                        [&](std::byte* shared) { block_per_row_block(norm, reinterpret_cast<float*>(shared)); });
}
void run_warp_per_row(const Norm& norm) {
    emulation::run_grid(warp_per_row_launch(norm.rows), [&](std::byte*) { warp_per_row_block(norm); });
}

TEST(Ladder, RungsOfTheNormComputeWhatTheLastOneDoes) {
    constexpr size_t kRows = 6, kWidth = 520;
    const auto x = random_values(kRows * kWidth, 1), y = random_values(kRows * kWidth, 2);
    std::vector<float> table;
    for (const BFloat16 value : random_values(3 * kWidth, 3)) table.push_back(value);
    std::vector<BFloat16> sum(x.size()), out(x.size());
    Norm norm;
    norm.x = x.data();
    norm.y = y.data();
    norm.sum = sum.data();
    norm.out = out.data();
    norm.gate = {table.data(), 0, kRows};
    norm.scale = {table.data() + kWidth, 0, kRows};
    norm.shift = {table.data() + 2 * kWidth, 0, kRows};
    norm.rows = kRows;
    norm.width = kWidth;
    norm.places.stride = kWidth;
    norm.eps = 1e-6f;
    kernels::cuda::emulate(norm);
    const auto wanted_sum = sum, wanted = out;
    for (const auto run : {run_thread_per_row, run_block_per_row, run_warp_per_row}) {
        std::fill(sum.begin(), sum.end(), BFloat16{});
        std::fill(out.begin(), out.end(), BFloat16{});
        run(norm);
        expect_alike(sum, wanted_sum, 1e-3f);
        expect_alike(out, wanted, 1e-3f);
    }
}

constexpr int kHeadSize = kLadderHeadSize;

void run_thread_per_query(const TemporalArguments<BFloat16>& all) {
    emulation::run_grid(thread_per_query_launch(all.outer * all.inner * all.heads * all.queries),
                        [&](std::byte*) { thread_per_query_block<kHeadSize>(all); });
}
void run_staged(const TemporalArguments<BFloat16>& all) {
    emulation::run_grid(temporal_launch(all.outer * all.inner, all.heads, all.keys, kHeadSize),
                        [&](std::byte* shared) { staged_block<kHeadSize>(all, reinterpret_cast<BFloat16*>(shared)); });
}

TEST(Ladder, RungsOfTemporalAttentionComputeWhatTheLastOneDoes) {
    constexpr int kFrames = 19, kSites = 3, kHeads = 2, kTokens = kHeads * kHeadSize;
    const auto packed = random_values(size_t{kFrames} * kSites * 3 * kTokens, 4);
    std::vector<BFloat16> out(size_t{kFrames} * kSites * kTokens);
    const TemporalArguments<BFloat16> all = over_frames(packed.data(), out.data(), kFrames, kSites, kHeads);
    kernels::cuda::emulate(all, kHeadSize);
    const auto wanted = out;
    for (const auto run : {run_thread_per_query, run_staged}) {
        std::fill(out.begin(), out.end(), BFloat16{});
        run(all);
        expect_alike(out, wanted, 0x1p-9f * 4);  // the matrix unit meets shares rounded to bf16, of values up to 4
    }
}

}  // namespace
}  // namespace kine::bench
