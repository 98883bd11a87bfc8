// Between RGB and what videos store. Encoders get BT.709, limited range, with all tags set, because players assume
// BT.709 for untagged video while swscale's own default is BT.601: red would come back as 255, 23, 0. Decoding goes by
// the tags.
#pragma once

#include "codecs/av/handles.h"
#include "runtime/frame/frame.h"

namespace kine::codecs {

/// Writes the tags that RgbToVideo's pictures deserve.
void tag_colour(AVCodecContext& encoder);

/// One thread at a time. Where the coded picture is larger, the last column and row are repeated.
class RgbToVideo {
  public:
    struct Size {
        int width;
        int height;
    };
    RgbToVideo(Size picture, Size coded, AVPixelFormat format, AVChromaLocation location);

    FramePointer operator()(const Frame& frame);

  private:
    const uint8_t* padded(const Frame& frame);

    Size picture_;
    Size coded_;
    AVPixelFormat format_;
    AVChromaLocation location_;
    std::vector<uint8_t> padding_;
    ScalerPointer scaler_;
};

/// Frames that are Yuv420p already, as the pictures of an encoder that wants just that: nothing is computed. Where the
/// coded picture is larger, the last column and row of luma are repeated; chroma has no more samples there.
class YuvToVideo {
  public:
    using Size = RgbToVideo::Size;
    /// Whether such frames can go to this encoder as they are.
    static bool suits(const AVCodecContext& encoder);
    explicit YuvToVideo(const AVCodecContext& encoder)
        : coded_{encoder.width, encoder.height}, format_(encoder.pix_fmt) {}

    FramePointer operator()(const Frame& frame) const;

  private:
    Size coded_;
    AVPixelFormat format_;
};

/// What to assume where a file says nothing about its matrix.
AVColorSpace assumed_matrix(AVCodecID codec, int height);

/// One thread at a time. Alpha is composited on black.
class VideoToRgb {
  public:
    /// The leading `width` x `height` pixels of `picture`; its unknown matrix is taken as `fallback`.
    Frame operator()(const AVFrame& picture, RgbToVideo::Size size, AVColorSpace fallback);

  private:
    void prepare(const AVFrame& picture, AVColorSpace fallback);

    ScalerPointer scaler_;
    AVPixelFormat source_ = AV_PIX_FMT_NONE;
    AVPixelFormat target_ = AV_PIX_FMT_NONE;
};

}  // namespace kine::codecs
