#include "codecs/output/output.h"

#include "codecs/output/shown_name.h"
#include "codecs/output/signal_guard.h"
#include "codecs/output/temporary_name.h"
#include "runtime/error.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

namespace kine::codecs {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

bool is_pipe(const std::string& target) {
    struct stat status {};
    if (::stat(target.c_str(), &status) != 0) return false;
    return S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
}

int wait_until_writable(int descriptor) {
    pollfd request{descriptor, POLLOUT, 0};
    return ::poll(&request, 1, -1) < 0 && errno != EINTR ? errno : 0;
}

/// Renames without replacing; file systems that lack the flag get the check and the rename in two steps.
int rename_new(const char* from, const char* to) {
    if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    struct stat status {};
    if (::lstat(to, &status) == 0) return EEXIST;
    return ::rename(from, to) == 0 ? 0 : errno;
}

/// A FIFO opens for writing only once somebody reads it; waiting inside open(2) could not be ended.
int open_with_patience(const std::filesystem::path& target, double seconds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    for (;;) {
        const int descriptor = ::open(target.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (descriptor >= 0 || errno != ENXIO || std::chrono::steady_clock::now() >= deadline) return descriptor;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

/// The locked, empty file `path`; -1 and errno otherwise, EWOULDBLOCK if another sink holds it.
int open_locked(const std::filesystem::path& path) {
    for (;;) {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (descriptor < 0) return -1;
        struct stat opened {};
        struct stat named {};
        const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
        const int error = errno;
        // Another sink may have renamed its finished file between our open and our lock: then this is that file.
        const bool same = locked && ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
                          opened.st_ino == named.st_ino;
        if (same && ::ftruncate(descriptor, 0) == 0) return descriptor;
        ::close(descriptor);
        errno = error;
        if (!locked) return -1;
    }
}

}  // namespace

void check_target(const std::filesystem::path& target, bool overwrite) {
    const std::string shown = shown_name(target.string());
    struct stat status {};
    if (::lstat(target.c_str(), &status) != 0) {
        const int error = errno;
        check(error == ENOENT, ErrorCode::Output, "cannot write {}: {}", shown, reason(error));
        return;
    }
    check(!S_ISDIR(status.st_mode), ErrorCode::Output, "cannot write {}: it is a folder, expected a file name", shown);
    check(S_ISREG(status.st_mode) || S_ISLNK(status.st_mode), ErrorCode::Output,
          "cannot write {}: it is neither a file nor a pipe", shown);
    check(overwrite, ErrorCode::Output, "cannot write {}: it exists, and overwrite (-y) is not set", shown);
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to, bool overwrite) {
    const int error =
        overwrite ? (::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno) : rename_new(from.c_str(), to.c_str());
    check(error == 0, ErrorCode::Output, "cannot write {}: {}", shown_name(to.string()), reason(error));
}

void sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;  // a folder that may be written but not read: nothing more can be done
    ::fsync(descriptor);
    ::close(descriptor);
}

std::unique_ptr<Output> Output::open(const std::string& target, bool overwrite) {
    if (target == "-") return open_standard_output();
    if (is_pipe(target)) return open_pipe(target);
    return open_file(target, overwrite);
}

std::unique_ptr<Output> Output::open_standard_output() {
    const int descriptor = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    check(descriptor >= 0, ErrorCode::Output, "cannot write to standard output: {}", reason(errno));
    std::unique_ptr<Output> output(new Output(descriptor, "-", "", true));
    check(::isatty(descriptor) != 1, ErrorCode::Usage,
          "standard output is a terminal, expected a pipe or a file for encoded frames");
    return output;
}

std::unique_ptr<Output> Output::open_pipe(const std::filesystem::path& target, double patience_seconds) {
    const int descriptor = open_with_patience(target, patience_seconds);
    const int error = errno;
    check(descriptor >= 0 || error != ENXIO, ErrorCode::Output, "cannot write {}: nobody read from it for {} seconds",
          shown_name(target.string()), patience_seconds);
    check(descriptor >= 0, ErrorCode::Output, "cannot write {}: {}", shown_name(target.string()), reason(error));
    return std::unique_ptr<Output>(new Output(descriptor, target, "", true));
}

std::unique_ptr<Output> Output::open_file(const std::filesystem::path& target, bool overwrite,
                                          std::string_view suffix) {
    check_target(target, overwrite);
    const std::filesystem::path temporary = codecs::temporary_name(target, suffix);
    const int descriptor = open_locked(temporary);
    const int error = errno;
    check(descriptor >= 0 || error != EWOULDBLOCK, ErrorCode::Output, "cannot write {}: another run writes to it",
          shown_name(target.string()));
    check(descriptor >= 0, ErrorCode::Output, "cannot write {}: {}", shown_name(target.string()), reason(error));
    return std::unique_ptr<Output>(new Output(descriptor, target, temporary, overwrite));
}

Output::~Output() {
    if (is_seekable() && !done_ && size_ == 0) discard();
    ::close(descriptor_);
}

int Output::write_some(std::span<const uint8_t>& bytes) noexcept {
    const ssize_t count = is_seekable() ? ::pwrite(descriptor_, bytes.data(), bytes.size(), position_)
                                        : ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) return 0;
    if (count < 0) return errno == EAGAIN ? wait_until_writable(descriptor_) : errno;
    bytes = bytes.subspan(static_cast<size_t>(count));
    position_ += count;
    size_ = std::max(size_, position_);
    return 0;
}

int Output::try_write(std::span<const uint8_t> bytes) noexcept {
    const SignalGuard guard;
    int error = 0;
    while (error == 0 && !bytes.empty()) error = write_some(bytes);
    return error;
}

void Output::write(std::span<const uint8_t> bytes) {
    if (const int error = try_write(bytes)) fail(error);
}

void Output::write(std::string_view text) {
    write(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

void Output::sync() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(errno);
}

void Output::commit() {
    if (is_seekable() && !done_) {
        sync();
        rename_file(temporary_, target_, overwrite_);
        sync_folder(target_.parent_path());
    }
    done_ = true;
}

void Output::discard() noexcept {
    if (is_seekable() && !done_) ::unlink(temporary_.c_str());
    done_ = true;
}

void Output::fail(int error) const {
    const std::string shown = target_ == "-" ? "to standard output" : shown_name(target_.string());
    kine::fail(ErrorCode::Output, "cannot write {}: {}", shown, reason(error));
}

}  // namespace kine::codecs
