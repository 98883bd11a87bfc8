#include "codecs/png/png_encoder.h"

#include "runtime/error.h"

#include <cstring>

namespace kine::codecs {

PngEncoder::PngEncoder(int width, int height) : encoder_(make_codec(avcodec_find_encoder(AV_CODEC_ID_PNG))) {
    encoder_->width = width;
    encoder_->height = height;
    encoder_->pix_fmt = AV_PIX_FMT_RGB24;
    encoder_->time_base = AVRational{1, 1};
    encoder_->thread_count = 1;  // a packet for every frame at once
    Options options;
    options.set("pred", "mixed");
    const int result = avcodec_open2(encoder_.get(), encoder_->codec, options.get());
    check(result >= 0, ErrorCode::Output, "png cannot hold {}x{} pixels: {}", width, height, av_reason(result));
}

std::vector<uint8_t> PngEncoder::operator()(const Frame& frame, const Texts& texts) {
    const FramePointer picture = make_frame(AV_PIX_FMT_RGB24, frame.width(), frame.height());
    const size_t row_bytes = static_cast<size_t>(frame.width()) * 3;
    for (int y = 0; y < frame.height(); ++y)
        std::memcpy(picture->data[0] + static_cast<ptrdiff_t>(y) * picture->linesize[0],
                    frame.plane(0).data() + static_cast<size_t>(y) * row_bytes, row_bytes);
    picture->pts = frame.index;
    int result = avcodec_send_frame(encoder_.get(), picture.get());
    if (result >= 0) result = avcodec_receive_packet(encoder_.get(), packet_.get());
    check(result >= 0, ErrorCode::Output, "cannot encode frame {} as png: {}", frame.index, av_reason(result));
    return with_texts({packet_->data, packet_->data + packet_->size}, texts);
}

}  // namespace kine::codecs
