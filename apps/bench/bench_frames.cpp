// From a decoded picture to what an encoder stores, by either format of frames, in turns: Rgb24, which swscale converts
// on the writing thread, and Yuv420p, which the op converts where the decoder runs. `bench_frames cuda` on a GPU, where
// the copy to the host is in it; not run on one yet.
#include "apps/bench/bench_session.h"
#include "apps/bench/processor_time.h"
#include "apps/bench/random_model.h"
#include "codecs/sink.h"
#include "kernels/color/color.h"
#include "runtime/tensor/staging.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <exception>

namespace {

using namespace kine;

constexpr int kRounds = 41;

struct Times {
    std::vector<double> wall;
    std::vector<double> processor;  // of all threads
};

double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::unique_ptr<codecs::Sink> open_nowhere(int width, int height) {
    codecs::SinkOptions options;
    options.container = "y4m";
    return codecs::open_sink("/dev/null", {width, height, {24, 1}, 0, {}}, options);
}

class Route {
  public:
    Route(const Context& context, PixelFormat format, const Tensor& picture)
        : context_(context), format_(format), picture_(picture), sink_(open_nowhere(width(), height())) {}

    void measure() {
        const double wall = wall_seconds(), processor = bench::processor_seconds();
        const Tensor bytes = staging_.to_host(context_, kernels::to_frames(context_, picture_, format_));
        sink_->write(Frame::of_bytes(format_, width(), height(), bytes.data<uint8_t>()));
        times_.wall.push_back(wall_seconds() - wall);
        times_.processor.push_back(bench::processor_seconds() - processor);
    }

    std::string report() {
        return fmt::format("{} {:.2f} ms ({:.2f} of processors)", name_of(format_), median(times_.wall),
                           median(times_.processor));
    }

  private:
    int height() const { return static_cast<int>(picture_.dim(1)); }
    int width() const { return static_cast<int>(picture_.dim(2)); }
    static double median(std::vector<double>& seconds) {
        std::ranges::sort(seconds);
        return 1e3 * seconds[seconds.size() / 2];
    }

    const Context& context_;
    PixelFormat format_;
    Tensor picture_;
    std::unique_ptr<codecs::Sink> sink_;
    Staging staging_;
    Times times_;
};

void measure(const Context& context, int width, int height) {
    const Tensor picture =
        to_device(context, bench::random_tensor(context.host(), {1, height, width, 3}, DType::Float32, 1, 0.5f));
    Route rgb(context, PixelFormat::Rgb24, picture), yuv(context, PixelFormat::Yuv420p, picture);
    for (int round = 0; round < kRounds; ++round) {
        rgb.measure();
        yuv.measure();
    }
    fmt::print("{}x{}: a frame by {}, by {}\n", width, height, rgb.report(), yuv.report());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::BenchSession session(0, parse_device(argc > 1 ? argv[1] : "cpu"));
        measure(session.context, 832, 480);
        measure(session.context, 1280, 720);
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_frames: {}\n", error.what());
        return 1;
    }
    return 0;
}
