// A read-only file in memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace kine {

class MappedFile {
  public:
    /// Regular files only (a FIFO or device would hang or lie). Throws ErrorCode::BadInput with the system's reason.
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return bytes_; }
    const std::filesystem::path& path() const { return path_; }

  private:
    MappedFile(std::filesystem::path path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}

    std::filesystem::path path_;
    std::span<const std::byte> bytes_;
};

}  // namespace kine
