// What goes wrong between us and the disk: the reason comes back as ErrorCode::Output, and no broken file gets a name.
#include "codecs/output/output.h"
#include "codecs/output/temporary_name.h"
#include "tests/codecs/codec_support.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace kine::codecs::testing {
namespace {

const VideoInfo kSmall = info_of(96, 64);

ErrorCode open_error(const std::string& target, std::string* message = nullptr, const SinkOptions& options = {},
                     const VideoInfo& info = kSmall) {
    return code_of([&] { open_sink(target, info, options); }, message);
}

/// Runs `action` in a child, whose limits and signals are its own, and returns its exit status (256 + signal if
/// killed).
int in_child(const std::function<int()>& action) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(action());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

TEST(OpenSink, SaysThatAFolderIsMissing) {
    const Folder folder;
    std::string message;
    EXPECT_EQ(open_error(folder / "no/v.mp4", &message), ErrorCode::Output);
    EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
    EXPECT_EQ(open_error(folder / "no/such/%04d.png"), ErrorCode::Output);
}

TEST(OpenSink, RefusesAFolderAndAFileTakenForOne) {
    const Folder folder;
    std::string message;
    EXPECT_EQ(open_error(folder.path() + "/.", &message), ErrorCode::Usage);
    std::filesystem::create_directory(folder / "v.mp4");
    EXPECT_EQ(open_error(folder / "v.mp4", &message), ErrorCode::Output);
    EXPECT_NE(message.find("folder"), std::string::npos) << message;
    write_bytes(folder / "file", "x");
    EXPECT_EQ(open_error(folder / "file/v.mp4", &message), ErrorCode::Output);
    EXPECT_NE(message.find("Not a directory"), std::string::npos) << message;
}

TEST(OpenSink, SaysWhyAFolderTakesNoFiles) {
    EXPECT_EQ(open_error("/proc/self/v.mp4"), ErrorCode::Output);
    EXPECT_EQ(open_error("/proc/self/pictures/%04d.png"), ErrorCode::Output);
}

TEST(OpenSink, ListsWhatItKnows) {
    const Folder folder;
    std::string message;
    EXPECT_EQ(open_error(folder / "v.xyz", &message), ErrorCode::Usage);
    EXPECT_NE(message.find(".webm"), std::string::npos) << message;
    SinkOptions options;
    options.container = "avi";
    EXPECT_EQ(open_error(folder / "v", &message, options), ErrorCode::Usage);
    EXPECT_NE(message.find("mkv"), std::string::npos) << message;
    options = {};
    options.video_codec = "libx264";
    EXPECT_EQ(open_error(folder / "v.webm", &message, options), ErrorCode::Usage);
    EXPECT_NE(message.find("libvpx-vp9"), std::string::npos) << message;
    options = {};
    options.pixel_format = "yuv9";
    EXPECT_EQ(open_error(folder / "v.mp4", &message, options), ErrorCode::Usage);
    EXPECT_NE(message.find("yuv444p"), std::string::npos) << message;
    EXPECT_TRUE(folder.names().empty());
}

/// Where this libav has it and the machine no NVIDIA encoder.
TEST(OpenSink, SaysThatAnEncoderInHardwareIsNotThere) {
    const Folder folder;
    for (const char* name : {"h264_nvenc", "hevc_nvenc"}) {
        SinkOptions options;
        options.video_codec = name;
        std::string message;
        const ErrorCode code = open_error(folder / "v.mp4", &message, options);
        if (code == ErrorCode::Ok) GTEST_SKIP() << name << " opened";
        EXPECT_NE(message.find(name), std::string::npos) << message;
        EXPECT_TRUE(code == ErrorCode::Device || code == ErrorCode::Usage) << message;
        EXPECT_TRUE(folder.names().empty());
    }
}

TEST(OpenSink, TakesNoPresetWhereItChoosesTheEncoder) {
    const Folder folder;
    SinkOptions options;
    options.video_codec = "auto";
    options.preset = "fast";
    std::string message;
    EXPECT_EQ(open_error(folder / "v.mp4", &message, options), ErrorCode::Usage);
    EXPECT_NE(message.find("auto"), std::string::npos) << message;
    EXPECT_TRUE(folder.names().empty());
}

TEST(OpenSink, RefusesAnEndingThatContradictsTheContainer) {
    const Folder folder;
    SinkOptions options;
    options.container = "mp4";
    EXPECT_EQ(open_error(folder / "v.webm", nullptr, options), ErrorCode::Usage);
    EXPECT_EQ(open_error(folder / "v.film", nullptr, options), ErrorCode::Ok);
}

TEST(OpenSink, RefusesOptionsOutOfRange) {
    const Folder folder;
    const auto with = [&](auto change) {
        SinkOptions options;
        change(options);
        return open_error(folder / "v.mp4", nullptr, options);
    };
    EXPECT_EQ(with([](SinkOptions& o) { o.crf = 52; }), ErrorCode::Usage);
    EXPECT_EQ(with([](SinkOptions& o) { o.crf = -1; }), ErrorCode::Usage);
    EXPECT_EQ(with([](SinkOptions& o) { o.preset = "quick"; }), ErrorCode::Usage);
    EXPECT_EQ(with([](SinkOptions& o) { o.encoder_threads = -1; }), ErrorCode::Usage);
    EXPECT_EQ(open_error(folder / "v.mp4", nullptr, {}, info_of(0, 64)), ErrorCode::Usage);
    EXPECT_EQ(open_error(folder / "v.mp4", nullptr, {}, info_of(96, 64, {0, 1})), ErrorCode::Usage);
    EXPECT_EQ(open_error(folder / "v.mp4", nullptr, {}, info_of(1 << 20, 1 << 20)), ErrorCode::Usage);
    EXPECT_EQ(open_error(folder / "v.png"), ErrorCode::Usage);  // twelve frames into one picture
    EXPECT_TRUE(folder.names().empty());
}

TEST(OpenSink, KeepsTwoRunsOffOnePath) {
    const Folder folder;
    for (const std::string name : {"v.mp4", "v.y4m", "pictures/%04d.png"}) {
        const auto first = open_sink(folder / name, kSmall, {});
        std::string message;
        EXPECT_EQ(open_error(folder / name, &message), ErrorCode::Output);
        EXPECT_NE(message.find("another run"), std::string::npos) << message;
        write_frames(*first, kSmall, 2);
        first->close();
        EXPECT_EQ(read_frames(folder / name).size(), 2u);
    }
}

TEST(OpenSink, TakesNamesAsTheyAre) {
    const Folder folder;
    for (const std::string& name :
         std::vector<std::string>{"two words.mp4", "line\nbreak.mp4", "-dash.mp4", "100%d.mp4", "%s:file.mp4",
                                  "http:x.mp4", "\xF0\x9F\x8E\xAC.mp4", std::string(251, 'n') + ".mp4"}) {
        write_video(folder / name, info_of(96, 64, {24, 1}, 2));
        EXPECT_EQ(folder.names(), std::vector<std::string>{name});
        EXPECT_EQ(read_frames(folder / name).size(), 2u);
        std::filesystem::remove(folder / name);
    }
    EXPECT_EQ(open_error(folder / (std::string(252, 'n') + ".mp4")), ErrorCode::Output);
}

TEST(OpenSink, DoesNotReplaceAFileThatAppearedMeanwhile) {
    const Folder folder;
    const auto sink = open_sink(folder / "v.mp4", kSmall, {});
    write_frames(*sink, kSmall, 3);
    write_bytes(folder / "v.mp4", "someone else's");
    EXPECT_EQ(code_of([&] { sink->close(); }), ErrorCode::Output);
    EXPECT_EQ(file_bytes(folder / "v.mp4"), "someone else's");
    EXPECT_EQ(read_frames(sink->temporary_name()).size(), 3u);
}

TEST(OpenSink, ReplacesWhatAKilledRunLeft) {
    const Folder folder;
    write_bytes(folder / ".v.mp4.part", std::string(1 << 20, 'x'));
    write_video(folder / "v.mp4", kSmall);
    EXPECT_EQ(read_frames(folder / "v.mp4").size(), 12u);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"v.mp4"});
}

TEST(TemporaryName, StaysWithinTheFileSystemsLimit) {
    const std::string long_name(255, 'a');
    const auto first = temporary_name("/d/" + long_name, ".part");
    EXPECT_LE(first.filename().string().size(), 255u);
    EXPECT_NE(first, temporary_name("/d/" + std::string(254, 'a') + "b", ".part"));
    EXPECT_EQ(temporary_name("d/v.mp4", ".part"), std::filesystem::path("d/.v.mp4.part"));
}

TEST(Output, ReportsAFullDevice) {
    for (const std::string container : {"mp4", "mkv", "webm", "gif", "y4m"}) {
        SinkOptions options;
        options.container = container;
        std::string message;
        const ErrorCode code = code_of(
            [&] {
                const auto sink = open_sink("/dev/full", kSmall, options);
                write_frames(*sink, kSmall, 12);
                sink->close();
            },
            &message);
        EXPECT_EQ(code, ErrorCode::Output) << container;
        EXPECT_NE(message.find("No space left"), std::string::npos) << container << ": " << message;
    }
}

/// Exit status 0 if writing noise hits the limit as ErrorCode::Output with the right reason.
int write_past_limit(const std::string& target, rlim_t bytes) {
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::string message;
    const ErrorCode code = code_of(
        [&] {
            const auto sink = open_sink(target, kSmall, {});
            for (int64_t index = 0; index < 100; ++index) sink->write(noisy_frame(96, 64, index));
            sink->close();
        },
        &message);
    return code == ErrorCode::Output && message.find("File too large") != std::string::npos ? 0 : 1;
}

TEST(Output, ReportsASizeLimitWithoutDyingOfTheSignal) {
    const Folder folder;
    for (const std::string name : {"v.mp4", "v.mkv", "v.webm", "v.gif", "v.y4m", "pictures/%04d.png"})
        for (const rlim_t bytes : {1, 100, 1000, 4000, 10000}) {
            EXPECT_EQ(in_child([&] { return write_past_limit(folder / name, bytes); }), 0) << name << " " << bytes;
            EXPECT_FALSE(std::filesystem::exists(folder / name));
        }
}

TEST(Output, KeepsTheFramesWrittenBeforeTheDiskFilled) {
    const Folder folder;
    ASSERT_EQ(in_child([&] { return write_past_limit(folder / "v.mkv", 400000); }), 0);
    EXPECT_TRUE(std::filesystem::exists(folder / ".v.mkv.part"));
    const auto source = open_source(folder / ".v.mkv.part");
    EXPECT_TRUE(source->read());
}

TEST(Output, KeepsTheFragmentedFileWhereTheDiskHasNoRoomForACopy) {
    const Folder folder;
    const int status = in_child([&] {
        const auto sink = open_sink(folder / "v.mp4", kSmall, {});
        for (int64_t index = 0; index < 12; ++index) sink->write(noisy_frame(96, 64, index));
        // Nothing more may be opened: the copy fails, the rename does not.
        const rlimit limit{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &limit);
        return static_cast<int>(code_of([&] { sink->close(); }));
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read_frames(folder / "v.mp4").size(), 12u);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"v.mp4"});
}

TEST(Output, ReportsAReaderThatLeft) {
    const Folder folder;
    for (const std::string container : {"y4m", "mp4", "mkv"}) {
        const std::string fifo = folder / container;
        ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
        const int status = in_child([&] {
            const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
            SinkOptions options;
            options.container = container;
            std::string message;
            const ErrorCode code = code_of(
                [&] {
                    const auto sink = open_sink(fifo, kSmall, options);
                    ::close(reader);
                    write_frames(*sink, kSmall, 60);
                    sink->close();
                },
                &message);
            return code == ErrorCode::Output && message.find("Broken pipe") != std::string::npos ? 0 : 1;
        });
        EXPECT_EQ(status, 0) << container;  // 256 + 13 would be death by SIGPIPE
    }
}

TEST(Output, GivesUpOnAPipeThatNobodyReads) {
    const Folder folder;
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    std::string message;
    EXPECT_EQ(code_of([&] { Output::open_pipe(folder / "pipe", 0.05); }, &message), ErrorCode::Output);
    EXPECT_NE(message.find("nobody"), std::string::npos) << message;
}

TEST(Output, LeavesASignalOfTheHostPending) {
    const int status = in_child([] {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        ::raise(SIGPIPE);
        SinkOptions options;
        options.container = "y4m";
        code_of([&] { write_video("/dev/full", kSmall, options); });
        sigset_t pending;
        sigpending(&pending);
        return sigismember(&pending, SIGPIPE) == 1 ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
}

/// Redirects standard output to `path` in a child and writes a video to "-".
int write_to_standard_output(const std::string& path, const SinkOptions& options) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(file, STDOUT_FILENO);
    const int code = static_cast<int>(code_of([&] { write_video("-", kSmall, options); }));
    const bool still_open = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    return code + (still_open ? 0 : 100);
}

TEST(StandardOutput, CarriesY4mByDefaultAndStaysOpen) {
    const Folder folder;
    ASSERT_EQ(in_child([&] { return write_to_standard_output(folder / "out", {}); }), 0);
    EXPECT_TRUE(file_bytes(folder / "out").starts_with("YUV4MPEG2 W96 H64 F24:1"));
    EXPECT_EQ(read_frames(folder / "out").size(), 12u);
}

TEST(StandardOutput, CarriesContainersThatNeedNoSeeking) {
    const Folder folder;
    for (const std::string container : {"mp4", "mkv", "webm", "gif"}) {
        SinkOptions options;
        options.container = container;
        ASSERT_EQ(in_child([&] { return write_to_standard_output(folder / container, options); }), 0) << container;
        EXPECT_EQ(read_frames(folder / container).size(), 12u) << container;
    }
}

TEST(StandardOutput, RefusesATerminal) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) GTEST_SKIP() << "no pseudo terminals here";
    const int status = in_child([&] {
        ::grantpt(terminal);
        ::unlockpt(terminal);
        ::dup2(::open(::ptsname(terminal), O_RDWR | O_NOCTTY), STDOUT_FILENO);
        return static_cast<int>(open_error("-"));
    });
    ::close(terminal);
    EXPECT_EQ(status, static_cast<int>(ErrorCode::Usage));
}

/// A child that writes `frames` frames, says so through a pipe, and waits to be killed.
pid_t writing_child(const std::string& target, const VideoInfo& info, int64_t frames, int ready) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const auto sink = open_sink(target, info, {});
    write_frames(*sink, info, frames);
    if (::write(ready, "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
}

/// What the temporary file of a run holds that was killed after `frames` frames.
size_t frames_after_kill(const Folder& folder, const std::string& name, const VideoInfo& info) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t child = writing_child(folder / name, info, info.frames, ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    EXPECT_THROW(open_source(folder / name), Error) << name;
    return read_frames(temporary_name(folder / name, ".part").string()).size();
}

TEST(KilledRun, LeavesAPlayableTemporaryFileAndNoFinalName) {
    const Folder folder;
    const VideoInfo info = info_of(96, 64, {24, 1}, 120);
    for (const std::string name : {"v.mp4", "v.mkv", "v.webm", "v.y4m", "pictures/%04d.png"}) {
        // Lost at most: what the encoder looks at (half a second and its threads), and a Matroska cluster.
        EXPECT_GE(frames_after_kill(folder, name, info), 120u - 24u) << name;
    }
}

TEST(KilledRun, KeepsHalfOfAVideoOfTwoSeconds) {
    const Folder folder;
    const VideoInfo info = info_of(96, 64, {8, 1}, 16);
    for (const std::string name : {"v.mp4", "v.mkv", "v.webm"})
        EXPECT_GE(frames_after_kill(folder, name, info), 8u) << name;
}

}  // namespace
}  // namespace kine::codecs::testing
