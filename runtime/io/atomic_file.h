// A file that appears whole or not at all: written under a temporary name beside its place, flushed, then renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace kine {

class AtomicFile {
  public:
    /// Opens the temporary. Throws ErrorCode::Output with the system's reason, as all members do.
    explicit AtomicFile(std::filesystem::path target);
    /// Without commit() the temporary is removed and the target stays as it was.
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
    /// Flushes to the disk and takes the target's place.
    void commit();

  private:
    void expect(bool holds, std::string_view action) const;

    std::filesystem::path target_;
    std::string temporary_;
    int file_ = -1;
};

/// All of `text` as the new content of `path`.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace kine
