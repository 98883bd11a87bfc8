#include "runtime/io/atomic_file.h"
#include "runtime/io/mapped_file.h"
#include "tests/runtime/errors.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <fstream>

namespace kine {
namespace {

std::string text_of(const MappedFile& file) {
    return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

TEST(MappedFile, ShowsTheBytesOfTheFile) {
    const TemporaryFolder folder;
    const auto file = MappedFile::open(folder.write("a", "some bytes"));
    EXPECT_EQ(text_of(*file), "some bytes");
    EXPECT_EQ(file->path(), folder / "a");
}

/// Bytes of files that are in this process's memory.
int64_t mapped_bytes() {
    int64_t all = 0, resident = 0, shared = 0;
    std::ifstream("/proc/self/statm") >> all >> resident >> shared;
    return shared * ::sysconf(_SC_PAGESIZE);
}

TEST(MappedFile, LetsPagesGoThatWereHandedOutAndShowsThemAgain) {
    constexpr int64_t kSize = int64_t{96} << 20;
    const TemporaryFolder folder;
    const auto file = MappedFile::open(folder.write("a", std::string(kSize, 'x')));
    const auto is_read = [&] { return text_of(*file).find_first_not_of('x') == std::string::npos; };
    const int64_t before = mapped_bytes();
    ASSERT_TRUE(is_read());
    EXPECT_GT(mapped_bytes() - before, kSize / 2);
    for (int part = 0; part < 3; ++part) file->count_read(kSize / 3);
    EXPECT_LT(mapped_bytes() - before, kSize / 2);
    EXPECT_TRUE(is_read());
}

TEST(MappedFile, TakesAnEmptyFile) {
    const TemporaryFolder folder;
    EXPECT_TRUE(MappedFile::open(folder.write("a", ""))->bytes().empty());
}

TEST(MappedFile, KeepsTheOldContentWhenTheFileIsReplaced) {
    const TemporaryFolder folder;
    const auto file = MappedFile::open(folder.write("a", "old"));
    write_file(folder / "a", "new!");
    EXPECT_EQ(text_of(*file), "old");
    EXPECT_NO_THROW(file->expect_unchanged());
}

TEST(MappedFile, NoticesThatTheFileGrewInPlace) {
    const TemporaryFolder folder;
    const auto file = MappedFile::open(folder.write("a", "old"));
    std::ofstream(folder / "a", std::ios::app) << "more";
    expect_error(ErrorCode::BadInput, "a: was changed while it was being read", [&] { file->expect_unchanged(); });
}

TEST(MappedFile, RefusesWhatIsNoRegularFile) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    (folder / "socket").string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    expect_error(ErrorCode::BadInput, "pipe: expected a regular file, got a FIFO",
                 [&] { MappedFile::open(folder / "pipe"); });
    expect_error(ErrorCode::BadInput, "got a socket", [&] { MappedFile::open(folder / "socket"); });
    expect_error(ErrorCode::BadInput, "got a directory", [&] { MappedFile::open(folder.path()); });
    expect_error(ErrorCode::BadInput, "got a device", [] { MappedFile::open("/dev/zero"); });
    ::close(socket);
}

TEST(MappedFile, GivesTheSystemsReason) {
    const TemporaryFolder folder;
    expect_error(ErrorCode::BadInput, "cannot open: No such file or directory",
                 [&] { MappedFile::open(folder / "missing"); });
    if (::geteuid() == 0) return;  // root may read everything
    const auto secret = folder.write("secret", "x");
    ::chmod(secret.c_str(), 0);
    expect_error(ErrorCode::BadInput, "cannot open: Permission denied", [&] { MappedFile::open(secret); });
}

TEST(RegularFile, ReadsAnyRange) {
    const TemporaryFolder folder;
    const RegularFile file(folder.write("a", "0123456789"));
    std::string part(3, ' ');
    file.read_at(4, std::as_writable_bytes(std::span(part)));
    EXPECT_EQ(part, "456");
    expect_error(ErrorCode::BadInput, "a: ends at byte 10, expected 1 more",
                 [&] { file.read_at(8, std::as_writable_bytes(std::span(part))); });
}

TEST(AtomicFile, AppearsOnlyOnCommit) {
    const TemporaryFolder folder;
    AtomicFile file(folder / "out");
    file.write("half");
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
    file.write(" and half");
    file.commit();
    EXPECT_EQ(content_of(folder / "out"), "half and half");
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(AtomicFile, LeavesTheOldContentWithoutCommit) {
    const TemporaryFolder folder;
    folder.write("out", "old");
    {
        AtomicFile file(folder / "out");
        file.write("new");
    }
    EXPECT_EQ(content_of(folder / "out"), "old");
    EXPECT_EQ(folder.count_files(), 1u);
}

TEST(AtomicFile, StepsAsideForATemporaryThatIsThere) {
    const TemporaryFolder folder;
    AtomicFile first(folder / "out");
    AtomicFile second(folder / "out");
    first.write("first");
    second.write("second");
    first.commit();
    second.commit();
    EXPECT_EQ(content_of(folder / "out"), "second");
}

TEST(AtomicFile, GivesTheRightsOfAnyNewFile) {
    const TemporaryFolder folder;
    write_file(folder / "out", "x");
    folder.write("other", "x");
    EXPECT_EQ(std::filesystem::status(folder / "out").permissions(),
              std::filesystem::status(folder / "other").permissions());
}

TEST(AtomicFile, SaysWhatCannotBeDone) {
    const TemporaryFolder folder;
    expect_error(ErrorCode::Output, "missing/out: cannot create a temporary file beside it: No such file",
                 [&] { AtomicFile file(folder / "missing/out"); });
    std::filesystem::create_directory(folder / "taken");
    AtomicFile file(folder / "taken");
    expect_error(ErrorCode::Output, "taken: cannot rename into place: Is a directory", [&] { file.commit(); });
}

TEST(AtomicFile, DoesNotFollowALinkInTheTemporarysPlace) {
    const TemporaryFolder folder;

    const std::string name = "out." + std::to_string(::getpid()) + "-0.part";

    std::filesystem::create_symlink(folder / "elsewhere", folder / name);
    AtomicFile file(folder / "out");
    file.write("x");
    file.commit();
    EXPECT_EQ(content_of(folder / "out"), "x");
    EXPECT_FALSE(std::filesystem::is_symlink(folder / "out"));
    EXPECT_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

}  // namespace
}  // namespace kine
