// The thread that empties a FrameQueue into sinks while the VAE still decodes.
#pragma once

#include "codecs/sink.h"
#include "runtime/frame/frame_queue.h"
#include "runtime/profile.h"

#include <memory>
#include <thread>
#include <vector>

namespace kine::codecs {

/// Owns the sinks. A sink's exception stops the producer through the queue and comes back from finish().
class Pump {
  public:
    Pump(FrameQueue& queue, std::vector<std::unique_ptr<Sink>> sinks, Profiler& profiler);
    ~Pump();  ///< waits for the thread; sinks that were not finished are abandoned
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

    /// Waits until the queue is closed and drained, closes every sink, rethrows the first failure. If the producer
    /// failed or was cancelled, sinks are still closed when `keep_partial` and a frame was written, so that it is kept.
    void finish(bool keep_partial = false);
    int64_t frames_written() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kine::codecs
