// Where encoded bytes go: a file that grows under a temporary name and takes its own at commit(), or a pipe. Errors
// carry the system's reason (disk full, reader gone, size limit), because the bytes pass through write(2) here and
// nowhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace kine::codecs {

/// One thread at a time.
class Output {
  public:
    /// Anything but a pipe: locks and empties `temporary`, beside the target. ErrorCode::Output if the target exists
    /// and may not be replaced, is a folder, or cannot be made, or if another sink writes to it.
    static std::unique_ptr<Output> open_file(const std::filesystem::path& target, bool overwrite,
                                             std::string_view suffix = ".part");
    /// "-": a duplicate of standard output, which stays open for the host. Refuses a terminal.
    static std::unique_ptr<Output> open_standard_output();
    /// A FIFO or character device that exists. A FIFO must get a reader within `patience_seconds`.
    static std::unique_ptr<Output> open_pipe(const std::filesystem::path& target, double patience_seconds = 10);
    /// By the look of `target`.
    static std::unique_ptr<Output> open(const std::string& target, bool overwrite);

    /// Files that were not committed stay if something was written to them.
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// Writes all of it at the present position. Returns 0 or errno; throws nothing, since C code calls it.
    int try_write(std::span<const uint8_t> bytes) noexcept;
    void write(std::span<const uint8_t> bytes);
    void write(std::string_view text);
    void seek(int64_t position) noexcept { position_ = position; }
    int64_t position() const { return position_; }
    int64_t size() const { return size_; }
    bool is_seekable() const { return !temporary_.empty(); }
    int descriptor() const { return descriptor_; }

    /// Flushes to disk.
    void sync();
    /// Flushes to disk, renames to the target and flushes the folder. Nothing for pipes.
    void commit();
    /// Removes the temporary file.
    void discard() noexcept;
    /// Throws ErrorCode::Output for `error`, an errno value.
    [[noreturn]] void fail(int error) const;

    std::string name() const { return target_.string(); }
    std::string temporary_name() const { return temporary_.string(); }

  private:
    Output(int descriptor, std::filesystem::path target, std::filesystem::path temporary, bool overwrite)
        : descriptor_(descriptor),
          target_(std::move(target)),
          temporary_(std::move(temporary)),
          overwrite_(overwrite) {}
    int write_some(std::span<const uint8_t>& bytes) noexcept;

    int descriptor_;
    std::filesystem::path target_;
    std::filesystem::path temporary_;  // empty for pipes
    bool overwrite_;
    bool done_ = false;
    int64_t position_ = 0;
    int64_t size_ = 0;
};

/// Throws ErrorCode::Output unless a file may be made at `target`: reports long names, folders and existing files.
void check_target(const std::filesystem::path& target, bool overwrite);
/// Gives a finished file its name. ErrorCode::Output if `to` exists and may not be replaced.
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to, bool overwrite);
/// Makes renames in `folder` survive a power cut.
void sync_folder(const std::filesystem::path& folder);

}  // namespace kine::codecs
