#include "codecs/av/video_source.h"

#include "codecs/av/colour.h"
#include "codecs/av/reader.h"
#include "codecs/av/truncation.h"
#include "codecs/output/shown_name.h"
#include "codecs/own_metadata.h"
#include "codecs/png/texts.h"
#include "runtime/error.h"
#include "runtime/io/regular_file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <vector>

namespace kine::codecs {
namespace {

constexpr int64_t kLargestPicture = int64_t{64} << 20;  // pixels; a small file can unpack to gigabytes

// Formats that hold frames themselves. Others (playlists, scripts) make libav open what they name.
constexpr const char* kFormats =
    "mov,mp4,matroska,webm,gif,yuv4mpegpipe,avi,ivf,nut,apng,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe";

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) { return AVERROR(EPERM); }

/// A demuxer over our own reader, so that libav never sees a path that it might take for a protocol.
class Demuxer {
  public:
    explicit Demuxer(const RegularFile& file)
        : reader_(make_reader(file.descriptor())), format_(avformat_alloc_context()) {
        if (reader_ != nullptr && format_ != nullptr) result_ = open();
        if (result_ >= 0) result_ = look_into_streams();
    }
    ~Demuxer() {
        avformat_close_input(&format_);
        free_reader(reader_);
    }
    Demuxer(const Demuxer&) = delete;
    Demuxer& operator=(const Demuxer&) = delete;

    int result() const { return result_; }
    AVFormatContext& format() const { return *format_; }
    int64_t position() const { return avio_tell(reader_); }

  private:
    /// Opens decoders of its own, which are as quiet as ours.
    int look_into_streams() {
        std::vector<AVDictionary*> options(format_->nb_streams);
        for (AVDictionary*& each : options) av_dict_set_int(&each, "log_level_offset", kQuietOffset, 0);
        const int result = avformat_find_stream_info(format_, options.data());
        for (AVDictionary*& each : options) av_dict_free(&each);
        return result;
    }
    int open() {
        format_->pb = reader_;
        format_->io_open = refuse_to_open;
        format_->error_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
        format_->max_streams = 64;
        Options options;
        options.set("format_whitelist", kFormats);
        return avformat_open_input(&format_, "", nullptr, options.get());
    }

    AVIOContext* reader_;
    AVFormatContext* format_;
    int result_ = AVERROR(ENOMEM);
};

class VideoSource final : public Source {
  public:
    explicit VideoSource(const std::string& path) : path_(path), file_(path), demuxer_(file_) {
        expect(demuxer_.result());
        stream_ = av_find_best_stream(&format(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
        check(stream_ >= 0, ErrorCode::BadInput, "{} holds no video", shown_name(path_));
        const auto cut = find_truncation(file_.descriptor(), file_.size(), format().iformat->name);
        check(!cut, ErrorCode::BadInput, "{} is truncated: {}", shown_name(path_), cut.value_or(""));
        open_decoder();
        read_info();
    }

    const VideoInfo& info() const override { return info_; }
    std::optional<Frame> read() override;

  private:
    AVFormatContext& format() const { return demuxer_.format(); }
    AVStream& stream() const { return *format().streams[stream_]; }
    bool is_format(std::string_view name) const { return std::string_view(format().iformat->name).starts_with(name); }
    void expect(int result) const {
        check(result >= 0, ErrorCode::BadInput, "cannot read {} after frame {}: {}", shown_name(path_), frames_,
              av_reason(result));
    }
    void open_decoder();
    void read_info();
    void read_metadata();
    Rational rate(const std::optional<OwnMetadata>& own) const;
    bool receive();
    void send_packet();
    void check_end() const;
    void check_picture() const;

    const std::string path_;
    RegularFile file_;
    Demuxer demuxer_;
    int stream_ = -1;
    CodecPointer decoder_;
    VideoInfo info_;
    RgbToVideo::Size coded_{};
    VideoToRgb to_rgb_;
    FramePointer picture_ = make_frame();
    PacketPointer packet_ = make_packet();
    int64_t frames_ = 0;
    int64_t position_ = 0;  // after the last whole packet
    bool at_end_ = false;
};

void VideoSource::open_decoder() {
    const AVCodec* codec = avcodec_find_decoder(stream().codecpar->codec_id);
    check(codec != nullptr, ErrorCode::BadInput, "cannot read {}: no decoder for {}", shown_name(path_),
          avcodec_get_name(stream().codecpar->codec_id));
    decoder_ = make_codec(codec);
    expect(avcodec_parameters_to_context(decoder_.get(), stream().codecpar));
    const int64_t pixels = int64_t{decoder_->width} * decoder_->height;
    check(pixels <= kLargestPicture, ErrorCode::BadInput, "{} has {}x{} pixels, at most {} are read", shown_name(path_),
          decoder_->width, decoder_->height, kLargestPicture);
    decoder_->max_pixels = kLargestPicture;
    decoder_->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER;
    decoder_->thread_count = 1;
    decoder_->pkt_timebase = stream().time_base;
    expect(avcodec_open2(decoder_.get(), codec, nullptr));
}

void VideoSource::read_metadata() {
    if (is_format("png")) info_.metadata = read_texts(file_.descriptor());
    const AVDictionaryEntry* entry = nullptr;
    while ((entry = av_dict_get(format().metadata, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
        std::string key = entry->key;
        // Matroska writes all keys in capitals.
        if (is_format("matroska"))
            std::transform(key.begin(), key.end(), key.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        info_.metadata[key] = entry->value;
    }
}

Rational VideoSource::rate(const std::optional<OwnMetadata>& own) const {
    const bool is_picture = is_format("png") || is_format("jpeg") || is_format("webp") || is_format("bmp");
    AVRational found = stream().avg_frame_rate.num > 0 ? stream().avg_frame_rate : stream().r_frame_rate;
    if (is_picture || found.num <= 0 || found.den <= 0) return own ? own->fps : Rational{24, 1};
    // A copy of our file at another speed keeps our metadata: only a rate that was merely rounded is ours.
    const double ours = own ? static_cast<double>(own->fps.num) / static_cast<double>(own->fps.den) : 0;
    if (std::abs(ours / av_q2d(found) - 1) < 0.01) return own->fps;
    return {found.num, found.den};
}

void VideoSource::read_info() {
    read_metadata();
    std::optional<OwnMetadata> own;
    if (const auto entry = info_.metadata.extract(std::string(kOwnKey))) own = parse_own_metadata(entry.mapped());
    coded_ = {decoder_->width, decoder_->height};
    const auto extended = [](int coded, int ours) { return coded == ours + 1 && coded % 2 == 0; };
    info_.width = own && extended(coded_.width, own->width) ? own->width : coded_.width;
    info_.height = own && extended(coded_.height, own->height) ? own->height : coded_.height;
    info_.fps = rate(own);
    info_.frames = stream().nb_frames;
}

/// Whether the decoder had a picture. Sets at_end_ after its last.
bool VideoSource::receive() {
    const int result = avcodec_receive_frame(decoder_.get(), picture_.get());
    at_end_ = result == AVERROR_EOF;
    if (at_end_ || result == AVERROR(EAGAIN)) return false;
    expect(result);
    return true;
}

void VideoSource::send_packet() {
    av_packet_unref(packet_.get());
    const int result = av_read_frame(&format(), packet_.get());
    if (result == AVERROR_EOF) {
        check_end();
        expect(avcodec_send_packet(decoder_.get(), nullptr));
        return;
    }
    expect(result);
    position_ = demuxer_.position();
    if (packet_->stream_index != stream_) return;
    check((packet_->flags & AV_PKT_FLAG_CORRUPT) == 0, ErrorCode::BadInput, "{} is damaged or cut off after frame {}",
          shown_name(path_), frames_);
    expect(avcodec_send_packet(decoder_.get(), packet_.get()));
}

void VideoSource::check_end() const {
    // The demuxer drops half a frame without a word.
    check(!is_format("yuv4mpegpipe") || position_ == file_.size(), ErrorCode::BadInput,
          "{} is truncated: its last frame is not whole", shown_name(path_));
}

void VideoSource::check_picture() const {
    check(picture_->width == coded_.width && picture_->height == coded_.height, ErrorCode::BadInput,
          "{} changes its size at frame {} from {}x{} to {}x{}", shown_name(path_), frames_, coded_.width,
          coded_.height, picture_->width, picture_->height);
    check((picture_->flags & AV_FRAME_FLAG_CORRUPT) == 0 && picture_->decode_error_flags == 0, ErrorCode::BadInput,
          "{} is damaged at frame {}", shown_name(path_), frames_);
}

std::optional<Frame> VideoSource::read() {
    while (!receive()) {
        check(!at_end_ || frames_ > 0, ErrorCode::BadInput, "{} holds no frame", shown_name(path_));
        if (at_end_) return std::nullopt;
        send_packet();
    }
    check_picture();
    const AVColorSpace fallback = assumed_matrix(decoder_->codec_id, decoder_->height);
    Frame frame = to_rgb_(*picture_, {info_.width, info_.height}, fallback);
    frame.index = frames_++;
    return frame;
}

}  // namespace

std::unique_ptr<Source> open_video_file(const std::string& path) { return std::make_unique<VideoSource>(path); }

}  // namespace kine::codecs
