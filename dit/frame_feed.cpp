#include "dit/frame_feed.h"

#include <chrono>

namespace kine::dit {

namespace {

/// u8 [Y, X, 3].
Frame frame_of(const Tensor& picture, int64_t index) {
    const auto* bytes = picture.data<uint8_t>();
    Frame frame(PixelFormat::Rgb24, static_cast<int>(picture.dim(1)), static_cast<int>(picture.dim(0)),
                {std::vector<uint8_t>(bytes, bytes + picture.elements())});
    frame.index = index;
    return frame;
}

}  // namespace

bool FrameFeed::take(const Tensor& pictures, double patience) {
    const auto limit = std::chrono::steady_clock::now() +
                       std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(patience));
    for (; taken_ < pictures.dim(0) && done_ < frames_; ++taken_, ++done_) {
        if (!queue_.wait_for_room(limit)) return false;
        queue_.push(frame_of(pictures.select(0, taken_), done_));
    }
    taken_ = 0;
    tell_(done_);
    return true;
}

}  // namespace kine::dit
