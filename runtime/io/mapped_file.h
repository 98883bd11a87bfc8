// A read-only file in memory.
#pragma once

#include "runtime/io/regular_file.h"

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace kine {

/// The pages are those of the file: whoever cuts it short in place while it is mapped ends this process with SIGBUS, as
/// with any mapping. Replacing it by rename is harmless.
class MappedFile {
  public:
    /// Regular files only (a FIFO or device would hang or lie). Throws ErrorCode::BadInput with the system's reason.
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return bytes_; }
    const std::filesystem::path& path() const { return file_.path(); }
    /// Throws if the file was written to or cut since it was opened.
    void expect_unchanged() const { file_.expect_unchanged(); }
    /// Says that `bytes` of it are handed out. Once in a while all pages leave this process's memory (not the system's
    /// cache, from where those that are looked at come back): weights are packed as they are read, and would otherwise
    /// be held twice. From any thread.
    void count_read(int64_t bytes) const;

  private:
    explicit MappedFile(const std::filesystem::path& path);

    RegularFile file_;
    std::span<const std::byte> bytes_;
    mutable std::atomic<int64_t> read_ = 0;  // since pages left last
};

}  // namespace kine
