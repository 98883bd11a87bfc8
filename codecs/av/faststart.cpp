#include "codecs/av/faststart.h"

#include "codecs/av/muxer.h"
#include "codecs/av/reader.h"
#include "codecs/output/shown_name.h"
#include "runtime/error.h"

namespace kine::codecs {
namespace {

/// A demuxer over a descriptor of ours.
class Input {
  public:
    explicit Input(const Output& file) : reader_(make_reader(file.descriptor())), format_(avformat_alloc_context()) {
        if (format_ != nullptr) format_->pb = reader_;
        // On failure this frees format_ and leaves the reader to us.
        opened_ = reader_ && format_ ? avformat_open_input(&format_, "", av_find_input_format("mov"), nullptr)
                                     : AVERROR(ENOMEM);
        if (opened_ < 0) close();
        check(opened_ >= 0, ErrorCode::Output, "cannot read back {}: {}", shown_name(file.temporary_name()),
              av_reason(opened_));
    }
    ~Input() { close(); }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    AVStream& stream() const { return *format_->streams[0]; }
    bool read(AVPacket& packet) {
        const int result = av_read_frame(format_, &packet);
        check(result >= 0 || result == AVERROR_EOF, ErrorCode::Output, "cannot read frames back: {}",
              av_reason(result));
        return result >= 0;
    }

  private:
    void close() {
        avformat_close_input(&format_);
        free_reader(reader_);
        reader_ = nullptr;
    }

    AVIOContext* reader_;
    AVFormatContext* format_;
    int opened_ = 0;
};

/// Room for the index, which is written last but stands first: every frame has at most a row in each of six tables.
/// (libav's own "faststart" would move the frames once more, and says so on standard error.)
int64_t index_bytes(const VideoInfo& info) {
    int64_t bytes = 16384 + 64 * info.frames;
    for (const auto& [key, value] : info.metadata) bytes += static_cast<int64_t>(key.size() + value.size()) + 64;
    return bytes;
}

}  // namespace

void copy_with_index_first(const Output& from, Output& to, const VideoInfo& info) {
    Input input(from);
    Muxer muxer(to, "mp4");
    muxer.set_metadata(info.metadata);
    AVStream& stream = muxer.add_stream(input.stream().time_base);
    const int copied = avcodec_parameters_copy(stream.codecpar, input.stream().codecpar);
    check(copied >= 0, ErrorCode::DoesNotFit, "no memory for codec parameters: {}", av_reason(copied));
    stream.avg_frame_rate = input.stream().avg_frame_rate;
    Options options;
    options.set("movflags", "use_metadata_tags");
    options.set("moov_size", std::to_string(index_bytes(info)));
    muxer.begin(options);
    const AVRational frame_time = {static_cast<int>(info.fps.den), static_cast<int>(info.fps.num)};
    const PacketPointer packet = make_packet();
    for (int64_t start = AV_NOPTS_VALUE; input.read(*packet); av_packet_unref(packet.get())) {
        if (start == AV_NOPTS_VALUE)
            start = packet->pts;  // fragments cannot hide the encoder's delay, a plain file can
        packet->pts -= start;
        packet->dts -= start;
        packet->duration = av_rescale_q(1, frame_time, input.stream().time_base);
        packet->pos = -1;
        muxer.write(*packet, input.stream().time_base);
    }
    muxer.finish();
}

}  // namespace kine::codecs
