#include "codecs/av/encoders.h"

#include "codecs/av/colour.h"
#include "codecs/words.h"
#include "runtime/error.h"

extern "C" {
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <fmt/ranges.h>

#include <algorithm>

namespace kine::codecs {
namespace {

constexpr std::string_view kX26xPresets =
    "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo";

// In hardware, of GPUs that have the engine (not the H100 and H200). Not run on a device. Constant quality, and no
// frame kept back.
constexpr std::string_view kNvencPresets = "p1 p2 p3 p4 p5 p6 p7";
constexpr std::string_view kNvencOptions = "rc=vbr:b=0:bf=0:delay=0";

// x265 writes its log to standard error by itself, hence its option. SVT-AV1 does so too, and only the environment
// variable SVT_LOG can quiet it. Frames that an encoder still looks at are lost by a kill: set_look_ahead bounds them.
constexpr EncoderKind kEncoders[] = {
    {"libx264", "crf", 51, "18", "preset", kX26xPresets, "medium", ""},
    {"libx265", "crf", 51, "20", "preset", kX26xPresets, "medium", ""},
    {"h264_nvenc", "cq", 51, "20", "preset", kNvencPresets, "p5", kNvencOptions},
    {"hevc_nvenc", "cq", 51, "22", "preset", kNvencPresets, "p5", kNvencOptions},
    {"libsvtav1", "crf", 63, "28", "preset", "0 1 2 3 4 5 6 7 8 9 10 11 12 13", "8", ""},
    {"libaom-av1", "crf", 63, "24", "cpu-used", "0 1 2 3 4 5 6 7 8", "6", ""},
    {"libvpx-vp9", "crf", 63, "24", "cpu-used", "0 1 2 3 4 5 6 7 8", "4", "deadline=good"},
    {"ffv1", "", 0, "", "", "", "", "level=3:slices=4:slicecrc=1"},
    {"gif", "", 0, "", "", "", "", ""},
};

/// x264 and x265 give other files for another number of threads, so their "all processors" would not be reproducible.
constexpr int kDefaultThreads = 2;

AVPixelFormat default_format(const EncoderKind& kind) {
    return kind.name == "gif" ? AV_PIX_FMT_PAL8 : AV_PIX_FMT_YUV420P;
}

std::vector<std::string> format_names(const AVCodec& codec) {
    std::vector<std::string> names;
    for (const AVPixelFormat* format = codec.pix_fmts; format && *format != AV_PIX_FMT_NONE; ++format)
        names.emplace_back(av_get_pix_fmt_name(*format));
    return names;
}

AVPixelFormat choose_format(const EncoderKind& kind, const AVCodec& codec, const std::string& wanted) {
    if (wanted.empty()) return default_format(kind);
    const std::vector<std::string> known = kind.name == "gif" ? std::vector<std::string>{"pal8"} : format_names(codec);
    check(std::find(known.begin(), known.end(), wanted) != known.end(), ErrorCode::Usage,
          "pixel_format is '{}', {} takes {}", wanted, kind.name, fmt::join(known, ", "));
    return av_get_pix_fmt(wanted.c_str());
}

std::string choose_crf(const EncoderKind& kind, const std::optional<int64_t>& wanted) {
    if (!wanted) return std::string(kind.crf);
    check(!kind.crf_option.empty(), ErrorCode::Usage, "crf is {}, but {} has no constant rate factor", *wanted,
          kind.name);
    check(*wanted >= 0 && *wanted <= kind.largest_crf, ErrorCode::Usage, "crf is {}, {} takes 0 to {}", *wanted,
          kind.name, kind.largest_crf);
    return std::to_string(*wanted);
}

std::string choose_preset(const EncoderKind& kind, const std::string& wanted) {
    if (wanted.empty()) return std::string(kind.preset);
    check(!kind.presets.empty(), ErrorCode::Usage, "preset is '{}', but {} has no presets", wanted, kind.name);
    check(contains_word(kind.presets, wanted), ErrorCode::Usage, "preset is '{}', {} takes {}", wanted, kind.name,
          kind.presets);
    return wanted;
}

int choose_threads(int64_t wanted) {
    check(wanted >= 0 && wanted <= 64, ErrorCode::Usage, "encoder_threads is {}, expected 0 to 64", wanted);
    return wanted == 0 ? kDefaultThreads : static_cast<int>(wanted);
}

/// Without AVX-512: there x264 (core 164) gives other bytes for the same frames when a process encodes them again.
constexpr std::string_view kReproducibleX264 = "MMX2,SSE2Fast,SSSE3,SSE4.2,LZCNT,AVX,FMA3,BMI2,AVX2";

/// Half a second of frames, within what each encoder takes: a kill loses them, and a stream waits for them. Without
/// sync-lookahead=0 a thread of x264's own holds four more.
void set_look_ahead(Options& dictionary, const EncoderRequest& request, int threads) {
    const int half_second = frames_per_second(request.info) / 2;
    const std::string_view name = request.kind.name;
    if (name == "libx264") {
        dictionary.set("rc-lookahead", std::to_string(std::clamp(half_second, 1, 40)));
        dictionary.set("x264-params", fmt::format("sync-lookahead=0:asm={}", kReproducibleX264));
    }
    if (name == "libx265")  // more than its four B frames
        dictionary.set("x265-params", fmt::format("log-level=none:pools={0}:frame-threads={0}:rc-lookahead={1}",
                                                  std::min(threads, 16), std::clamp(half_second, 5, 20)));
    if (name == "libvpx-vp9" || name == "libaom-av1")
        dictionary.set("lag-in-frames", std::to_string(std::clamp(half_second, 4, 16)));
}

void set_options(Options& dictionary, const EncoderRequest& request, int threads) {
    const EncoderKind& kind = request.kind;
    dictionary.parse(std::string(kind.options));
    if (const std::string crf = choose_crf(kind, request.options.crf); !crf.empty())
        dictionary.set(std::string(kind.crf_option), crf);
    const std::string preset = choose_preset(kind, request.options.preset);
    if (!preset.empty()) dictionary.set(std::string(kind.preset_option), preset);
    set_look_ahead(dictionary, request, threads);
}

/// libav's reason for a missing driver is "Operation not permitted".
std::string_view hint_for(const EncoderKind& kind) {
    return kind.name.ends_with("_nvenc") ? " (it needs an NVIDIA driver and a GPU with a video encoder)" : "";
}

void set_timing(AVCodecContext& encoder, const VideoInfo& info) {
    encoder.framerate = AVRational{static_cast<int>(info.fps.num), static_cast<int>(info.fps.den)};
    encoder.time_base = av_inv_q(encoder.framerate);
    encoder.gop_size = encoder.codec_id == AV_CODEC_ID_FFV1 ? 1 : frames_per_second(info);
    encoder.sample_aspect_ratio = AVRational{1, 1};
}

}  // namespace

const EncoderKind& find_encoder(std::string_view name, std::string_view allowed, std::string_view container) {
    std::vector<std::string_view> known;
    for (const EncoderKind& kind : kEncoders) {
        const bool usable = contains_word(allowed, kind.name) &&
                            avcodec_find_encoder_by_name(std::string(kind.name).c_str()) != nullptr;
        if (usable && kind.name == name) return kind;
        if (usable) known.push_back(kind.name);
    }
    fail(ErrorCode::Usage, "video_codec is '{}', {} takes {}", name, container, fmt::join(known, ", "));
}

int frames_per_second(const VideoInfo& info) {
    return static_cast<int>(std::clamp<int64_t>((info.fps.num + info.fps.den / 2) / info.fps.den, 1, 1000));
}

CodedSize coded_size(const VideoInfo& info, AVPixelFormat format) {
    const AVPixFmtDescriptor& layout = *av_pix_fmt_desc_get(format);
    const auto even = [](int size, bool needed) { return needed ? (size + 1) / 2 * 2 : size; };
    return {even(info.width, layout.log2_chroma_w > 0), even(info.height, layout.log2_chroma_h > 0)};
}

CodecPointer open_encoder(const EncoderRequest& request) {
    const EncoderKind& kind = request.kind;
    const AVCodec* codec = avcodec_find_encoder_by_name(std::string(kind.name).c_str());
    CodecPointer encoder = make_codec(codec);
    encoder->pix_fmt = choose_format(kind, *codec, request.options.pixel_format);
    const CodedSize size = coded_size(request.info, encoder->pix_fmt);
    encoder->width = size.width;
    encoder->height = size.height;
    encoder->thread_count = choose_threads(request.options.encoder_threads);
    encoder->flags |= AV_CODEC_FLAG_BITEXACT | (request.global_header ? AV_CODEC_FLAG_GLOBAL_HEADER : 0);
    set_timing(*encoder, request.info);
    if (encoder->pix_fmt != AV_PIX_FMT_PAL8) tag_colour(*encoder);
    Options options;
    set_options(options, request, encoder->thread_count);
    const int result = avcodec_open2(encoder.get(), codec, options.get());
    const ErrorCode code = kind.name.ends_with("_nvenc") ? ErrorCode::Device
                           : result == AVERROR(EINVAL)   ? ErrorCode::Usage
                                                         : ErrorCode::Output;
    check(result >= 0, code, "{} cannot encode {}x{} {} at {} frames/s{}: {}", kind.name, size.width, size.height,
          av_get_pix_fmt_name(encoder->pix_fmt), to_string(request.info.fps), hint_for(kind), av_reason(result));
    options.expect_all_taken(std::string(kind.name));
    return encoder;
}

void release_unused(AVCodecContext& encoder) noexcept {
    if (std::string_view(encoder.codec->name) != "libsvtav1") return;
    const FramePointer picture(av_frame_alloc());
    if (picture == nullptr) return;
    picture->format = encoder.pix_fmt;
    picture->width = encoder.width;
    picture->height = encoder.height;
    if (av_frame_get_buffer(picture.get(), 0) >= 0) avcodec_send_frame(&encoder, picture.get());
}

}  // namespace kine::codecs
