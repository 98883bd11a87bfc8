#include "codecs/av/muxer.h"

#include "codecs/output/shown_name.h"
#include "runtime/error.h"

#include <cerrno>

namespace kine::codecs {
namespace {

constexpr int kBufferBytes = 64 * 1024;

}  // namespace

Muxer::Muxer(Output& output, const std::string& format_name) : output_(output) {
    check(avformat_alloc_output_context2(&format_, nullptr, format_name.c_str(), nullptr) >= 0, ErrorCode::Unsupported,
          "this libav cannot write {}", format_name);
    auto* buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
    auto* io = buffer ? avio_alloc_context(buffer, kBufferBytes, 1, this, nullptr, write_bytes, seek) : nullptr;
    if (io == nullptr) av_free(buffer);
    if (io == nullptr) avformat_free_context(format_);
    check(io != nullptr, ErrorCode::DoesNotFit, "no memory to write {}", format_name);
    io->seekable = output.is_seekable() ? AVIO_SEEKABLE_NORMAL : 0;
    if (!output.is_seekable()) io->seek = nullptr;
    format_->pb = io;
    format_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT | AVFMT_FLAG_FLUSH_PACKETS;
}

Muxer::~Muxer() {
    // Some containers free what they hold only in their trailer; an unfinished file must not get one, though.
    if (write_error_ == 0) write_error_ = ECANCELED;
    if (needs_trailer_) av_write_trailer(format_);
    av_freep(&format_->pb->buffer);
    avio_context_free(&format_->pb);
    avformat_free_context(format_);
}

bool Muxer::wants_global_header() const { return (format_->oformat->flags & AVFMT_GLOBALHEADER) != 0; }

void Muxer::set_metadata(const std::map<std::string, std::string>& metadata) {
    for (const auto& [key, value] : metadata) av_dict_set(&format_->metadata, key.c_str(), value.c_str(), 0);
}

AVStream& Muxer::add_stream(AVRational time_base) {
    AVStream* stream = avformat_new_stream(format_, nullptr);
    check(stream != nullptr, ErrorCode::DoesNotFit, "no memory for a video stream");
    stream->time_base = time_base;
    return *stream;
}

void Muxer::begin(Options& options) {
    expect(avformat_write_header(format_, options.get()));
    needs_trailer_ = true;
    options.expect_all_taken(format_->oformat->name);
    avio_flush(format_->pb);
    expect(0);
}

void Muxer::write(AVPacket& packet, AVRational time_base) {
    // Only now is the stream's own unit known: write_header may change it.
    av_packet_rescale_ts(&packet, time_base, format_->streams[0]->time_base);
    packet.stream_index = 0;
    expect(av_write_frame(format_, &packet));
}

void Muxer::finish() {
    needs_trailer_ = false;
    expect(av_write_trailer(format_));
    avio_flush(format_->pb);
    expect(0);
}

void Muxer::expect(int result) {
    if (write_error_ != 0) output_.fail(write_error_);
    check(result >= 0, ErrorCode::Output, "cannot write {}: {}", shown_name(output_.name()), av_reason(result));
}

int Muxer::write_bytes(void* opaque, uint8_t* bytes, int count) {
    auto& muxer = *static_cast<Muxer*>(opaque);
    if (muxer.write_error_ == 0)
        muxer.write_error_ = muxer.output_.try_write(std::span<const uint8_t>(bytes, static_cast<size_t>(count)));
    return muxer.write_error_ == 0 ? count : AVERROR(muxer.write_error_);
}

int64_t Muxer::seek(void* opaque, int64_t offset, int whence) {
    Output& output = static_cast<Muxer*>(opaque)->output_;
    switch (whence & ~AVSEEK_FORCE) {
        case AVSEEK_SIZE:
            return output.size();
        case SEEK_SET:
            break;
        case SEEK_CUR:
            offset += output.position();
            break;
        case SEEK_END:
            offset += output.size();
            break;
        default:
            return AVERROR(EINVAL);
    }
    output.seek(offset);
    return offset;
}

}  // namespace kine::codecs
