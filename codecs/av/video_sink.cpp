// Encoder, container and output in one sink. What the encoder finished is in the file after every write, so a killed
// run leaves all but the last few frames (those that the encoder looks at together, and a Matroska cluster of 250 ms).
#include "codecs/av/colour.h"
#include "codecs/av/containers.h"
#include "codecs/av/encoders.h"
#include "codecs/av/faststart.h"
#include "codecs/av/muxer.h"
#include "codecs/frame_check.h"
#include "codecs/gif/palette.h"
#include "codecs/output/output.h"
#include "codecs/own_metadata.h"
#include "codecs/words.h"
#include "runtime/error.h"

namespace kine::codecs {

const Container kMp4 = {"mp4",
                        "mp4",
                        "libx264 libx265 libsvtav1 libaom-av1 h264_nvenc hevc_nvenc",
                        "movflags=frag_every_frame+empty_moov+default_base_moof+use_metadata_tags",
                        true,
                        true,
                        0};
const Container kMatroska = {"mkv",
                             "matroska",
                             "libx264 libx265 libvpx-vp9 libsvtav1 libaom-av1 ffv1 h264_nvenc hevc_nvenc",
                             "cluster_time_limit=250",
                             true,
                             false,
                             0};
const Container kWebm = {"webm", "webm", "libvpx-vp9 libsvtav1 libaom-av1", "cluster_time_limit=250", true, false, 0};
// Delays are hundredths of a second, and viewers take a single one for ten.
const Container kGif = {"gif", "gif", "gif", "", false, false, 50};

namespace {

std::map<std::string, std::string> file_metadata(const Container& container, const VideoInfo& info) {
    if (!container.keeps_metadata) return {};
    auto metadata = info.metadata;
    metadata[std::string(kOwnKey)] = own_metadata(info);
    return metadata;
}

const EncoderKind& encoder_of(const Container& container, const SinkOptions& options) {
    const std::string_view first = container.encoders.substr(0, container.encoders.find(' '));
    const bool is_named = !options.video_codec.empty() && options.video_codec != "auto";
    return find_encoder(is_named ? options.video_codec : first, container.encoders, container.name);
}

/// Hardware where it opens; null where there is none. Whether a GPU has the engine, and takes this size, only opening
/// tells. What it has no such setting for (a pixel format), the encoder in its place may have, or will complain of.
CodecPointer open_hardware(const Container& container, const EncoderRequest& wanted) {
    const bool is_built_in = contains_word(container.encoders, kHardwareEncoder) &&
                             avcodec_find_encoder_by_name(std::string(kHardwareEncoder).c_str()) != nullptr;
    if (!is_built_in) return {};
    try {
        const EncoderKind& kind = find_encoder(kHardwareEncoder, container.encoders, container.name);
        return open_encoder({kind, wanted.info, wanted.options, wanted.global_header});
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Device && error.code() != ErrorCode::Usage) throw;
        return {};
    }
}

CodecPointer open_wanted(const Container& container, const EncoderRequest& wanted) {
    if (wanted.options.video_codec == "auto") {
        check(wanted.options.preset.empty(), ErrorCode::Usage,
              "preset is '{}', but video_codec auto may take encoders with other presets", wanted.options.preset);
        if (CodecPointer hardware = open_hardware(container, wanted)) return hardware;
    }
    return open_encoder(wanted);
}

class VideoSink final : public Sink {
  public:
    VideoSink(const Container& container, const std::string& target, const VideoInfo& info, const SinkOptions& options)
        : container_(container),
          info_(info),
          overwrite_(options.overwrite),
          metadata_(file_metadata(container, info)),
          output_(Output::open(target, options.overwrite)),
          muxer_(std::make_unique<Muxer>(*output_, std::string(container.muxer))),
          encoder_(
              open_wanted(container, {encoder_of(container, options), info, options, muxer_->wants_global_header()})) {
        if (encoder_->pix_fmt != AV_PIX_FMT_PAL8)
            to_video_.emplace(RgbToVideo::Size{info.width, info.height},
                              RgbToVideo::Size{encoder_->width, encoder_->height}, encoder_->pix_fmt,
                              encoder_->chroma_sample_location);
        if (YuvToVideo::suits(*encoder_)) from_yuv_.emplace(*encoder_);
        begin_or_discard();
    }
    ~VideoSink() override { abandon(); }

    bool takes(PixelFormat format) const override {
        return format == PixelFormat::Rgb24 || (format == PixelFormat::Yuv420p && from_yuv_);
    }
    void write(const Frame& frame) override;
    void close() override;
    std::string name() const override { return output_->name(); }
    std::string temporary_name() const override { return output_->temporary_name(); }

  private:
    enum class State { Open, Failed, Closed };

    /// The video as it became.
    VideoInfo written() const {
        VideoInfo info = info_;
        info.frames = frames_;
        info.metadata = metadata_;
        return info;
    }
    void begin_or_discard();
    void begin();
    FramePointer picture_of(const Frame& frame);
    void encode(const AVFrame* picture);
    void write_packets();
    void finish_file();
    void commit();
    bool commit_with_index_first();
    void abandon() noexcept;

    const Container& container_;
    const VideoInfo info_;
    const bool overwrite_;
    const std::map<std::string, std::string> metadata_;
    std::unique_ptr<Output> output_;
    std::unique_ptr<Muxer> muxer_;
    CodecPointer encoder_;
    std::optional<RgbToVideo> to_video_;  // nothing for palettes
    std::optional<YuvToVideo> from_yuv_;  // if the encoder wants what such frames are
    PacketPointer packet_ = make_packet();
    int64_t frames_ = 0;
    int64_t packets_ = 0;  // that reached the container
    State state_ = State::Open;
};

/// A header alone is no file worth keeping.
void VideoSink::begin_or_discard() {
    try {
        begin();
    } catch (...) {
        output_->discard();
        release_unused(*encoder_);
        throw;
    }
}

void VideoSink::begin() {
    AVStream& stream = muxer_->add_stream(encoder_->time_base);
    const int result = avcodec_parameters_from_context(stream.codecpar, encoder_.get());
    check(result >= 0, ErrorCode::DoesNotFit, "no memory for codec parameters: {}", av_reason(result));
    stream.avg_frame_rate = encoder_->framerate;
    stream.sample_aspect_ratio = encoder_->sample_aspect_ratio;
    if (container_.index_first && encoder_->codec_id == AV_CODEC_ID_HEVC)
        stream.codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');  // Apple's players know only this one
    muxer_->set_metadata(metadata_);
    Options options;
    options.parse(std::string(container_.options));
    muxer_->begin(options);
}

FramePointer VideoSink::picture_of(const Frame& frame) {
    if (frame.format() == PixelFormat::Yuv420p) return (*from_yuv_)(frame);
    return to_video_ ? (*to_video_)(frame) : with_palette(frame);
}

void VideoSink::write(const Frame& frame) {
    check(state_ == State::Open, ErrorCode::Bug, "frame {} after the sink was closed or failed", frame.index);
    check_frame(*this, frame, info_);
    const FramePointer picture = picture_of(frame);
    picture->pts = frames_;
    state_ = State::Failed;  // unless the encoder takes it
    encode(picture.get());
    state_ = State::Open;
    ++frames_;
}

/// Null drains the encoder.
void VideoSink::encode(const AVFrame* picture) {
    const int result = avcodec_send_frame(encoder_.get(), picture);
    check(result >= 0, ErrorCode::Output, "{} refused frame {}: {}", encoder_->codec->name, frames_, av_reason(result));
    write_packets();
}

void VideoSink::write_packets() {
    for (;;) {
        const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
        check(result >= 0, ErrorCode::Output, "{} failed after frame {}: {}", encoder_->codec->name, frames_,
              av_reason(result));
        // x265 3.5 leaves it unset for videos of one or two frames; with its pyramid of B frames it is always two
        // behind.
        if (std::string_view(encoder_->codec->name) == "libx265") packet_->dts = packets_ - 2;
        packet_->duration = 1;  // without it the last frame of a fragment would be shown for no time
        muxer_->write(*packet_, encoder_->time_base);
        ++packets_;
    }
}

void VideoSink::finish_file() {
    encode(nullptr);
    muxer_->finish();
}

void VideoSink::close() {
    check(state_ == State::Open, ErrorCode::Bug, "sink closed twice or after a failure");
    state_ = State::Failed;
    if (frames_ == 0) output_->discard();
    check(frames_ > 0, ErrorCode::Output, "no frame was written to {}", output_->name());
    finish_file();
    commit();
    state_ = State::Closed;
}

void VideoSink::commit() {
    if (!container_.index_first || !output_->is_seekable() || !commit_with_index_first()) output_->commit();
}

/// The fragmented file is complete already, so a disk too full for the copy is no reason to fail.
bool VideoSink::commit_with_index_first() {
    std::unique_ptr<Output> copy;
    try {
        copy = Output::open_file(output_->name(), overwrite_, ".finish");
        copy_with_index_first(*output_, *copy, written());
        copy->commit();
        output_->discard();
        return true;
    } catch (const Error&) {
        if (copy) copy->discard();
        return false;
    }
}

void VideoSink::abandon() noexcept {
    const bool holds_frames = state_ == State::Open ? frames_ > 0 : packets_ > 0;
    if (!holds_frames) output_->discard();
    if (frames_ == 0) release_unused(*encoder_);
    if (state_ != State::Open || !holds_frames) return;
    try {
        finish_file();
    } catch (const std::exception&) {
        // What was flushed before is playable without its end.
    }
}

}  // namespace

std::unique_ptr<Sink> make_video_sink(const Container& container, const std::string& target, const VideoInfo& info,
                                      const SinkOptions& options) {
    check(container.most_fps == 0 || info.fps.num <= container.most_fps * info.fps.den, ErrorCode::Usage,
          "fps {}: {} says at most {} frames a second", to_string(info.fps), container.name, container.most_fps);
    return std::make_unique<VideoSink>(container, target, info, options);
}

}  // namespace kine::codecs
