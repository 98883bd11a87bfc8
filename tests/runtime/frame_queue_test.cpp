#include "runtime/frame/frame_queue.h"

#include "tests/runtime/errors.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace kine {
namespace {

Frame numbered(int64_t index) {
    Frame frame(PixelFormat::Rgb24, 1, 1, {{1, 2, 3}});
    frame.index = index;
    return frame;
}

std::exception_ptr cause(const char* text) { return std::make_exception_ptr(std::runtime_error(text)); }

TEST(FrameQueue, KeepsTheOrder) {
    FrameQueue queue(8);
    for (int64_t i = 0; i < 5; ++i) queue.push(numbered(i));
    queue.close();
    for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(queue.pop()->index, i);
    EXPECT_FALSE(queue.pop().has_value());
    EXPECT_FALSE(queue.pop().has_value());
}

TEST(FrameQueue, IsOfOneFormat) {
    FrameQueue queue(8, PixelFormat::Yuv420p);
    EXPECT_EQ(queue.format(), PixelFormat::Yuv420p);
    queue.push(Frame(PixelFormat::Yuv420p, 1, 1, {{1}, {2}, {3}}));
    expect_error(ErrorCode::Bug, "frame 4 is rgb24, the queue is of yuv420p", [&] { queue.push(numbered(4)); });
    EXPECT_EQ(FrameQueue(1).format(), PixelFormat::Rgb24);
}

TEST(FrameQueue, HoldsTheProducerBackWhileFull) {
    FrameQueue queue(2);
    std::atomic<int64_t> pushed = 0;
    std::thread producer([&] {
        for (int64_t i = 0; i < 100; ++i) {
            queue.push(numbered(i));
            pushed = i + 1;
        }
        queue.close();
    });
    for (int64_t popped = 0; popped < 100; ++popped) {
        EXPECT_LE(queue.size(), 2u);
        EXPECT_LE(pushed.load(), popped + 2);
        EXPECT_EQ(queue.pop()->index, popped);
    }
    EXPECT_FALSE(queue.pop().has_value());
    producer.join();
}

TEST(FrameQueue, DrainsBeforeItThrowsTheProducersException) {
    FrameQueue queue(4);
    queue.push(numbered(0));
    queue.fail(cause("decode failed"));
    EXPECT_EQ(queue.pop()->index, 0);
    EXPECT_THROW(queue.pop(), std::runtime_error);
    EXPECT_THROW(queue.pop(), std::runtime_error);
}

TEST(FrameQueue, WakesAWaitingConsumerOnFailure) {
    FrameQueue queue(1);
    std::thread producer([&] { queue.fail(cause("decode failed")); });
    EXPECT_THROW(queue.pop(), std::runtime_error);
    producer.join();
}

TEST(FrameQueue, WakesAWaitingProducerWhenTheConsumerGivesUp) {
    FrameQueue queue(1);
    queue.push(numbered(0));
    std::thread consumer([&] { queue.abandon(cause("disk full")); });
    const auto push_until_refused = [&] {
        for (int64_t i = 1; i < 3; ++i) queue.push(numbered(i));
    };
    EXPECT_THROW(push_until_refused(), std::runtime_error);
    EXPECT_THROW(queue.push(numbered(9)), std::runtime_error);
    consumer.join();
}

TEST(FrameQueue, DropsItsFramesWhenTheConsumerGivesUp) {
    FrameQueue queue(2);
    queue.push(numbered(0));
    queue.abandon(cause("disk full"));
    EXPECT_EQ(queue.size(), 0u);
}

TEST(FrameQueue, RefusesFramesAfterTheEnd) {
    FrameQueue queue(2);
    queue.close();
    expect_error(ErrorCode::Bug, "frame 3 pushed after the end", [&] { queue.push(numbered(3)); });
}

TEST(FrameQueue, AlwaysHasRoomForOne) {
    FrameQueue queue(0);
    queue.push(numbered(0));
    EXPECT_EQ(queue.capacity(), 1u);
}

}  // namespace
}  // namespace kine
