// Writing to a closed pipe or past a file size limit raises SIGPIPE or SIGXFSZ, which end the process by default. A
// library may not change the host's signal handlers, so the writing thread blocks both while it writes and sees EPIPE
// and EFBIG.
#pragma once

#include <csignal>

namespace kine::codecs {

/// Blocks SIGPIPE and SIGXFSZ in this thread and swallows those raised meanwhile. Construct and destroy in one thread.
class SignalGuard {
  public:
    SignalGuard();
    ~SignalGuard();
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;

  private:
    sigset_t ours_;      // those not pending before us
    sigset_t previous_;  // the thread's mask
};

}  // namespace kine::codecs
