#include "tests/apps/support/program.h"

#include "runtime/error.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace kine::apps {

namespace {

constexpr int kLimitMilliseconds = 240'000;  // far above any run, also with sanitizers on a busy machine
constexpr int kRoomForErrors = 1 << 20;      // progress of any run of ours: it goes on while a test does other things
constexpr int kAliveInChild = 9;             // a number that nothing in the program asks for

struct Pipe {
    Pipe() { check(::pipe2(ends, O_CLOEXEC) == 0, ErrorCode::Other, "pipe: {}", std::strerror(errno)); }
    int ends[2] = {-1, -1};
};

/// What the child does before it becomes the program.
class FileActions {
  public:
    FileActions() { posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    void use(int descriptor, int as) { posix_spawn_file_actions_adddup2(&actions_, descriptor, as); }
    void close(int descriptor) { posix_spawn_file_actions_addclose(&actions_, descriptor); }
    void open(const std::string& path, int as) {
        posix_spawn_file_actions_addopen(&actions_, as, path.c_str(), O_WRONLY | O_CREAT, 0666);
    }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

/// A child starts with no signal blocked or ignored, whatever the test program does.
class FreshSignals {
  public:
    FreshSignals() {
        posix_spawnattr_init(&attributes_);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~FreshSignals() { posix_spawnattr_destroy(&attributes_); }
    FreshSignals(const FreshSignals&) = delete;
    FreshSignals& operator=(const FreshSignals&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_;
};

std::vector<std::string> command_line(const Launch& launch) {
    std::vector<std::string> words;
    if (!launch.shell.empty()) words = {"/bin/sh", "-c", launch.shell + " && exec \"$@\"", "sh"};
    if (!launch.launcher.empty()) words.emplace_back("/usr/bin/env");
    words.insert(words.end(), launch.launcher.begin(), launch.launcher.end());
    words.push_back(program_path().string());
    words.insert(words.end(), launch.arguments.begin(), launch.arguments.end());
    return words;
}

pid_t spawn(std::vector<std::string> words, const FileActions& actions) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const FreshSignals signals;
    pid_t process = -1;
    const int error = posix_spawn(&process, pointers.front(), actions.get(), signals.get(), pointers.data(), environ);
    check(error == 0, ErrorCode::Other, "cannot start {}: {}", words.front(), std::strerror(error));
    return process;
}

void fill(int pipe, const std::string& text) {
    const ssize_t written = ::write(pipe, text.data(), text.size());
    check(written == static_cast<ssize_t>(text.size()), ErrorCode::Other, "input does not fit into a pipe");
}

}  // namespace

std::string Ended::shown() const { return fmt::format("status {}\n{}", status, error); }

Program::Program(const Launch& launch) {
    const Pipe input, output, error, alive;
    ::fcntl(error.ends[1], F_SETPIPE_SZ, kRoomForErrors);
    FileActions actions;
    actions.use(input.ends[0], 0);
    actions.use(output.ends[1], 1);
    actions.use(error.ends[1], 2);
    actions.use(alive.ends[1], kAliveInChild);
    if (!launch.output_file.empty()) actions.open(launch.output_file.string(), 1);
    for (const int descriptor : launch.closed) actions.close(descriptor);
    fill(input.ends[1], launch.input);
    process_ = spawn(command_line(launch), actions);
    streams_ = {output.ends[0], error.ends[0], alive.ends[0]};
    for (const int end : {input.ends[0], input.ends[1], output.ends[1], error.ends[1], alive.ends[1]}) ::close(end);
}

Program::~Program() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    for (const int stream : streams_) {
        if (stream >= 0) ::close(stream);
    }
}

/// Waits for news on the streams from `first` on; false once all have ended or the time is over.
bool Program::read_more(Stream first) {
    std::array<pollfd, 3> polled;
    for (size_t i = 0; i < polled.size(); ++i) polled[i] = {i < first ? -1 : streams_[i], POLLIN, 0};
    if (std::ranges::all_of(polled, [](const pollfd& stream) { return stream.fd < 0; })) return false;
    const int ready = ::poll(polled.data(), polled.size(), kLimitMilliseconds);
    timed_out_ = ready == 0;
    if (ready <= 0) return ready < 0 && errno == EINTR;
    for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents == 0) continue;
        std::array<char, 65536> bytes;
        const ssize_t count = ::read(streams_[i], bytes.data(), bytes.size());
        if (count > 0) (i == Output ? ended_.output : ended_.error).append(bytes.data(), static_cast<size_t>(count));
        if (count <= 0) ::close(std::exchange(streams_[i], -1));
    }
    return true;
}

bool Program::wait_for(std::string_view words) {
    while (!ended_.says(words)) {
        if (!read_more(Error)) return false;
    }
    return true;
}

void Program::send(int signal) const { ::kill(process_, signal); }

void Program::stop_reading_output() {
    if (streams_[Output] >= 0) ::close(std::exchange(streams_[Output], -1));
}

Ended Program::finish() {
    while (!timed_out_ && read_more(Output)) continue;
    if (timed_out_) {
        ::kill(process_, SIGKILL);
        ADD_FAILURE() << "the program said nothing for " << kLimitMilliseconds / 1000 << " s and was killed\n"
                      << ended_.error;
    }
    int state = 0;
    ::waitpid(std::exchange(process_, -1), &state, 0);
    ended_.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return ended_;
}

Ended launch(const Launch& launch) { return Program(launch).finish(); }

Ended run(std::vector<std::string> arguments) { return launch({.arguments = std::move(arguments)}); }

}  // namespace kine::apps
