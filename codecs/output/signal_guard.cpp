#include "codecs/output/signal_guard.h"

#include <pthread.h>

#include <ctime>
#include <initializer_list>

namespace kine::codecs {

SignalGuard::SignalGuard() {
    sigset_t pending;
    sigpending(&pending);
    sigemptyset(&ours_);
    // One that was pending before belongs to the host and must still reach it.
    for (const int number : {SIGPIPE, SIGXFSZ})
        if (sigismember(&pending, number) != 1) sigaddset(&ours_, number);
    pthread_sigmask(SIG_BLOCK, &ours_, &previous_);
}

SignalGuard::~SignalGuard() {
    const timespec at_once{};
    while (sigtimedwait(&ours_, nullptr, &at_once) > 0) continue;
    pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

}  // namespace kine::codecs
