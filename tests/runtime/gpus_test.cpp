// What is said of GPUs, from what a driver might say; and what this machine says.
#include "runtime/device/gpus.h"

#include "runtime/config.h"
#include "runtime/device/cuda/pinned.h"
#include "runtime/device/cuda/pool.h"
#include "runtime/device/cuda/stream.h"
#include "tests/runtime/errors.h"
#include "tests/support/wanted_gpu.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <vector>

namespace kine {
namespace {

GpuFacts two_gpus() { return {13000, 13010, "", {{"NVIDIA V100", 7, 0, 0}, {"NVIDIA H200", 9, 0, 150'109'880'320}}}; }

TEST(Gpus, AreNotUsedForAReason) {
    EXPECT_EQ(why_none({}), "this build has no CUDA");
    EXPECT_EQ(why_none({13000, 0, "", {}}), "no NVIDIA driver is installed");
    EXPECT_EQ(why_none({13000, 12080, "", {}}),
              "the NVIDIA driver is too old: it knows CUDA 12.8, expected 13.0 or later");
    EXPECT_EQ(why_none({13020, 13000, "", {}}), "the NVIDIA driver shows no GPU");
    EXPECT_EQ(why_none({13000, 13000, "initialization error", {}}), "initialization error");
    EXPECT_EQ(why_none(two_gpus()), "");
}

TEST(Gpus, AreUsedFromAmpereOn) {
    EXPECT_EQ(why_unusable(two_gpus(), 0), "NVIDIA V100 has compute capability 7.0, expected 8.0 or later");
    EXPECT_EQ(why_unusable(two_gpus(), 1), "");
    EXPECT_EQ(why_unusable(two_gpus(), 2), "there are 2 GPUs, counted from 0");
    EXPECT_EQ(describe(two_gpus().gpus[1]), "NVIDIA H200, compute capability 9.0, 139.8 GiB");
}

TEST(Gpus, ThatCannotBeUsedAreAnErrorOfTheDevice) {
    expect_error(ErrorCode::Device, "device 'cuda:0': NVIDIA V100 has compute capability 7.0", [] {
        check_usable({DeviceKind::Cuda, 0}, two_gpus());
    });
    expect_error(ErrorCode::Device, "device 'cuda:3': this build has no CUDA, use cpu", [] {
        check_usable({DeviceKind::Cuda, 3}, {});
    });
    check_usable({DeviceKind::Cuda, 1}, two_gpus());
    check_usable({}, {});
}

TEST(Gpus, AreLookedForWithoutAnError) {
    const GpuFacts facts = find_gpus();
    EXPECT_EQ(facts.runtime_version != 0, kHasCuda);
    EXPECT_EQ(why_none(facts).empty(), !facts.gpus.empty() && facts.failure.empty());
}

TEST(MemoryLedger, CountsLiveBytesTheirPeakAndTheirBudget) {
    MemoryLedger ledger;
    ledger.take(100, "--max-vram");
    ledger.take(50, "--max-vram");
    ledger.give(100);
    EXPECT_EQ(ledger.in_use(), 50);
    EXPECT_EQ(ledger.peak(), 150);
    ledger.reset_peak();
    EXPECT_EQ(ledger.peak(), 50);
    ledger.set_budget(80);
    EXPECT_EQ(ledger.budget(), 80);
    ledger.take(30, "--max-vram");
    expect_error(ErrorCode::DoesNotFit, "allocation of 1 bytes does not fit: 80 in use, budget 80 (raise --max-vram)",
                 [&] { ledger.take(1, "--max-vram"); });
    EXPECT_EQ(ledger.in_use(), 80);
}

/// Why there is no GPU to be used; nothing where there is one.
std::optional<std::string> no_gpu() {
    const std::string reason = why_unusable(find_gpus(), 0);
    return reason.empty() ? std::nullopt : std::optional(reason);
}

constexpr Device kFirst = {DeviceKind::Cuda, 0};

TEST(CudaStreams, SayWhatIsMissingWithoutAGpu) {
    if constexpr (kHasCuda) {
        if (!no_gpu()) GTEST_SKIP() << "there is a GPU";
        expect_error(ErrorCode::Device, "cuda:0: ", [] { const CudaStream stream(kFirst); });
        expect_error(ErrorCode::Device, "cuda:0: ", [] { const CudaEvent event(kFirst); });
        expect_error(ErrorCode::Device, "pinned memory: ", [] { const PinnedBuffer buffer(64); });
        expect_error(ErrorCode::Device, "the memory pool of cuda:0: ", [] { const CudaPool pool(kFirst, {}); });
    } else {
        GTEST_SKIP() << *no_gpu();
    }
}

TEST(CudaPool, GivesMemoryInTheOrderOfItsQueue) {
    if constexpr (kHasCuda) {
        if (const std::string reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
        CudaStream stream(kFirst);
        CudaPool pool(kFirst, stream.get());
        const PinnedBuffer out(1000), back(1000);
        std::memset(out.bytes().data(), 42, 1000);
        void* memory = pool.allocate(1000);
        EXPECT_EQ(pool.bytes_in_use(), 1024);
        CudaEvent before(kFirst), after(kFirst);
        before.record(stream.get());
        copy_async(memory, out.bytes().data(), 1000, stream.get());
        copy_async(back.bytes().data(), memory, 1000, stream.get());
        after.record(stream.get());
        pool.release(memory, 1000);
        after.synchronize();
        EXPECT_TRUE(after.is_done());
        EXPECT_GE(after.since(before), 0.0f);
        EXPECT_EQ(std::memcmp(out.bytes().data(), back.bytes().data(), 1000), 0);
        EXPECT_EQ(pool.bytes_in_use(), 0);
        EXPECT_EQ(pool.peak_bytes(), 1024);
        pool.trim();
        pool.set_budget(512);
        expect_error(ErrorCode::DoesNotFit, "budget 512", [&] { pool.allocate(1000); });
    } else {
        GTEST_SKIP() << *no_gpu();
    }
}

}  // namespace
}  // namespace kine
