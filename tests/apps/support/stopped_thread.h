// One thread of another process made to stand still, as a rank does whose driver or disk never answers: a signal would
// stop the whole process.
#pragma once

#include <string_view>
#include <thread>

#include <sys/types.h>

namespace kine::apps {

/// Stands still until its process ends; destroying it waits for that.
class StoppedThread {
  public:
    /// The thread `name` of `process`; without a name, its first.
    StoppedThread(pid_t process, std::string_view name);
    StoppedThread(const StoppedThread&) = delete;
    StoppedThread& operator=(const StoppedThread&) = delete;

    /// Some sandboxes forbid it. A thread that ends before it waits is a failure of the test.
    bool is_stopped() const { return is_stopped_; }

  private:
    bool is_stopped_ = false;
    std::jthread tracer_;
};

}  // namespace kine::apps
