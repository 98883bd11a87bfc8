#include "dit/frame_feed.h"

#include <chrono>

namespace kine::dit {

namespace {

Frame frame_of(const FrameBytes& frames, int64_t number, int64_t index) {
    const uint8_t* bytes = frames.bytes.data<uint8_t>() + number * frames.bytes.dim(1);
    Frame frame = Frame::of_bytes(frames.format, frames.width, frames.height, bytes);
    frame.index = index;
    return frame;
}

}  // namespace

bool FrameFeed::take(const FrameBytes& frames, double patience) {
    const auto limit = std::chrono::steady_clock::now() +
                       std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(patience));
    for (; taken_ < frames.bytes.dim(0) && done_ < frames_; ++taken_, ++done_) {
        if (!queue_.wait_for_room(limit)) return false;
        queue_.push(frame_of(frames, taken_, done_));
    }
    taken_ = 0;
    tell_(done_);
    return true;
}

}  // namespace kine::dit
