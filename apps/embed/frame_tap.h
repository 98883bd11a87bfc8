// The first sink of every job: counts frames and shows them to the host before the files get them.
#pragma once

#include "codecs/sink.h"

#include <atomic>
#include <functional>

namespace kine::embed {

class FrameTap final : public codecs::Sink {
  public:
    /// `count` must outlive the sink; `show` may be empty.
    FrameTap(std::atomic<int64_t>& count, std::function<void(const Frame&)> show)
        : count_(count), show_(std::move(show)) {}

    /// Whatever the files take: the job sees to it that a host which looks is shown Rgb24.
    bool takes(PixelFormat) const override { return true; }
    void write(const Frame& frame) override {
        if (show_) show_(frame);
        ++count_;
    }
    void close() override {}
    std::string name() const override { return "host"; }
    std::string temporary_name() const override { return ""; }

  private:
    std::atomic<int64_t>& count_;
    std::function<void(const Frame&)> show_;
};

}  // namespace kine::embed
