#include "runtime/io/atomic_file.h"

#include "runtime/error.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kine {

namespace {

/// The rename itself survives a power cut only once the directory is on disk; best effort, since not all can.
void flush_directory(const std::filesystem::path& directory) {
    const int file = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return;
    (void)fsync(file);
    ::close(file);
}

}  // namespace

void AtomicFile::expect(bool holds, std::string_view action) const {
    if (holds) return;
    const int reason = errno;
    fail(ErrorCode::Output, "{}: cannot {}: {}", target_.string(), action, std::strerror(reason));
}

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
    constexpr int kAttempts = 1000;  // others may write the same target at the same time, or have died while at it
    for (int attempt = 0; file_ < 0 && attempt < kAttempts; ++attempt) {
        temporary_ = fmt::format("{}.{}-{}.part", target_.string(), getpid(), attempt);
        file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file_ < 0 && errno != EEXIST) break;
    }
    expect(file_ >= 0, "create a temporary file beside it");
}

AtomicFile::~AtomicFile() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        expect(written >= 0, "write");
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
}

void AtomicFile::commit() {
    expect(::fsync(file_) == 0, "flush");
    expect(::rename(temporary_.c_str(), target_.c_str()) == 0, "rename into place");
    const int file = std::exchange(file_, -1);
    ::close(file);  // after fsync nothing is left to fail
    flush_directory(target_.parent_path());
}

void write_file(const std::filesystem::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
}

}  // namespace kine
