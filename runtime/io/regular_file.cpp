#include "runtime/io/regular_file.h"

#include "runtime/error.h"
#include "runtime/printable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kine {

namespace {

std::string_view kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "something else";
}

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

[[noreturn]] void fail_with_reason(const std::filesystem::path& path, std::string_view action, int reason) {
    fail(ErrorCode::BadInput, "{}: cannot {}: {}", printable(path.string(), 4096), action, std::strerror(reason));
}

struct stat status_of(const std::filesystem::path& path, int file) {
    struct stat status = {};
    if (::fstat(file, &status) != 0) fail_with_reason(path, "ask for its status", errno);
    return status;
}

/// The destructor of a RegularFile does not run when its constructor throws.
class Descriptor {
  public:
    explicit Descriptor(int file) : file_(file) {}
    ~Descriptor() {
        if (file_ >= 0) ::close(file_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return file_; }
    int release() { return std::exchange(file_, -1); }

  private:
    int file_;
};

}  // namespace

RegularFile::RegularFile(std::filesystem::path path) : path_(std::move(path)) {
    Descriptor file(
        ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));  // no wait for a FIFO's writer
    const int reason = errno;
    // A socket cannot be opened at all; say what it is instead of "no such device or address".
    if (file.get() < 0 && reason == ENXIO)
        fail(ErrorCode::BadInput, "{}: expected a regular file, got a socket or device", path_.string());
    if (file.get() < 0) fail_with_reason(path_, "open", reason);
    const struct stat status = status_of(path_, file.get());
    check(S_ISREG(status.st_mode), ErrorCode::BadInput, "{}: expected a regular file, got {}", path_.string(),
          kind_of(status.st_mode));
    size_ = status.st_size;
    modified_ns_ = nanoseconds(status.st_mtim);
    file_ = file.release();
}

RegularFile::~RegularFile() { ::close(file_); }

void RegularFile::read_at(int64_t offset, std::span<std::byte> target) const {
    while (!target.empty()) {
        const ssize_t came = ::pread(file_, target.data(), target.size(), offset);
        if (came < 0 && errno == EINTR) continue;
        if (came < 0) fail_with_reason(path_, "read", errno);
        check(came > 0, ErrorCode::BadInput, "{}: ends at byte {}, expected {} more", path_.string(), offset,
              target.size());
        target = target.subspan(static_cast<size_t>(came));
        offset += came;
    }
}

void RegularFile::expect_unchanged() const {
    const struct stat status = status_of(path_, file_);
    check(status.st_size == size_ && nanoseconds(status.st_mtim) == modified_ns_, ErrorCode::BadInput,
          "{}: was changed while it was being read", path_.string());
}

}  // namespace kine
