#include "codecs/av/colour.h"

#include "runtime/error.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cstring>
#include <utility>

namespace kine::codecs {
namespace {

struct Side {
    AVPixelFormat format;
    AVColorSpace matrix = AVCOL_SPC_BT709;
    bool full_range = false;
    AVChromaLocation location = AVCHROMA_LOC_LEFT;
};

bool is_rgb(AVPixelFormat format) { return (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_RGB) != 0; }

bool has_alpha(AVPixelFormat format) {
    return format == AV_PIX_FMT_PAL8 || (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
}

/// swscale counts chroma positions in 1/256 of a luma pixel; only subsampled axes have one.
void set_location(SwsContext* scaler, const char* side, const Side& picture) {
    const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(picture.format);
    const bool left = picture.location == AVCHROMA_LOC_LEFT || picture.location == AVCHROMA_LOC_TOPLEFT;
    const bool top = picture.location == AVCHROMA_LOC_TOP || picture.location == AVCHROMA_LOC_TOPLEFT;
    const std::string name = side;
    if (format.log2_chroma_w == 1) av_opt_set_int(scaler, (name + "_h_chr_pos").c_str(), left ? 0 : 128, 0);
    if (format.log2_chroma_h == 1) av_opt_set_int(scaler, (name + "_v_chr_pos").c_str(), top ? 0 : 128, 0);
}

ScalerPointer make_scaler(RgbToVideo::Size size, const Side& from, const Side& to) {
    ScalerPointer scaler(sws_alloc_context());
    check(scaler != nullptr, ErrorCode::DoesNotFit, "no memory for a colour conversion");
    const std::pair<const char*, int64_t> options[] = {
        {"srcw", size.width},
        {"srch", size.height},
        {"dstw", size.width},
        {"dsth", size.height},
        {"src_format", from.format},
        {"dst_format", to.format},
        {"src_range", from.full_range},
        {"dst_range", to.full_range},
        {"sws_flags", SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP}};
    for (const auto& [name, value] : options) av_opt_set_int(scaler.get(), name, value, 0);
    set_location(scaler.get(), "src", from);
    set_location(scaler.get(), "dst", to);
    const int result = sws_init_context(scaler.get(), nullptr, nullptr);
    check(result >= 0, ErrorCode::Unsupported, "cannot convert {}x{} pictures from {} to {}: {}", size.width,
          size.height, av_get_pix_fmt_name(from.format), av_get_pix_fmt_name(to.format), av_reason(result));
    // Refused, and not needed, where both sides are RGB.
    sws_setColorspaceDetails(scaler.get(), sws_getCoefficients(from.matrix), from.full_range,
                             sws_getCoefficients(to.matrix), to.full_range, 0, 1 << 16, 1 << 16);
    return scaler;
}

/// JPEG's own formats mean "full range"; swscale wants that said apart.
AVPixelFormat without_range(AVPixelFormat format) {
    switch (format) {
        case AV_PIX_FMT_YUVJ420P:
            return AV_PIX_FMT_YUV420P;
        case AV_PIX_FMT_YUVJ422P:
            return AV_PIX_FMT_YUV422P;
        case AV_PIX_FMT_YUVJ444P:
            return AV_PIX_FMT_YUV444P;
        case AV_PIX_FMT_YUVJ440P:
            return AV_PIX_FMT_YUV440P;
        default:
            return format;
    }
}

Side side_of(const AVFrame& picture, AVColorSpace fallback) {
    const auto format = static_cast<AVPixelFormat>(picture.format);
    Side side{without_range(format)};
    side.matrix = picture.colorspace == AVCOL_SPC_UNSPECIFIED ? fallback : picture.colorspace;
    side.full_range = side.format != format || picture.color_range == AVCOL_RANGE_JPEG || is_rgb(format);
    if (picture.chroma_location != AVCHROMA_LOC_UNSPECIFIED) side.location = picture.chroma_location;
    return side;
}

/// RGBA rows, or RGB rows with padding, to tight RGB.
std::vector<uint8_t> tight_rgb(const AVFrame& picture, RgbToVideo::Size size) {
    const size_t row_bytes = static_cast<size_t>(size.width) * 3;
    std::vector<uint8_t> pixels(row_bytes * static_cast<size_t>(size.height));
    for (int y = 0; y < size.height; ++y) {
        const uint8_t* from = picture.data[0] + static_cast<ptrdiff_t>(y) * picture.linesize[0];
        uint8_t* to = pixels.data() + static_cast<size_t>(y) * row_bytes;
        if (picture.format == AV_PIX_FMT_RGB24) std::memcpy(to, from, row_bytes);
        for (int x = 0; x < size.width && picture.format == AV_PIX_FMT_RGBA; ++x, from += 4)
            for (int channel = 0; channel < 3; ++channel)
                *to++ = static_cast<uint8_t>((from[channel] * from[3] + 127) / 255);
    }
    return pixels;
}

void tag_picture(AVFrame& picture, const Frame& frame, AVChromaLocation location) {
    const bool rgb = is_rgb(static_cast<AVPixelFormat>(picture.format));
    picture.colorspace = rgb ? AVCOL_SPC_RGB : AVCOL_SPC_BT709;
    picture.color_primaries = AVCOL_PRI_BT709;
    picture.color_trc = AVCOL_TRC_BT709;
    picture.color_range = rgb ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    picture.chroma_location = location;
    picture.pts = frame.index;
}

/// Tight rows to rows of `stride` bytes; where `coded` is larger than `size`, the last column and row are repeated.
void copy_plane(const std::vector<uint8_t>& plane, RgbToVideo::Size size, RgbToVideo::Size coded, uint8_t* to,
                ptrdiff_t stride) {
    const auto bytes = static_cast<size_t>(size.width);
    for (int y = 0; y < coded.height; ++y, to += stride) {
        std::memcpy(to, plane.data() + static_cast<size_t>(std::min(y, size.height - 1)) * bytes, bytes);
        std::memset(to + bytes, to[bytes - 1], static_cast<size_t>(coded.width - size.width));
    }
}

/// U and V in turns, as NV12 has them.
void weave_planes(const std::vector<uint8_t>& u, const std::vector<uint8_t>& v, RgbToVideo::Size size, uint8_t* to,
                  ptrdiff_t stride) {
    size_t sample = 0;
    for (int y = 0; y < size.height; ++y, to += stride) {
        for (int x = 0; x < size.width; ++x, ++sample) {
            to[2 * x] = u[sample];
            to[2 * x + 1] = v[sample];
        }
    }
}

}  // namespace

void tag_colour(AVCodecContext& encoder) {
    const bool rgb = is_rgb(encoder.pix_fmt);
    encoder.colorspace = rgb ? AVCOL_SPC_RGB : AVCOL_SPC_BT709;
    encoder.color_primaries = AVCOL_PRI_BT709;
    encoder.color_trc = AVCOL_TRC_BT709;  // sRGB would be truer, but makes players and video sites convert once more
    encoder.color_range = rgb ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    encoder.chroma_sample_location = AVCHROMA_LOC_LEFT;
}

RgbToVideo::RgbToVideo(Size picture, Size coded, AVPixelFormat format, AVChromaLocation location)
    : picture_(picture), coded_(coded), format_(format), location_(location) {
    const Side from{AV_PIX_FMT_RGB24, AVCOL_SPC_BT709, true, location};
    scaler_ = make_scaler(coded, from, Side{format, AVCOL_SPC_BT709, is_rgb(format), location});
}

const uint8_t* RgbToVideo::padded(const Frame& frame) {
    if (coded_.width == picture_.width && coded_.height == picture_.height) return frame.plane(0).data();
    const size_t from_bytes = static_cast<size_t>(picture_.width) * 3;
    const size_t to_bytes = static_cast<size_t>(coded_.width) * 3;
    padding_.resize(to_bytes * static_cast<size_t>(coded_.height));
    for (int y = 0; y < coded_.height; ++y) {
        const auto row = static_cast<size_t>(std::min(y, picture_.height - 1));
        const uint8_t* from = frame.plane(0).data() + row * from_bytes;
        uint8_t* to = padding_.data() + static_cast<size_t>(y) * to_bytes;
        std::memcpy(to, from, from_bytes);
        for (size_t at = from_bytes; at < to_bytes; at += 3) std::memcpy(to + at, from + from_bytes - 3, 3);
    }
    return padding_.data();
}

FramePointer RgbToVideo::operator()(const Frame& frame) {
    FramePointer picture = make_frame(format_, coded_.width, coded_.height);
    const uint8_t* const planes[] = {padded(frame)};
    const int strides[] = {coded_.width * 3};
    sws_scale(scaler_.get(), planes, strides, 0, coded_.height, picture->data, picture->linesize);
    tag_picture(*picture, frame, location_);
    return picture;
}

bool YuvToVideo::suits(const AVCodecContext& encoder) {
    const bool is_420 = encoder.pix_fmt == AV_PIX_FMT_YUV420P || encoder.pix_fmt == AV_PIX_FMT_NV12;
    return is_420 && encoder.chroma_sample_location == AVCHROMA_LOC_LEFT;
}

FramePointer YuvToVideo::operator()(const Frame& frame) const {
    FramePointer picture = make_frame(format_, coded_.width, coded_.height);
    copy_plane(frame.plane(0), {frame.width(), frame.height()}, coded_, picture->data[0], picture->linesize[0]);
    const Size chroma = {coded_.width / 2, coded_.height / 2};
    if (format_ == AV_PIX_FMT_NV12) {
        weave_planes(frame.plane(1), frame.plane(2), chroma, picture->data[1], picture->linesize[1]);
    } else {
        for (int plane = 1; plane <= 2; ++plane)
            copy_plane(frame.plane(plane), chroma, chroma, picture->data[plane], picture->linesize[plane]);
    }
    tag_picture(*picture, frame, AVCHROMA_LOC_LEFT);
    return picture;
}

AVColorSpace assumed_matrix(AVCodecID codec, int height) {
    if (codec == AV_CODEC_ID_MJPEG) return AVCOL_SPC_BT470BG;                    // JFIF
    if (codec == AV_CODEC_ID_RAWVIDEO || height >= 720) return AVCOL_SPC_BT709;  // Y4M of ours cannot say it
    return AVCOL_SPC_BT470BG;
}

void VideoToRgb::prepare(const AVFrame& picture, AVColorSpace fallback) {
    const Side side = side_of(picture, fallback);
    target_ = has_alpha(side.format) ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
    source_ = static_cast<AVPixelFormat>(picture.format);
    scaler_ = make_scaler({picture.width, picture.height}, side, Side{target_, AVCOL_SPC_BT709, true, side.location});
}

Frame VideoToRgb::operator()(const AVFrame& picture, RgbToVideo::Size size, AVColorSpace fallback) {
    if (source_ != picture.format) prepare(picture, fallback);
    const FramePointer rgb = make_frame(target_, picture.width, picture.height);
    sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, rgb->data, rgb->linesize);
    return Frame(PixelFormat::Rgb24, size.width, size.height, {tight_rgb(*rgb, size)});
}

}  // namespace kine::codecs
