// Owning pointers for libav's objects, and its error codes as text.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace kine::codecs {

struct FreeAv {
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
    void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
    void operator()(SwsContext* context) const { sws_freeContext(context); }
    void operator()(AVDictionary* dictionary) const { av_dict_free(&dictionary); }
};

using FramePointer = std::unique_ptr<AVFrame, FreeAv>;
using PacketPointer = std::unique_ptr<AVPacket, FreeAv>;
using CodecPointer = std::unique_ptr<AVCodecContext, FreeAv>;
using ScalerPointer = std::unique_ptr<SwsContext, FreeAv>;

// libav returns null only when memory is short; these throw ErrorCode::DoesNotFit then.
FramePointer make_frame();
/// With a buffer for the given picture.
FramePointer make_frame(AVPixelFormat format, int width, int height);
PacketPointer make_packet();
CodecPointer make_codec(const AVCodec* codec);

std::string av_reason(int error);

/// Options on their way into an open call; what libav did not take stays inside.
class Options {
  public:
    Options() = default;
    ~Options() { av_dict_free(&dictionary_); }
    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;

    void set(const std::string& key, const std::string& value);
    /// "key=value:key=value"
    void parse(const std::string& text);
    AVDictionary** get() { return &dictionary_; }
    /// Throws ErrorCode::Bug if an option of ours was not known to `taker`.
    void expect_all_taken(const std::string& taker) const;

  private:
    AVDictionary* dictionary_ = nullptr;
};

/// Added to the level of each of a context's log lines, so that libav's global log, which is the host's, stays quiet.
constexpr int kQuietOffset = 100;

}  // namespace kine::codecs
