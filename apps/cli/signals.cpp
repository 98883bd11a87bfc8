#include "apps/cli/signals.h"

#include <pthread.h>
#include <unistd.h>
#include <csignal>

namespace kinescope::cli {

namespace {

constexpr int kStopWatching = SIGUSR2;

/// Whoever started us may have said that a signal is nothing to us: nohup does, and shells do for what runs beside
/// them.
bool is_ignored(int number) {
    struct sigaction inherited = {};
    return sigaction(number, nullptr, &inherited) == 0 && inherited.sa_handler == SIG_IGN;
}

sigset_t watched() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, kStopWatching);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        if (!is_ignored(number)) sigaddset(&set, number);
    }
    return set;
}

}  // namespace

SignalWatch::SignalWatch() {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of the write
    std::signal(SIGXFSZ, SIG_IGN);  // and so is a file size limit
    const sigset_t set = watched();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
    pthread_kill(thread_.native_handle(), kStopWatching);
    thread_.join();
}

void SignalWatch::set_cancel(std::function<void()> cancel) {
    const std::lock_guard lock(mutex_);
    cancel_ = std::move(cancel);
}

void SignalWatch::watch() {
    const sigset_t set = watched();
    for (int number = 0; sigwait(&set, &number) == 0 && number != kStopWatching;) {
        const std::lock_guard lock(mutex_);
        if (received_ != 0 || !cancel_) _exit(128 + number);
        received_ = number;
        cancel_();
    }
}

}  // namespace kinescope::cli
