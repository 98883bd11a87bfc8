// Every row of the codecs table, and every encoder that a row takes, keeps the same promises.
#include "tests/codecs/codec_support.h"
#include "tests/codecs/yuv_frames.h"

#include <algorithm>
#include <cctype>

namespace kine::codecs::testing {
namespace {

const std::string kJson = "{\"prompt\": \"a \\\"red\\\" circle; a=b \\\\ c\\n\xF0\x9F\x8E\xAC \xE7\x94\xBB\"}";

struct Row {
    std::string codec;
    std::string video_codec;
    std::string pixel_format;
    std::string file;
    double tolerance;  // mean difference of levels on a smooth picture
    bool keeps_metadata;
};

// Tolerances: lossy 4:2:0 at the default quality stays within a few levels on gradients; GIF keeps 256 colours a frame;
// lossless RGB is exact; YUV at full resolution costs its rounding.
const std::vector<Row> kRows = {
    {"mp4", "", "", "v.mp4", 4, true},
    {"mp4", "auto", "", "v.mp4", 4, true},
    {"mkv", "auto", "", "v.mkv", 4, true},
    {"mp4", "auto", "yuv422p", "v.mp4", 4, true},  // which no hardware of ours takes
    {"mp4", "libx265", "", "v.mp4", 4, true},
    {"mp4", "libaom-av1", "", "v.mp4", 4, true},
    {"mp4", "libsvtav1", "", "v.mp4", 4, true},
    {"mp4", "", "yuv444p", "v.m4v", 4, true},
    {"mkv", "", "", "v.mkv", 4, true},
    {"mkv", "ffv1", "bgr0", "v.mkv", 0, true},
    {"mkv", "ffv1", "yuv444p", "v.MKV", 1, true},
    {"mkv", "ffv1", "yuv420p", "v.mkv", 2, true},
    {"mp4", "libx264", "nv12", "v.mp4", 4, true},
    {"webm", "", "", "v.webm", 4, true},
    {"gif", "", "", "v.gif", 5, false},
    {"y4m", "", "", "v.y4m", 2, false},
    {"y4m", "", "yuv444p", "v.y4m", 1, false},
    {"png", "", "", "pictures/%04d.png", 0, true},
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.codec << " " << row.video_codec << " " << row.file; }

std::string fast_preset(const Row& row) {
    if (row.video_codec == "auto") return "";
    if (row.codec == "mp4" && row.video_codec == "libsvtav1") return "12";
    if (row.video_codec == "libaom-av1" || row.codec == "webm") return "8";
    return row.codec == "mp4" || (row.codec == "mkv" && row.video_codec.empty()) ? "veryfast" : "";
}

class Conformance : public ::testing::TestWithParam<Row> {
  protected:
    SinkOptions options() const {
        SinkOptions chosen;
        chosen.video_codec = GetParam().video_codec;
        chosen.pixel_format = GetParam().pixel_format;
        chosen.preset = fast_preset(GetParam());
        return chosen;
    }
    VideoInfo info() const {
        VideoInfo video = info_of(96, 64);
        video.metadata = {{"comment", "a red circle\nsteps 4"}, {"kinescope", kJson}};
        return video;
    }
    Folder folder_;
    std::string target_ = folder_ / GetParam().file;
};

TEST_P(Conformance, GivesBackWhatWasWritten) {
    write_video(target_, info(), options());
    const auto source = open_source(target_);
    EXPECT_EQ(source->info().width, 96);
    EXPECT_EQ(source->info().height, 64);
    for (int64_t index = 0; index < 12; ++index) {
        const auto frame = source->read();
        ASSERT_TRUE(frame) << index;
        EXPECT_EQ(frame->index, index);
        EXPECT_LE(mean_difference(*frame, moving_frame(96, 64, index)), GetParam().tolerance) << index;
    }
    EXPECT_FALSE(source->read());
}

TEST_P(Conformance, KeepsMetadataByteByByte) {
    write_video(target_, info(), options());
    const auto read = open_source(target_)->info().metadata;
    if (!GetParam().keeps_metadata) return;
    ASSERT_TRUE(read.contains("kinescope"));
    EXPECT_EQ(read.at("kinescope"), kJson);
    ASSERT_TRUE(read.contains("comment"));
    EXPECT_EQ(read.at("comment"), "a red circle\nsteps 4");
    EXPECT_FALSE(read.contains("kinescope_video"));
}

TEST_P(Conformance, KeepsTheFrameRateExactly) {
    for (const Rational fps : {Rational{24, 1}, Rational{24000, 1001}, Rational{25, 2}}) {
        VideoInfo video = info();
        video.fps = fps;
        SinkOptions again = options();
        again.overwrite = true;
        write_video(target_, video, again);
        const Rational read = open_source(target_)->info().fps;
        // GIF counts hundredths of a second.
        if (GetParam().codec == "gif")
            EXPECT_NEAR(double(read.num) / double(read.den), double(fps.num) / double(fps.den), 1.0);
        else
            EXPECT_EQ(read, fps) << to_string(read) << " for " << to_string(fps);
    }
}

TEST_P(Conformance, GivesOddSizesBack) {
    const VideoInfo odd = info_of(157, 101, {24, 1}, 3);
    write_video(target_, odd, options());
    const auto source = open_source(target_);
    EXPECT_EQ(source->info().width, 157);
    EXPECT_EQ(source->info().height, 101);
    const auto frame = source->read();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->width(), 157);
    EXPECT_LE(mean_difference(*frame, moving_frame(157, 101, 0)), GetParam().tolerance + 1);
}

TEST_P(Conformance, HoldsVideosOfOneAndTwoFrames) {
    for (const int64_t frames : {1, 2}) {
        SinkOptions again = options();
        again.overwrite = true;
        const VideoInfo video = info_of(96, 64, {24, 1}, frames);
        write_video(target_, video, again);
        EXPECT_EQ(read_frames(target_).size(), static_cast<size_t>(frames));
        if (GetParam().codec == "gif") continue;
        EXPECT_EQ(open_source(target_)->info().fps, video.fps);
    }
}

TEST_P(Conformance, ShowsNothingUnderTheFinalNameBeforeClose) {
    const auto sink = open_sink(target_, info(), options());
    write_frames(*sink, info(), 2);
    EXPECT_THROW(open_source(target_), Error);
    EXPECT_EQ(sink->name(), target_);
    sink->close();
    EXPECT_EQ(read_frames(target_).size(), 2u);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
        EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
}

TEST_P(Conformance, LeavesNothingIfNoFrameCame) {
    open_sink(target_, info(), options()).reset();
    EXPECT_TRUE(folder_.names().empty());
    EXPECT_EQ(code_of([&] { open_sink(target_, info(), options())->close(); }), ErrorCode::Output);
    EXPECT_TRUE(folder_.names().empty());
}

TEST_P(Conformance, KeepsAnAbandonedVideoPlayable) {
    std::string kept;
    {
        const auto sink = open_sink(target_, info(), options());
        write_frames(*sink, info(), 5);
        kept = sink->temporary_name();
    }
    EXPECT_THROW(open_source(target_), Error);
    EXPECT_EQ(read_frames(kept).size(), 5u);
}

TEST_P(Conformance, WritesTheSameBytesTwice) {
    write_video(target_, info(), options());
    const std::string file = GetParam().codec == "png" ? folder_ / "pictures/0007.png" : target_;
    const std::string first = file_bytes(file);
    SinkOptions again = options();
    again.overwrite = true;
    write_video(target_, info(), again);
    EXPECT_FALSE(first.empty());
    EXPECT_TRUE(first == file_bytes(file));
}

TEST_P(Conformance, RefusesAnExistingTargetUnlessTold) {
    write_video(target_, info(), options());
    std::string message;
    EXPECT_EQ(code_of([&] { open_sink(target_, info(), options()); }, &message), ErrorCode::Output);
    EXPECT_NE(message.find("exists"), std::string::npos) << message;
}

TEST_P(Conformance, KeepsTheOldVideoUntilTheNewOneIsWhole) {
    write_video(target_, info(), options());
    SinkOptions again = options();
    again.overwrite = true;
    {
        const auto sink = open_sink(target_, info(), again);
        write_frames(*sink, info(), 3);
        EXPECT_EQ(read_frames(target_).size(), 12u);
    }
    EXPECT_EQ(read_frames(target_).size(), 12u);
    VideoInfo shorter = info();
    shorter.frames = 4;
    write_video(target_, shorter, again);
    EXPECT_EQ(read_frames(target_).size(), 4u);
}

TEST_P(Conformance, RefusesFramesOfAnotherSize) {
    const auto sink = open_sink(target_, info(), options());
    EXPECT_EQ(code_of([&] { sink->write(moving_frame(64, 64, 0)); }), ErrorCode::Bug);
}

/// Whether frames come as Yuv420p or as Rgb24, a video shows the same, and as well as lossy encoders do.
TEST_P(Conformance, GivesBackTheSamePicturesWhateverTheFramesAre) {
    for (const auto& [width, height] : {std::pair{96, 64}, std::pair{97, 65}}) {
        const VideoInfo video = info_of(width, height, {24, 1}, 4);
        const std::string other = folder_ / (GetParam().codec + "/other" + GetParam().file);
        std::filesystem::create_directories(std::filesystem::path(other).parent_path());
        SinkOptions again = options();
        again.overwrite = true;
        const auto from_rgb = open_sink(target_, video, again), from_yuv = open_sink(other, video, again);
        if (!from_yuv->takes(PixelFormat::Yuv420p)) return;
        for (int64_t index = 0; index < 4; ++index) {
            from_rgb->write(moving_frame(width, height, index));
            from_yuv->write(as_yuv420p(moving_frame(width, height, index)));
        }
        from_rgb->close();
        from_yuv->close();
        const std::vector<Frame> rgb = read_frames(target_), yuv = read_frames(other);
        ASSERT_EQ(rgb.size(), 4u);
        ASSERT_EQ(yuv.size(), 4u);
        for (size_t i = 0; i < 4; ++i) {
            EXPECT_EQ(yuv[i].width(), width);
            const Frame shown = moving_frame(width, height, static_cast<int64_t>(i));
            EXPECT_LE(mean_difference(yuv[i], shown), mean_difference(rgb[i], shown) + 0.25) << width << ", " << i;
            EXPECT_LE(mean_difference(yuv[i], rgb[i]), 1.5) << width << ", " << i;
        }
    }
}

TEST_P(Conformance, RefusesFramesThatItDoesNotTake) {
    const auto sink = open_sink(target_, info(), options());
    EXPECT_TRUE(sink->takes(PixelFormat::Rgb24));
    const Frame frame = as_yuv420p(moving_frame(96, 64, 0));
    std::string message;
    if (sink->takes(PixelFormat::Yuv420p)) return sink->write(frame);
    EXPECT_EQ(code_of([&] { sink->write(frame); }, &message), ErrorCode::Bug);
    EXPECT_NE(message.find("frame 0 is yuv420p, this sink takes rgb24"), std::string::npos) << message;
}

TEST_P(Conformance, IsSilent) {
    if (GetParam().video_codec == "libsvtav1") GTEST_SKIP() << "SVT-AV1 1.4 prints unless SVT_LOG is set";
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    write_video(target_, info(), options());
    read_frames(target_);
    EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

std::string row_name(const ::testing::TestParamInfo<Row>& row) {
    std::string name = row.param.codec + "_" + row.param.video_codec + "_" + row.param.pixel_format;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Codecs, Conformance, ::testing::ValuesIn(kRows), row_name);

TEST(CodecTable, IsCoveredByTheConformanceTests) {
    for (const Codec& codec : codecs()) {
        const auto covers = [&](const Row& row) { return row.codec == codec.name; };
        EXPECT_TRUE(std::any_of(kRows.begin(), kRows.end(), covers)) << codec.name;
        EXPECT_FALSE(codec.summary.empty());
    }
}

}  // namespace
}  // namespace kine::codecs::testing
