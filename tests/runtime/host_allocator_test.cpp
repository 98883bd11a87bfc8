#include "runtime/device/host/host_allocator.h"

#include "runtime/tensor/convert.h"
#include "tests/runtime/errors.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cstring>

namespace kine {
namespace {

TEST(HostAllocator, AlignsAndRoundsUp) {
    HostAllocator allocator;
    void* memory = allocator.allocate(1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    EXPECT_EQ(allocator.bytes_in_use(), 64);
    allocator.release(memory, 1);
    EXPECT_EQ(allocator.bytes_in_use(), 0);
}

TEST(HostAllocator, GivesTheSameBlockAgain) {
    HostAllocator allocator;
    void* first = allocator.allocate(1000);
    allocator.release(first, 1000);
    void* second = allocator.allocate(1010);  // the same after rounding
    EXPECT_EQ(first, second);
    allocator.release(second, 1010);
}

TEST(HostAllocator, RemembersThePeak) {
    HostAllocator allocator;
    void* a = allocator.allocate(128);
    void* b = allocator.allocate(64);
    allocator.release(a, 128);
    EXPECT_EQ(allocator.peak_bytes(), 192);
    allocator.reset_peak();
    EXPECT_EQ(allocator.peak_bytes(), 64);
    allocator.release(b, 64);
}

TEST(HostAllocator, NamesSizeUseAndBudgetWhenItIsFull) {
    HostAllocator allocator;
    allocator.set_budget(256);
    void* memory = allocator.allocate(192);
    expect_error(ErrorCode::DoesNotFit, "allocation of 128 bytes does not fit: 192 in use, budget 256",
                 [&] { allocator.allocate(100); });
    allocator.release(memory, 192);
    allocator.release(allocator.allocate(256), 256);
}

TEST(HostAllocator, RefusesImpossibleSizes) {
    HostAllocator allocator;
    expect_error(ErrorCode::DoesNotFit, "-1 bytes", [&] { allocator.allocate(-1); });
    expect_error(ErrorCode::DoesNotFit, "bytes", [&] { allocator.allocate(INT64_MAX); });
    EXPECT_EQ(allocator.bytes_in_use(), 0);
}

TEST(HostAllocator, KeepsAllocatingAfterTrim) {
    HostAllocator allocator;
    allocator.release(allocator.allocate(4096), 4096);
    allocator.trim();
    void* memory = allocator.allocate(4096);
    std::memset(memory, 1, 4096);
    allocator.release(memory, 4096);
}

/// Fails one allocation and passes all others on.
class FailingAllocator final : public Allocator {
  public:
    explicit FailingAllocator(int fail_at) : fail_at_(fail_at) {}

    void* allocate(int64_t bytes) override {
        check(count_++ != fail_at_, ErrorCode::DoesNotFit, "allocation {} fails by request", fail_at_);
        return real_.allocate(bytes);
    }
    void release(void* memory, int64_t bytes) noexcept override { real_.release(memory, bytes); }
    Device device() const override { return {}; }
    int64_t bytes_in_use() const override { return real_.bytes_in_use(); }
    int64_t peak_bytes() const override { return real_.peak_bytes(); }
    void reset_peak() override { real_.reset_peak(); }
    void set_budget(int64_t bytes) override { real_.set_budget(bytes); }
    int64_t budget() const override { return real_.budget(); }

  private:
    HostAllocator real_;
    int fail_at_;
    int count_ = 0;
};

TEST(Allocator, LosesNothingWhicheverAllocationFails) {
    TestContext test;
    constexpr int kAllocations = 4;
    for (int fail_at = 0; fail_at <= kAllocations; ++fail_at) {
        FailingAllocator allocator(fail_at);
        const Context context{Device{}, allocator, test.threads, test.profiler};
        const auto work = [&] {
            const Tensor a = Tensor::zeros(context, {3, 5}, DType::Float32);
            const Tensor b = convert(context, a.transpose(0, 1), DType::BFloat16);  // target and row-major copy
            return convert(context, b, DType::Float32);
        };
        if (fail_at < kAllocations) {
            expect_error(ErrorCode::DoesNotFit, "by request", work);
        } else {
            EXPECT_NO_THROW(work());
        }
        EXPECT_EQ(allocator.bytes_in_use(), 0) << "allocation " << fail_at;
    }
}

}  // namespace
}  // namespace kine
