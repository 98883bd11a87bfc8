// A rank that hangs: the others say who, in what and where, and whoever owns the process hears of it.
#include "parallel/launch.h"
#include "tests/support/stalling_memory.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>

namespace kine::parallel {
namespace {

std::string message_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Rank);
        return error.what();
    }
}

/// Rank `hung` stays away from the third gather until it is released.
void gather_with_one_hung(Communicator& communicator, int hung, std::latch& release) {
    TestContext bundle(1);
    communicator.set_timeout(0.2);
    for (int step = 0; step < 5; ++step) {
        communicator.set_place(fmt::format("step {}", step));
        if (communicator.rank() == hung && step == 2) release.wait();
        const std::vector<Shape> shapes(static_cast<size_t>(communicator.size()), Shape{2});
        communicator.all_gather(bundle.context, Tensor::zeros(bundle.context, {2}, DType::Float32), shapes);
    }
}

class LostRank : public testing::TestWithParam<int> {};

TEST_P(LostRank, IsNamedWithOperationAndPlaceWhileTheLaunchStillWaits) {
    std::latch release(1);
    int calls = 0;
    const auto start = std::chrono::steady_clock::now();
    const GiveUp give_up{[&](const LostRanks& lost) {
                             ++calls;
                             EXPECT_EQ(lost.ranks, std::vector<int>{GetParam()});
                             const std::string message = message_of(lost.failure);
                             const std::string named = fmt::format("rank {} did not answer all_gather", GetParam());
                             EXPECT_NE(message.find(named), std::string::npos) << message;
                             EXPECT_NE(message.find("step 2"), std::string::npos) << message;
                             EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
                             release.count_down();
                         },
                         0.1};
    const auto body = [&](Communicator& communicator) { gather_with_one_hung(communicator, GetParam(), release); };
    EXPECT_THROW(launch(3, body, give_up), Error);
    EXPECT_EQ(calls, 1);
}

INSTANTIATE_TEST_SUITE_P(Each, LostRank, testing::Values(0, 1, 2));

/// Then the memory that it reads is another's, who has to say what is wrong before it can give that memory back.
TEST(LostRankThat, HangsWhileItReadsIsNamedToo) {
    StallingMemory memory;
    int calls = 0;
    const GiveUp give_up{[&](const LostRanks& lost) {
                             ++calls;
                             EXPECT_EQ(lost.ranks, std::vector<int>{0});
                             const std::string message = message_of(lost.failure);
                             EXPECT_NE(message.find("rank 0 did not answer broadcast"), std::string::npos) << message;
                             memory.release();
                         },
                         0.1};
    const auto body = [&](Communicator& communicator) {
        TestContext bundle(1);
        communicator.set_timeout(0.2);
        const auto storage = Storage::borrow(memory.bytes().data(), 8, nullptr);
        const Tensor sent = Tensor::over(storage, 0, {2}, DType::Float32);
        communicator.broadcast(bundle.context, sent, {1, sent.shape(), sent.dtype()});
    };
    EXPECT_THROW(launch(2, body, give_up), Error);
    EXPECT_EQ(calls, 1);
}

/// Rank 1 knows who hangs; rank 2, which waits for rank 1 longer than that one for rank 0, does not.
TEST(LostRankThat, HangsWhileItReadsIsNamedByWhoKnows) {
    StallingMemory memory;
    std::string message;
    const GiveUp give_up{[&](const LostRanks& lost) {
                             message = message_of(lost.failure);
                             memory.release();
                         },
                         0.1};
    const auto body = [&](Communicator& communicator) {
        TestContext bundle(1);
        communicator.set_timeout(communicator.rank() == 2 ? 1.0 : 0.6);
        const auto storage = Storage::borrow(memory.bytes().data(), 8, nullptr);
        const Tensor sent = Tensor::over(storage, 0, {2}, DType::Float32);
        std::vector<Parcel> to_first;
        std::vector<Awaited> from_second;
        if (communicator.rank() == 1) to_first.push_back({0, sent});
        if (communicator.rank() == 0) from_second.push_back({1, sent.shape(), sent.dtype()});
        communicator.send_receive(bundle.context, to_first, from_second);
        communicator.broadcast(bundle.context, Tensor::zeros(bundle.context, {2}, DType::Float32), {1, {2}});
    };
    EXPECT_THROW(launch(3, body, give_up), Error);
    EXPECT_NE(message.find("rank 0 did not answer send_receive of rank 1"), std::string::npos) << message;
}

TEST(Launch, GivesNobodyUpWhoLeavesInTime) {
    bool is_given_up = false;
    const auto fail_on_one = [](Communicator& communicator) {
        if (communicator.rank() == 1) fail(ErrorCode::DoesNotFit, "no memory");
        communicator.barrier();
    };
    EXPECT_THROW(launch(3, fail_on_one, {[&](const LostRanks&) { is_given_up = true; }, 60}), Error);
    EXPECT_FALSE(is_given_up);
}

}  // namespace
}  // namespace kine::parallel
