// The bounded pipe between decoding and encoding. A slow consumer holds the producer back; the exception of either side
// reaches the other.
#pragma once

#include "runtime/frame/frame.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>

namespace kine {

/// Safe for one producer and one consumer thread.
class FrameQueue {
  public:
    /// Holds at most `capacity` frames, and always room for one; all of the format that the consumer takes best.
    explicit FrameQueue(size_t capacity, PixelFormat format = PixelFormat::Rgb24)
        : capacity_(std::max<size_t>(capacity, 1)), format_(format) {}

    /// Waits while full. Throws the consumer's exception once it has given up, ErrorCode::Bug after close() and for a
    /// frame of another format.
    void push(Frame frame);
    /// Whether a push() would not have to wait, as soon as that is so and at the latest at `limit`.
    bool wait_for_room(std::chrono::steady_clock::time_point limit) const;
    /// No more frames: pop() drains what is there, then returns nothing.
    void close();
    /// The producer failed: pop() drains what is there, then throws.
    void fail(std::exception_ptr cause);
    /// The consumer failed: the waiting and every later push() throws `cause`.
    void abandon(std::exception_ptr cause);

    /// Waits for a frame; nothing at the end.
    std::optional<Frame> pop();
    size_t size() const;
    size_t capacity() const { return capacity_; }
    PixelFormat format() const { return format_; }

  private:
    bool is_ready_for_push() const { return frames_.size() < capacity_ || consumer_failure_ || closed_; }

    const size_t capacity_;
    const PixelFormat format_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::deque<Frame> frames_;
    bool closed_ = false;
    std::exception_ptr producer_failure_;
    std::exception_ptr consumer_failure_;
};

}  // namespace kine
