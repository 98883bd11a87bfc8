// Attention on Hopper on an emulated grid, against a twin in double; what it tells the hardware, bit by bit.
#include "kernels/attention/hopper.cuh"

#include "kernels/attention/hopper_cuda.h"
#include "runtime/config.h"
#include "tests/kernels/cuda/matrix_arguments.h"
#include "tests/support/cuda/emulated_kernels.h"
#include "tests/support/cuda/hopper.h"
#include "tests/support/cuda/kernel_test.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace kine::kernels::cuda {
namespace {

TEST(HopperLayout, FitsTheSharedMemoryOfABlock) {
    for (const int size : {64, 72, 96, 128}) {
        ASSERT_TRUE(hopper_can_run(size));
        const HopperLayout layout(size);
        EXPECT_LE(layout.bytes, kMostHopperShared) << size;
        EXPECT_EQ(layout.tile_bytes, (size + 15) / 16 * 16 * 128 * 2);
        for (const int tile : {layout.keys, layout.values, layout.tile_bytes}) EXPECT_EQ(tile % kTileAlignment, 0);
        EXPECT_EQ(layout.rows % 16, 0);
        EXPECT_EQ(layout.barriers % 8, 0);
    }
    EXPECT_FALSE(hopper_can_run(80));
}

TEST(HopperLayout, LaunchesABlockForEach128QueriesOfAHead) {
    const Launch launch = hopper_launch(3, 5, 129, 72);
    EXPECT_EQ(launch.blocks_x, 3 * 5 * 2);
    EXPECT_EQ(launch.threads, 384);
    EXPECT_EQ(launch.shared_bytes, HopperLayout(72).bytes);
}

/// PTX manual, matrix descriptor: address in bits 0 to 13, leading bytes 16 to 29, stride 32 to 45, each without its
/// last four bits; swizzle in 62 and 63, 3 for 32 bytes.
TEST(TileFactor, SaysWhereItLies) {
    EXPECT_EQ(tile_factor(0, 0, 0), uint64_t{3} << 62);
    EXPECT_EQ(tile_factor(0x12340, 4096, 256), uint64_t{3} << 62 | uint64_t{16} << 32 | uint64_t{256} << 16 | 0x1234u);
}

TEST(TileFactor, SwizzlesHalvesOfEverySecondFourRows) {
    EXPECT_EQ(swizzled(0), 0u);
    EXPECT_EQ(swizzled(3 * 32 + 16 + 5), 3u * 32 + 16 + 5);
    EXPECT_EQ(swizzled(4 * 32), 4u * 32 + 16);
    EXPECT_EQ(swizzled(7 * 32 + 16 + 2), 7u * 32 + 2);
    EXPECT_EQ(swizzled(8 * 32), 8u * 32);
}

/// q [B, S, Lq, H, D]; k, v [B, S or 1, Lk, H, D].
using Problem = Heads;

Problem problem_of(const Context& context, int64_t queries, int64_t keys, int64_t size, bool shares_keys = false) {
    constexpr int64_t kOuter = 1, kInner = 2, kHeads = 2;
    const Tensor both =
        random_tensor(context, {kOuter, shares_keys ? 1 : kInner, keys, 2, kHeads, size}, DType::BFloat16, 1);
    return {random_tensor(context, {kOuter, kInner, queries, kHeads, size}, DType::BFloat16, 2), both.select(3, 0),
            both.select(3, 1)};
}

struct Attended {
    std::vector<double> out, log_sums;
};

Attended twin(const Problem& problem) {
    const std::vector<double> q = to_doubles(problem.q), k = to_doubles(problem.k), v = to_doubles(problem.v);
    const auto inner = static_cast<size_t>(problem.q.dim(1)), queries = static_cast<size_t>(problem.q.dim(2));
    const auto heads = static_cast<size_t>(problem.q.dim(3)), size = static_cast<size_t>(problem.q.dim(4));
    const auto keys = static_cast<size_t>(problem.k.dim(2));
    Attended made{std::vector<double>(q.size()), std::vector<double>(q.size() / size)};
    std::vector<double> weights(keys);
    for (size_t row = 0; row < made.log_sums.size(); ++row) {
        const size_t head = row % heads, site = problem.k.dim(1) == 1 ? 0 : row / heads / queries % inner;
        const auto at = [&](size_t key) { return ((site * keys + key) * heads + head) * size; };
        double sum = 0;
        for (size_t key = 0; key < keys; ++key) {
            double score = 0;
            for (size_t i = 0; i < size; ++i) score += q[row * size + i] * k[at(key) + i];
            weights[key] = std::exp(score / std::sqrt(static_cast<double>(size)));
            sum += weights[key];
        }
        made.log_sums[row] = std::log(sum);
        for (size_t key = 0; key < keys; ++key)
            for (size_t i = 0; i < size; ++i) made.out[row * size + i] += weights[key] / sum * v[at(key) + i];
    }
    return made;
}

class HopperKernel : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (!IsSkipped() && is_on_gpu() && !is_hopper({DeviceKind::Cuda, 0}))
            GTEST_SKIP() << "the GPU is not of compute capability 9.0";
    }

    void expect_equals_twin(const Problem& problem) {
        Tensor out = Tensor::empty(context, problem.q.shape(), DType::BFloat16);
        Tensor log_sums = Tensor::empty(
            context, {problem.q.dim(0), problem.q.dim(1), problem.q.dim(2), problem.q.dim(3)}, DType::Float32);
        HopperArguments all;
        describe(problem, out, log_sums, all);
        const auto size = static_cast<int>(problem.q.dim(4));
        run(all, size);
        const Attended want = twin(problem);
        expect_close(out, want.out, {4e-3, 8e-3});  // weights and results are rounded to bf16
        expect_close(log_sums, want.log_sums, {1e-5, 2e-5});
    }

  private:
    TileMap tiles(const TileSource& source) const {
        emulation::check_source(source);
        return is_on_gpu() ? make_tile_map(source) : std::bit_cast<TileMap>(emulation::EmulatedMap{source});
    }

    void run(HopperArguments& all, int size) {
        all.q_tiles = tiles(tiles_of(all.q, all.q_strides, all, all.queries, size));
        all.k_tiles = tiles(tiles_of(all.k, all.k_strides, all, all.keys, size));
        all.v_tiles = tiles(tiles_of(all.v, all.v_strides, all, all.keys, size));
        if constexpr (kHasCuda) {
            if (is_on_gpu()) return run_on_gpu([&](Stream stream) { launch_hopper(all, size, stream); });
        }
        emulate(all, size);
    }
};

INSTANTIATE_TEST_SUITE_P(Places, HopperKernel, kPlaces, name_of_place);

TEST_P(HopperKernel, EqualsTheTwinForEverySizeOfHeads) {
    for (const int64_t size : {64, 72, 96, 128}) {
        SCOPED_TRACE(size);
        expect_equals_twin(problem_of(context, 70, 150, size));
    }
}

TEST_P(HopperKernel, EqualsTheTwinForEveryTail) {
    for (const auto& [queries, keys] : {std::pair<int64_t, int64_t>{1, 1}, {63, 127}, {128, 128}, {129, 129}}) {
        SCOPED_TRACE(fmt::format("{} queries, {} keys", queries, keys));
        expect_equals_twin(problem_of(context, queries, keys, 72));
    }
}

/// Frames that are attended, where patches lie closer to one another.
TEST_P(HopperKernel, TakesTokensThatLieFurtherApartThanSites) {
    const Tensor qkv = random_tensor(context, {1, 70, 3, 3, 2, 72}, DType::BFloat16, 3);  // [B, T, S, 3, H, D]
    const auto part = [&](int64_t which) { return qkv.select(3, which).transpose(1, 2); };
    expect_equals_twin({part(0), part(1), part(2)});
}

TEST_P(HopperKernel, TakesOneHeadOrTokenWhateverItsStride) {
    const Tensor qkv = random_tensor(context, {1, 2, 1, 3, 1, 64}, DType::BFloat16, 4);
    expect_equals_twin({qkv.select(3, 0), qkv.select(3, 1), qkv.select(3, 2)});
}

/// Each stage is filled three times, and freed before.
TEST_P(HopperKernel, GoesThroughManyTiles) { expect_equals_twin(problem_of(context, 20, 5 * kHopperKeys + 9, 64)); }

TEST_P(HopperKernel, SharesKeys) { expect_equals_twin(problem_of(context, 40, 130, 72, true)); }

}  // namespace
}  // namespace kine::kernels::cuda
