// The last step of a run: decoded pictures become frames of the queue that leads out of it.
#pragma once

#include "dit/shared_decode.h"
#include "runtime/frame/frame_queue.h"

#include <functional>

namespace kine::dit {

class FrameFeed final : public FrameTaker {
  public:
    /// Takes `frames` in all and leaves the rest; `tell` hears how many there are after each chunk.
    FrameFeed(FrameQueue& queue, int64_t frames, std::function<void(int64_t done)> tell)
        : queue_(queue), frames_(frames), tell_(std::move(tell)) {}

    PixelFormat format() const override { return queue_.format(); }
    bool take(const FrameBytes& frames, double patience) override;

  private:
    FrameQueue& queue_;
    int64_t frames_;
    std::function<void(int64_t done)> tell_;
    int64_t done_ = 0;
    int64_t taken_ = 0;  // of the present ones
};

}  // namespace kine::dit
