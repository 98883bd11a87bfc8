#include "codecs/av/handles.h"

#include "runtime/error.h"

namespace kine::codecs {
namespace {

template <class T>
T* allocated(T* pointer, const char* what) {
    check(pointer != nullptr, ErrorCode::DoesNotFit, "no memory for {}", what);
    return pointer;
}

}  // namespace

FramePointer make_frame() { return FramePointer(allocated(av_frame_alloc(), "a picture")); }

FramePointer make_frame(AVPixelFormat format, int width, int height) {
    FramePointer frame = make_frame();
    frame->format = format;
    frame->width = width;
    frame->height = height;
    const int result = av_frame_get_buffer(frame.get(), 0);
    check(result >= 0, ErrorCode::DoesNotFit, "no memory for a picture of {}x{}: {}", width, height, av_reason(result));
    return frame;
}

PacketPointer make_packet() { return PacketPointer(allocated(av_packet_alloc(), "a packet")); }

CodecPointer make_codec(const AVCodec* codec) {
    CodecPointer context(allocated(avcodec_alloc_context3(codec), "a codec"));
    context->log_level_offset = kQuietOffset;
    return context;
}

std::string av_reason(int error) {
    char text[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(error, text, sizeof text);
    return text;
}

void Options::set(const std::string& key, const std::string& value) {
    av_dict_set(&dictionary_, key.c_str(), value.c_str(), 0);
}

void Options::parse(const std::string& text) { av_dict_parse_string(&dictionary_, text.c_str(), "=", ":", 0); }

void Options::expect_all_taken(const std::string& taker) const {
    const AVDictionaryEntry* left = av_dict_get(dictionary_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
    check(left == nullptr, ErrorCode::Bug, "{} does not know the option {}={}", taker, left ? left->key : "",
          left ? left->value : "");
}

}  // namespace kine::codecs
