#include "apps/bench/frames.h"

#include "codecs/pump.h"
#include "kernels/elementwise/elementwise.h"

#include <chrono>

namespace kine::bench {

namespace {

constexpr size_t kQueueCapacity = 4;

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// pixels u8 [Y, X, 3].
Frame to_frame(const Tensor& pixels, int64_t index) {
    const auto* begin = reinterpret_cast<const uint8_t*>(pixels.raw());
    Frame frame(PixelFormat::Rgb24, static_cast<int>(pixels.dim(1)), static_cast<int>(pixels.dim(0)),
                {std::vector<uint8_t>(begin, begin + pixels.bytes())});
    frame.index = index;
    return frame;
}

void push_frames(const Context& context, const Tensor& frames, FrameQueue& queue, int64_t& pushed) {
    const Tensor pixels = kernels::quantize_rgb(context, frames);
    for (int64_t i = 0; i < pixels.dim(0); ++i) queue.push(to_frame(pixels.select(0, i), pushed++));
}

VideoInfo info_of(const dit::FrameDecoder& decoder, const Tensor& latents) {
    VideoInfo info;
    info.width = static_cast<int>(latents.dim(3) * decoder.spatial_factor());
    info.height = static_cast<int>(latents.dim(2) * decoder.spatial_factor());
    info.frames = decoder.frames_of(latents.dim(1));
    return info;
}

}  // namespace

double decode_only(const Context& context, const dit::FrameDecoder& decoder, const Tensor& latents) {
    const auto begin = std::chrono::steady_clock::now();
    decoder.decode(context, latents, {}, {}, [&](const Tensor& frames) { kernels::quantize_rgb(context, frames); });
    return seconds_since(begin);
}

VideoTimes decode_and_encode(const Context& context, const dit::FrameDecoder& decoder, const Tensor& latents,
                             const std::filesystem::path& file) {
    const auto begin = std::chrono::steady_clock::now();
    FrameQueue queue(kQueueCapacity);
    codecs::SinkOptions options;
    options.overwrite = true;
    std::vector<std::unique_ptr<codecs::Sink>> sinks;
    sinks.push_back(codecs::open_sink(file.string(), info_of(decoder, latents), options));
    codecs::Pump pump(queue, std::move(sinks), context.profiler);
    int64_t pushed = 0;
    decoder.decode(context, latents, {}, {},
                   [&](const Tensor& frames) { push_frames(context, frames, queue, pushed); });
    VideoTimes times;
    times.decode_seconds = seconds_since(begin);
    queue.close();
    pump.finish();
    times.total_seconds = seconds_since(begin);
    times.file_bytes = static_cast<int64_t>(std::filesystem::file_size(file));
    return times;
}

}  // namespace kine::bench
