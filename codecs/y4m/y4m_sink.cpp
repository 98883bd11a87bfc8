#include "codecs/y4m/y4m_sink.h"

#include "codecs/av/colour.h"
#include "codecs/frame_check.h"
#include "codecs/output/output.h"
#include "codecs/output/shown_name.h"
#include "runtime/error.h"

#include <fmt/format.h>

#include <string_view>

namespace kine::codecs {
namespace {

AVPixelFormat format_of(const std::string& name) {
    check(name.empty() || name == "yuv420p" || name == "yuv444p", ErrorCode::Usage,
          "pixel_format is '{}', y4m takes yuv420p, yuv444p", name);
    return name == "yuv444p" ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P;
}

void check_options(const SinkOptions& options) {
    check(options.video_codec.empty() || options.video_codec == "rawvideo", ErrorCode::Usage,
          "video_codec is '{}', y4m takes rawvideo", options.video_codec);
    check(!options.crf && options.preset.empty(), ErrorCode::Usage, "y4m is not compressed and takes no crf or preset");
}

// One block a frame, so that a reader never waits for half of one longer than the write takes.
constexpr std::string_view kMarker = "FRAME\n";

std::vector<uint8_t> packed_planes(const Frame& frame) {
    std::vector<uint8_t> bytes(kMarker.begin(), kMarker.end());
    for (int plane = 0; plane < plane_count(frame.format()); ++plane)
        bytes.insert(bytes.end(), frame.plane(plane).begin(), frame.plane(plane).end());
    return bytes;
}

class Y4mSink final : public Sink {
  public:
    Y4mSink(const std::string& target, const VideoInfo& info, const SinkOptions& options)
        : info_(info),
          format_(format_of(options.pixel_format)),
          to_video_({info.width, info.height}, {info.width, info.height}, format_, AVCHROMA_LOC_LEFT),
          output_(Output::open(target, options.overwrite)) {
        const std::string_view layout = format_ == AV_PIX_FMT_YUV444P ? "444" : "420mpeg2 XYSCSS=420MPEG2";
        header_ = fmt::format("YUV4MPEG2 W{} H{} F{}:{} Ip A1:1 C{} XCOLORRANGE=LIMITED\n", info.width, info.height,
                              info.fps.num, info.fps.den, layout);
        if (!output_->is_seekable()) write_header();  // whoever reads the pipe may set itself up
    }
    ~Y4mSink() override {
        if (frames_ == 0) output_->discard();
    }

    /// Over odd sizes swscale, with which most read Y4M, stretches chroma a little: there it shall write it too.
    bool takes(PixelFormat format) const override {
        const bool is_even = info_.width % 2 == 0 && info_.height % 2 == 0;
        return format == PixelFormat::Rgb24 || (format == layout() && is_even);
    }

    void write(const Frame& frame) override {
        check(!closed_, ErrorCode::Bug, "frame {} after the sink was closed", frame.index);
        check_frame(*this, frame, info_);
        const bool is_ready = frame.format() != PixelFormat::Rgb24;
        const std::vector<uint8_t> bytes = is_ready ? packed_planes(frame) : packed(*to_video_(frame));
        write_header();
        output_->write(bytes);
        ++frames_;
    }

    void close() override {
        check(!closed_, ErrorCode::Bug, "sink closed twice");
        check(frames_ > 0, ErrorCode::Output, "no frame was written to {}", shown_name(output_->name()));
        closed_ = true;
        output_->commit();
    }

    std::string name() const override { return output_->name(); }
    std::string temporary_name() const override { return output_->temporary_name(); }

  private:
    void write_header() {
        if (!header_.empty()) output_->write(header_);
        header_.clear();
    }
    PixelFormat layout() const { return format_ == AV_PIX_FMT_YUV444P ? PixelFormat::Yuv444p : PixelFormat::Yuv420p; }
    std::vector<uint8_t> packed(const AVFrame& picture) const;

    const VideoInfo info_;
    const AVPixelFormat format_;
    RgbToVideo to_video_;
    std::unique_ptr<Output> output_;
    std::string header_;  // until written
    int64_t frames_ = 0;
    bool closed_ = false;
};

std::vector<uint8_t> Y4mSink::packed(const AVFrame& picture) const {
    std::vector<uint8_t> bytes(kMarker.begin(), kMarker.end());
    for (int plane = 0; plane < plane_count(layout()); ++plane) {
        const auto row_bytes = static_cast<ptrdiff_t>(plane_row_bytes(layout(), plane, info_.width));
        const uint8_t* row = picture.data[plane];
        for (int y = 0; y < plane_rows(layout(), plane, info_.height); ++y, row += picture.linesize[plane])
            bytes.insert(bytes.end(), row, row + row_bytes);
    }
    return bytes;
}

}  // namespace

std::unique_ptr<Sink> make_y4m_sink(const std::string& target, const VideoInfo& info, const SinkOptions& options) {
    check_options(options);
    return std::make_unique<Y4mSink>(target, info, options);
}

}  // namespace kine::codecs
