// Signals of a terminal program. The first SIGINT, SIGTERM or SIGHUP asks the run to end, which finishes its files; the
// second ends the process at once. A thread waits for them, so no handler runs and no global is needed.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace kinescope::cli {

/// Make it first thing in main: threads inherit the blocked signals.
class SignalWatch {
  public:
    SignalWatch();
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

    /// While set, the first signal calls `cancel`; otherwise it ends the process with 128 + its number.
    void set_cancel(std::function<void()> cancel);
    /// The signal that came, 0 if none.
    int received() const { return received_; }

  private:
    void watch();

    std::mutex mutex_;
    std::function<void()> cancel_;
    std::atomic<int> received_ = 0;
    std::thread thread_;
};

}  // namespace kinescope::cli
