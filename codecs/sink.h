// Where frames go.
#pragma once

#include "runtime/frame/frame.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace kine::codecs {

/// One thread at a time. Nothing stands under the final name before close() returns: file sinks write to
/// `.NAME.part` beside it, flushed fragment by fragment so that it plays after a kill, and rename it at the end.
/// Destroying a sink that was not closed keeps the temporary file if it holds frames, and removes it if not.
class Sink {
  public:
    virtual ~Sink() = default;

    /// Whether frames may come in this format: Rgb24 always, Yuv420p where that is what is stored.
    virtual bool takes(PixelFormat format) const { return format == PixelFormat::Rgb24; }
    /// Frames of the announced size and a format that it takes, in order. Throws ErrorCode::Output with the system's
    /// reason.
    virtual void write(const Frame& frame) = 0;
    /// Finishes and renames. Also right after fewer frames than announced: what came is kept.
    virtual void close() = 0;
    /// The final name, for reports.
    virtual std::string name() const = 0;
    /// The temporary name, empty for pipes.
    virtual std::string temporary_name() const = 0;
};

/// How to encode. Members are visited by runtime/options.h, so they are command line options too.
struct SinkOptions {
    std::string container;        ///< empty: by file ending
    std::string video_codec;      ///< empty: the container's default (libx264 for mp4); "auto": hardware where it is
    std::optional<int64_t> crf;   ///< constant rate factor, of the codec's own scale
    std::string preset;           ///< encoder preset, e.g. veryfast
    std::string pixel_format;     ///< yuv420p (default), yuv444p, ...
    int64_t encoder_threads = 0;  ///< 0: the codec's choice; files are reproducible for a fixed number
    bool overwrite = false;       ///< replace an existing file (only at the end)

    template <class Visitor>
    void visit(Visitor& v) {
        v("container", container, "container format; by file ending if not given");
        v("video_codec", video_codec, "libx264, libx265, libsvtav1, libvpx-vp9, ffv1, h264_nvenc, ..., or auto");
        v("crf", crf, "constant rate factor of the encoder (lower is better)");
        v("preset", preset, "encoder preset, e.g. veryfast");
        v("pixel_format", pixel_format, "yuv420p, yuv444p, ...");
        v("encoder_threads", encoder_threads, "threads of the encoder, 0 for its own choice");
        v("overwrite", overwrite, "replace existing files");
    }
};

/// Checks name, ending, codec and folder before anything is generated; opens at once, so that errors come early.
/// `target`: a file, "DIR/%04d.png" (frames counted from 0), or "-" for standard output.
std::unique_ptr<Sink> open_sink(const std::string& target, const VideoInfo& info, const SinkOptions& options);

/// The smallest format that every one of them takes.
PixelFormat common_format(std::span<const std::unique_ptr<Sink>> sinks);

}  // namespace kine::codecs
