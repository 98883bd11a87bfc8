#include "tests/apps/support/stopped_thread.h"

#include "runtime/error.h"

#include <gtest/gtest.h>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

namespace kine::apps {

namespace {

pid_t find_thread(pid_t process, std::string_view name) {
    for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process))) {
        std::string found;
        std::getline(std::ifstream(entry.path() / "comm"), found);
        if (found == name) return std::stoi(entry.path().filename().string());
    }
    fail(ErrorCode::Other, "process {} has no thread '{}'", process, name);
}

/// Whether a thread waits to be woken: then it holds no lock that others need to say what is wrong. Only of one that is
/// stopped does the answer last.
bool is_waiting(pid_t process, pid_t thread) {
    constexpr const char* kFutex = "202";  // on x86-64
    constexpr long kWait = 0, kWaitBitset = 9, kFlags = 0x180;
    std::ifstream file(fmt::format("/proc/{}/task/{}/syscall", process, thread));
    std::string number, address, operation;
    file >> number >> address >> operation;
    if (number != kFutex || operation.empty()) return false;
    const long asked = std::stol(operation, nullptr, 16) & ~kFlags;
    return asked == kWait || asked == kWaitBitset;
}

bool stop(pid_t thread) {
    return ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 && ::waitpid(thread, nullptr, __WALL) == thread;
}

bool has_ended(pid_t thread) {
    siginfo_t end = {};
    const int noted = ::waitid(P_PID, static_cast<id_t>(thread), &end, WEXITED | WNOHANG | WNOWAIT | __WALL);
    return noted != 0 || end.si_pid == thread;
}

/// It is stopped only where it is seen to wait: stopped again and again, a rank is so slow that all others wait for it
/// and it for none.
bool stop_while_waiting(pid_t process, pid_t thread) {
    if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return false;
    while (!has_ended(thread)) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        if (!is_waiting(process, thread)) continue;
        if (!stop(thread)) break;
        if (is_waiting(process, thread)) return true;
        if (::ptrace(PTRACE_CONT, thread, nullptr, nullptr) != 0) break;
    }
    ADD_FAILURE() << "thread " << thread << " ended before it was seen to wait";
    return false;
}

/// A thread goes on when its tracer leaves, and its process is not gone before the tracer has taken note. The end of a
/// process's first thread is that of the process, which is for others to note.
void wait_for_end(pid_t process, pid_t thread) {
    siginfo_t ignored;
    ::waitid(P_PID, static_cast<id_t>(thread), &ignored, WEXITED | __WALL | (thread == process ? WNOWAIT : 0));
}

}  // namespace

StoppedThread::StoppedThread(pid_t process, std::string_view name) {
    const pid_t thread = name.empty() ? process : find_thread(process, name);
    std::promise<bool> stopped;
    tracer_ = std::jthread([&stopped, process, thread] {
        const bool has_stopped = stop_while_waiting(process, thread);
        stopped.set_value(has_stopped);
        if (has_stopped) wait_for_end(process, thread);
    });
    is_stopped_ = stopped.get_future().get();
}

}  // namespace kine::apps
