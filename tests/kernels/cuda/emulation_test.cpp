// The emulated grid itself: what kernels are checked by must be right, and must notice what a GPU would choke on.
#include "kernels/cuda/warp.cuh"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace kine::kernels::cuda {
namespace {

TEST(EmulatedGrid, RunsEveryThreadOfEveryBlockOnce) {
    std::vector<int> visits(2 * 3 * 64);
    emulation::run_grid({3, 2, 64, 0}, [&](std::byte*) {
        ++visits[static_cast<size_t>((block_y() * blocks_x() + block_x()) * threads_in_block() + thread_in_block())];
    });
    EXPECT_EQ(visits, std::vector<int>(visits.size(), 1));
}

TEST(EmulatedGrid, BarriersLetAllThreadsSeeWhatOthersWrote) {
    constexpr int kThreads = 96;
    std::vector<int> seen(2 * kThreads);
    emulation::run_grid({2, 1, kThreads, kThreads * sizeof(int)}, [&](std::byte* shared) {
        auto* values = reinterpret_cast<int*>(shared);
        for (int round = 0; round < 3; ++round) {
            values[thread_in_block()] = thread_in_block() + round;
            sync_block();
            seen[static_cast<size_t>(block_x() * kThreads + thread_in_block())] +=
                values[kThreads - 1 - thread_in_block()];
            sync_block();
        }
    });
    for (int i = 0; i < 2 * kThreads; ++i)
        EXPECT_EQ(seen[static_cast<size_t>(i)], 3 * (kThreads - 1 - i % kThreads) + 3);
}

TEST(EmulatedGrid, SumsOverLanesAndWarps) {
    std::vector<float> sums(128), groups(128);
    emulation::run_grid({1, 1, 128, 4 * sizeof(float)}, [&](std::byte* shared) {
        const auto own = static_cast<float>(thread_in_block());
        const auto at = static_cast<size_t>(thread_in_block());
        groups[at] = sum_over<8>(own);
        sums[at] = sum_over_warps<4>(own, reinterpret_cast<float*>(shared));
        sums[at] += sum_over_warps<4>(1.0f, reinterpret_cast<float*>(shared));
    });
    for (size_t i = 0; i < 128; ++i) {
        EXPECT_EQ(sums[i], 127.0f * 64.0f + 128.0f);
        EXPECT_EQ(groups[i], static_cast<float>(i / 8 * 64 + 28));
    }
}

TEST(EmulatedGrid, BeginsWithSharedMemoryThatIsNotANumber) {
    float first = 0.0f;
    emulation::run_grid({1, 1, 32, 4}, [&](std::byte* shared) { first = *reinterpret_cast<float*>(shared); });
    EXPECT_TRUE(std::isnan(first));
}

TEST(EmulatedGrid, RefusesABarrierThatSomeThreadsNeverReach) {
    const auto diverge = [](std::byte*) {
        if (thread_in_block() < 32) sync_block();
    };
    EXPECT_THROW(emulation::run_grid({1, 1, 64, 0}, diverge), std::logic_error);
    const auto leave_early = [](std::byte*) {
        if (thread_in_block() != 5) shuffle_xor(1.0f, 1);
    };
    EXPECT_THROW(emulation::run_grid({1, 1, 32, 0}, leave_early), std::logic_error);
    EXPECT_THROW(emulation::run_grid({1, 1, 40, 0}, [](std::byte*) {}), std::logic_error);
}

/// Small whole numbers are exact in sixteen bits, and so are their sums.
float number(int row, int column) { return static_cast<float>((row * 7 + column * 5) % 11 - 5); }

template <class T>
void expect_product() {
    std::vector<float> got(16 * 8);
    emulation::run_grid({1, 1, 32, 0}, [&](std::byte*) {
        const int g = lane() / 4, t = lane() % 4 * 2;
        const auto a_at = [](int row, int k) { return pack<T>(number(row, k), number(row, k + 1)); };
        const auto b_at = [](int k, int n) { return pack<T>(number(n + 3, k), number(n + 3, k + 1)); };
        const uint32_t a[4] = {a_at(g, t), a_at(g + 8, t), a_at(g, t + 8), a_at(g + 8, t + 8)};
        const uint32_t b[2] = {b_at(t, g), b_at(t + 8, g)};
        float sums[4] = {1.0f, 1.0f, 1.0f, 1.0f};
        multiply_add<T>(sums, a, b);
        for (int i = 0; i < 4; ++i) got[static_cast<size_t>((g + i / 2 * 8) * 8 + t + i % 2)] = sums[i];
    });
    for (int row = 0; row < 16; ++row) {
        for (int column = 0; column < 8; ++column) {
            float want = 1.0f;
            for (int k = 0; k < 16; ++k) want += number(row, k) * number(column + 3, k);
            EXPECT_EQ(got[static_cast<size_t>(row * 8 + column)], want) << row << ", " << column;
        }
    }
}

TEST(EmulatedGrid, MultipliesMatricesByTheFragmentsOfTheManual) {
    expect_product<BFloat16>();
    expect_product<Float16>();
}

TEST(EmulatedGrid, LoadsMatricesTransposed) {
    std::vector<uint32_t> parts(64);
    emulation::run_grid({1, 1, 32, 16 * 8 * 2}, [&](std::byte* shared) {
        auto* elements = reinterpret_cast<uint16_t*>(shared);
        for (int i = lane(); i < 16 * 8; i += 32) elements[i] = static_cast<uint16_t>(i);
        sync_warp();
        uint32_t own[2];
        load_transposed(own, elements + lane() % 16 * 8);
        for (int i = 0; i < 2; ++i) parts[static_cast<size_t>(lane() * 2 + i)] = own[i];
    });
    for (uint32_t lane = 0; lane < 32; ++lane) {
        const uint32_t group = lane / 4, pair = lane % 4 * 2;
        for (uint32_t part = 0; part < 2; ++part) {
            const uint32_t row = part * 8 + pair;
            EXPECT_EQ(parts[lane * 2 + part], (row * 8 + group) | ((row + 1) * 8 + group) << 16);
        }
    }
}

}  // namespace
}  // namespace kine::kernels::cuda
