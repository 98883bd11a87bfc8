// That a thread records a graph: work that is enqueued now and done later, again and again.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace kine {

/// While it lives, its thread records. One at a time for each thread.
class GraphRecording {
  public:
    GraphRecording();
    ~GraphRecording();
    GraphRecording(const GraphRecording&) = delete;
    GraphRecording& operator=(const GraphRecording&) = delete;

    /// What recorded work uses beside memory lasts as long as the graph. Nothing where this thread records none.
    static void hold(std::shared_ptr<const void> used);
    /// ErrorCode::Device where this thread records: `what` cannot be repeated.
    static void refuse(std::string_view what);

    using Held = std::vector<std::shared_ptr<const void>>;
    Held take_held() { return std::move(held_); }

  private:
    Held held_;
};

}  // namespace kine
