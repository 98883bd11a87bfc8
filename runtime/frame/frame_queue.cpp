#include "runtime/frame/frame_queue.h"

#include "runtime/error.h"

namespace kine {

void FrameQueue::push(Frame frame) {
    check(frame.format() == format_, ErrorCode::Bug, "frame queue: frame {} is {}, the queue is of {}", frame.index,
          name_of(frame.format()), name_of(format_));
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_ready_for_push(); });
    if (consumer_failure_) std::rethrow_exception(consumer_failure_);
    check(!closed_, ErrorCode::Bug, "frame queue: frame {} pushed after the end", frame.index);
    frames_.push_back(std::move(frame));
    changed_.notify_all();
}

bool FrameQueue::wait_for_room(std::chrono::steady_clock::time_point limit) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, limit, [this] { return is_ready_for_push(); });
}

void FrameQueue::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

void FrameQueue::fail(std::exception_ptr cause) {
    const std::lock_guard lock(mutex_);
    producer_failure_ = std::move(cause);
    closed_ = true;
    changed_.notify_all();
}

void FrameQueue::abandon(std::exception_ptr cause) {
    const std::lock_guard lock(mutex_);
    consumer_failure_ = std::move(cause);
    frames_.clear();
    changed_.notify_all();
}

std::optional<Frame> FrameQueue::pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !frames_.empty() || closed_; });
    if (frames_.empty() && producer_failure_) std::rethrow_exception(producer_failure_);
    if (frames_.empty()) return std::nullopt;
    Frame frame = std::move(frames_.front());
    frames_.pop_front();
    changed_.notify_all();
    return frame;
}

size_t FrameQueue::size() const {
    const std::lock_guard lock(mutex_);
    return frames_.size();
}

}  // namespace kine
