// Reading is strict: damage, truncation and oversize are refused, never shown as grey.
#include "codecs/png/numbering.h"
#include "codecs/png/texts.h"
#include "tests/codecs/codec_support.h"

namespace kine::codecs::testing {
namespace {

/// Reads all of `path`, and returns the code of what went wrong.
ErrorCode read_error(const std::string& path, std::string* message = nullptr) {
    return code_of([&] { read_frames(path); }, message);
}

class Truncation : public ::testing::TestWithParam<std::string> {};

TEST_P(Truncation, IsAnErrorWhereverTheFileIsCut) {
    const Folder folder;
    const std::string whole = folder / GetParam();
    write_video(whole, info_of(96, 64));
    const std::string bytes = file_bytes(whole);
    const std::string cut = folder / ("cut-" + GetParam());
    for (const double part : {0.999, 0.9, 0.5, 0.2, 0.02, 0.0}) {
        write_bytes(cut, bytes.substr(0, static_cast<size_t>(part * static_cast<double>(bytes.size()))));
        ::testing::internal::CaptureStderr();  // libav's demuxers may say why; the codecs themselves are silent
        EXPECT_EQ(read_error(cut), ErrorCode::BadInput) << part;
        ::testing::internal::GetCapturedStderr();
    }
}

INSTANTIATE_TEST_SUITE_P(Containers, Truncation, ::testing::Values("v.mp4", "v.mkv", "v.webm", "v.gif", "v.y4m"),
                         [](const auto& name) { return name.param.substr(2); });

TEST(OpenSource, RefusesATruncatedPicture) {
    const Folder folder;
    write_video(folder / "whole.png", info_of(96, 64, {24, 1}, 1));
    const std::string bytes = file_bytes(folder / "whole.png");
    ::testing::internal::CaptureStderr();
    for (const size_t left : {bytes.size() - 13, bytes.size() / 2, size_t{40}, size_t{8}}) {
        write_bytes(folder / "cut.png", bytes.substr(0, left));
        EXPECT_EQ(read_error(folder / "cut.png"), ErrorCode::BadInput) << left;
    }
    ::testing::internal::GetCapturedStderr();
}

TEST(OpenSource, RefusesAPictureWithABrokenChecksum) {
    const Folder folder;
    write_video(folder / "v.png", info_of(96, 64, {24, 1}, 1));
    std::string bytes = file_bytes(folder / "v.png");
    bytes[bytes.size() - 40] ^= 1;  // inside the pixels
    write_bytes(folder / "v.png", bytes);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(read_error(folder / "v.png"), ErrorCode::BadInput);
    ::testing::internal::GetCapturedStderr();
}

TEST(OpenSource, RefusesMorePixelsThanItsCap) {
    const Folder folder;
    write_video(folder / "v.png", info_of(96, 64, {24, 1}, 1));
    std::string bytes = file_bytes(folder / "v.png");
    bytes.replace(16, 8, std::string("\x00\x01\x00\x00\x00\x01\x00\x00", 8));  // 65536 x 65536
    write_bytes(folder / "v.png", bytes);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(read_error(folder / "v.png"), ErrorCode::BadInput);
    ::testing::internal::GetCapturedStderr();
}

TEST(OpenSource, RefusesWhatIsNoLocalFile) {
    const Folder folder;
    write_bytes(folder / "text.mp4", "not a video at all");
    write_bytes(folder / "empty.mp4", "");
    ::testing::internal::CaptureStderr();
    for (const std::string& path : std::vector<std::string>{
             folder / "missing.mp4", folder.path(), "/dev/zero", "http://127.0.0.1:9/v.mp4",
             "concat:" + folder / "text.mp4", "file:/etc/passwd", folder / "text.mp4", folder / "empty.mp4", ""}) {
        EXPECT_EQ(read_error(path), ErrorCode::BadInput) << path;
    }
    ::testing::internal::GetCapturedStderr();
}

TEST(OpenSource, OpensNoFileThatAnotherNames) {
    const Folder folder;
    write_video(folder / "v.mp4", info_of(96, 64));
    write_bytes(folder / "list.txt", "ffconcat version 1.0\nfile v.mp4\n");
    write_bytes(folder / "list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\nv.mp4\n#EXT-X-ENDLIST\n");
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(read_error(folder / "list.txt"), ErrorCode::BadInput);
    EXPECT_EQ(read_error(folder / "list.m3u8"), ErrorCode::BadInput);
    ::testing::internal::GetCapturedStderr();
}

TEST(OpenSource, ReadsAFolderAndAPatternAlike) {
    const Folder folder;
    write_video(folder / "p/shot_%03d.png", info_of(33, 21, {30000, 1001}, 5));
    for (const std::string& path : {folder / "p", folder / "p/shot_%03d.png"}) {
        const auto source = open_source(path);
        EXPECT_EQ(source->info().frames, 5);
        EXPECT_EQ(source->info().fps, (Rational{30000, 1001}));
        const auto frame = source->read();
        ASSERT_TRUE(frame);
        EXPECT_EQ(largest_difference(*frame, moving_frame(33, 21, 0)), 0);
    }
}

TEST(OpenSource, SaysWhichPictureOfASequenceIsMissing) {
    const Folder folder;
    write_video(folder / "p/%04d.png", info_of(33, 21, {24, 1}, 5));
    std::filesystem::remove(folder / "p/0003.png");
    std::string message;
    EXPECT_EQ(read_error(folder / "p", &message), ErrorCode::BadInput);
    EXPECT_NE(message.find("picture 3"), std::string::npos) << message;
}

TEST(OpenSource, RefusesPicturesOfDifferentSizes) {
    const Folder folder;
    write_video(folder / "p/%04d.png", info_of(32, 20, {24, 1}, 2));
    std::filesystem::remove(folder / "p/0001.png");
    write_video(folder / "other.png", info_of(20, 32, {24, 1}, 1));
    std::filesystem::rename(folder / "other.png", folder / "p/0001.png");
    EXPECT_EQ(read_error(folder / "p"), ErrorCode::BadInput);
}

std::string number(uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
}

std::string png_chunk(const std::string& body) {
    uint32_t crc = 0xFFFFFFFFu;
    for (const unsigned char byte : body) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return number(static_cast<uint32_t>(body.size() - 4)) + body + number(~crc);
}

/// One row of RGBA pixels, not compressed.
std::string rgba_png(const std::string& pixels) {
    const std::string row = std::string(1, '\0') + pixels;
    uint32_t a = 1, b = 0;
    for (const unsigned char byte : row) a = (a + byte) % 65521, b = (b + a) % 65521;
    const auto size = static_cast<char>(row.size());
    const std::string stored = {'\x78', '\x01', '\x01', size, '\0', static_cast<char>(~size), '\xFF'};
    const std::string header =
        "IHDR" + number(static_cast<uint32_t>(pixels.size() / 4)) + number(1) + std::string("\x08\x06\x00\x00\x00", 5);
    return "\x89PNG\r\n\x1A\n" + png_chunk(header) + png_chunk("IDAT" + stored + row + number(b << 16 | a)) +
           png_chunk("IEND");
}

TEST(OpenSource, CompositesAlphaOnBlack) {
    const Folder folder;
    write_bytes(folder / "v.png", rgba_png(std::string("\xC8\x64\x32\xFF\xC8\x64\x32\x80\xC8\x64\x32\x00", 12)));
    const auto frames = read_frames(folder / "v.png");
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].plane(0), (std::vector<uint8_t>{200, 100, 50, 100, 50, 25, 0, 0, 0}));
}

TEST(OpenSource, CutsNothingFromACopyOfAnotherSize) {
    // Our metadata may outlive a rescaling by another program: it must only undo our own extension to even numbers.
    const Folder folder;
    VideoInfo info = info_of(96, 64);
    info.metadata = {{"kinescope_video", "31x17 24/1"}};
    write_video(folder / "v.webm", info);
    EXPECT_EQ(open_source(folder / "v.webm")->info().width, 96);
}

TEST(Numbering, UnderstandsOneNumberInTheFileName) {
    EXPECT_EQ(Numbering::parse("d/%04d.png")->path(7), "d/0007.png");
    EXPECT_EQ(Numbering::parse("a%db.png")->path(12345), "a12345b.png");
    EXPECT_EQ(Numbering::parse("%02d.png")->path(123), "123.png");
    for (const char* name :
         {"plain.png", "%s.png", "%4d.png", "%d%d.png", "%.png", "%04d/x.png", "100%.png", "%00d.png"})
        EXPECT_FALSE(Numbering::parse(name)) << name;
}

TEST(PngTexts, SurviveAnyUtf8) {
    const Folder folder;
    VideoInfo info = info_of(8, 8, {24, 1}, 1);
    info.metadata = {{"kinescope", std::string("\"\n\t\\ \xF0\x9F\x8E\xAC", 9)}, {"empty", ""}};
    write_video(folder / "v.png", info);
    EXPECT_EQ(open_source(folder / "v.png")->info().metadata, info.metadata);
}

}  // namespace
}  // namespace kine::codecs::testing
