// An open file that is known to be a file: a FIFO would hang its reader, a device would never end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace kine {

class RegularFile {
  public:
    /// For reading. Throws ErrorCode::BadInput with the system's reason, as all members do.
    explicit RegularFile(std::filesystem::path path);
    ~RegularFile();
    RegularFile(const RegularFile&) = delete;
    RegularFile& operator=(const RegularFile&) = delete;

    const std::filesystem::path& path() const { return path_; }
    int descriptor() const { return file_; }
    /// When it was opened.
    int64_t size() const { return size_; }
    /// Fills `target` from `offset` on; fewer bytes are an error.
    void read_at(int64_t offset, std::span<std::byte> target) const;
    /// Throws if the file was written to or cut since it was opened. One that was replaced by rename is not.
    void expect_unchanged() const;

  private:
    std::filesystem::path path_;
    int file_ = -1;
    int64_t size_ = 0;
    int64_t modified_ns_ = 0;
};

}  // namespace kine
