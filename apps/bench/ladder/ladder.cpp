// Climbs the ladders on a GPU: the time of each rung, its share of what moving the bytes alone would take, and how much
// faster it is than the rung before. A rung whose results are not those of the last one ends it with an error.
//   ladder [cuda:N]
#include "apps/bench/bench_session.h"
#include "apps/bench/ladder/rungs.h"
#include "apps/bench/random_model.h"
#include "kernels/cuda/tensor_rows.h"
#include "runtime/device/cuda/stream.h"
#include "runtime/device/gpus.h"
#include "runtime/tensor/transfer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <span>
#include <vector>

namespace kine::bench {
namespace {

using kernels::cuda::NormArguments;
using kernels::cuda::TemporalArguments;

constexpr int kSamples = 15, kLaunches = 10;

/// Microseconds of one launch: the median of samples of several.
double time_of(const Context& context, const std::function<void()>& launch) {
    CudaEvent begin(context.device), end(context.device);
    std::vector<double> samples;
    for (int sample = -2; sample < kSamples; ++sample) {  // two that do not count
        begin.record(context.stream);
        for (int i = 0; i < kLaunches; ++i) launch();
        end.record(context.stream);
        end.synchronize();
        if (sample >= 0) samples.push_back(static_cast<double>(end.since(begin)) * 1e3 / kLaunches);
    }
    std::nth_element(samples.begin(), samples.begin() + kSamples / 2, samples.end());
    return samples[kSamples / 2];
}

double largest_difference(const Tensor& a, const Tensor& b) {
    const auto *x = a.data<BFloat16>(), *y = b.data<BFloat16>();
    float largest = 0;
    for (int64_t i = 0; i < a.elements(); ++i) largest = std::max(largest, std::abs(float{x[i]} - float{y[i]}));
    return static_cast<double>(largest);
}

/// One kernel at one size. `launch` writes `out`; `bytes` must be moved at least.
struct Ladder {
    std::string title;
    std::span<const Rung> rungs;
    std::function<void(size_t rung)> launch;
    Tensor out;
    double bytes;
};

/// What a copy of as many bytes takes is the floor.
double copy_rate(const Context& context) {
    const int64_t bytes = int64_t{256} << 20;
    const Tensor from = Tensor::empty(context, {bytes}, DType::UInt8),
                 to = Tensor::empty(context, {bytes}, DType::UInt8);
    const double time = time_of(
        context, [&] { copy_async(to.address<uint8_t>(), from.address<const uint8_t>(), bytes, context.stream); });
    return 2.0 * static_cast<double>(bytes) / time;
}

void climb(const Context& context, const Ladder& ladder, double bytes_per_microsecond) {
    const double floor = ladder.bytes / bytes_per_microsecond;
    fmt::print("{}; {:.1f} us at the rate of a copy\n", ladder.title, floor);
    ladder.launch(ladder.rungs.size() - 1);
    const Tensor wanted = to_host(context, ladder.out);
    double before = 0;
    for (size_t rung = 0; rung < ladder.rungs.size(); ++rung) {
        ladder.launch(rung);
        const double off = largest_difference(to_host(context, ladder.out), wanted);
        check(off <= 0.05, ErrorCode::Other, "{}, rung {}: {} off the last one", ladder.title, ladder.rungs[rung].name,
              off);
        const double time = time_of(context, [&] { ladder.launch(rung); });
        const std::string gain = rung == 0 ? "" : fmt::format("{:.2f} x", before / time);
        fmt::print("  {:<8} {:>9.1f} us {:>4.0f} % of the floor {:>8}   {}\n", ladder.rungs[rung].name, time,
                   100 * floor / time, gain, ladder.rungs[rung].step);
        before = time;
    }
}

/// Residual, gate, norm and modulation of Latte's tokens.
Ladder norm_ladder(const Context& context) {
    constexpr int64_t kRows = 16384, kWidth = 1152;
    const auto tokens = [&](uint64_t seed) { return random_tensor(context, {kRows, kWidth}, DType::BFloat16, seed); };
    const Tensor x = tokens(1), y = tokens(2), sum = tokens(3), out = tokens(4);
    const Tensor table = random_tensor(context, {3, kWidth}, DType::Float32, 5);
    NormArguments<BFloat16> norm;
    norm.x = x.address<const BFloat16>();
    norm.y = y.address<const BFloat16>();
    norm.sum = sum.address<BFloat16>();
    norm.out = out.address<BFloat16>();
    norm.gate = kernels::cuda::row_table(table.slice(0, 0, 1), kRows);
    norm.scale = kernels::cuda::row_table(table.slice(0, 1, 2), kRows);
    norm.shift = kernels::cuda::row_table(table.slice(0, 2, 3), kRows);
    norm.rows = kRows;
    norm.width = kWidth;
    norm.places.stride = kWidth;
    norm.eps = 1e-6f;
    const auto launch = [=, &context, held = std::vector{x, y, sum, table}](size_t rung) {
        launch_norm_rung(rung, norm, context.stream);
    };
    return {fmt::format("norm: {} x {} in bf16, with residual, gate and modulation", kRows, kWidth), kNormRungs, launch,
            out, 4.0 * static_cast<double>(x.bytes())};
}

/// Among the frames of packed projections [T, S, 3, H, D].
Ladder temporal_ladder(const Context& context) {
    constexpr int64_t kFrames = 16, kSites = 1024, kHeads = 16, kSize = kLadderHeadSize, kTokens = kHeads * kSize;
    const Tensor packed = random_tensor(context, {kFrames, kSites, 3 * kTokens}, DType::BFloat16, 6);
    const Tensor out = random_tensor(context, {kFrames, kSites, kTokens}, DType::BFloat16, 7);
    const TemporalArguments<BFloat16> all =
        over_frames(packed.address<const BFloat16>(), out.address<BFloat16>(), kFrames, kSites, kHeads);
    const auto launch = [=, &context, held = packed](size_t rung) { launch_temporal_rung(rung, all, context.stream); };
    return {fmt::format("attention: {} sites x {} frames, {} heads x {} in bf16", kSites, kFrames, kHeads, kSize),
            kTemporalRungs, launch, out, static_cast<double>(packed.bytes() + out.bytes())};
}

void climb_all(Device device) {
    const BenchSession session(1, device);
    const double rate = copy_rate(session.context);
    fmt::print("{}: a copy moves {:.0f} GB/s\n", describe(find_gpus().gpus.at(static_cast<size_t>(device.index))),
               rate / 1e3);
    for (const auto make : {norm_ladder, temporal_ladder}) climb(session.context, make(session.context), rate);
}

}  // namespace
}  // namespace kine::bench

int main(int argc, char** argv) {
    try {
        const kine::Device device = kine::parse_device(argc > 1 ? argv[1] : "cuda");
        kine::check(argc <= 2 && device.kind == kine::DeviceKind::Cuda, kine::ErrorCode::Usage,
                    "usage: ladder [cuda:N]");
        kine::bench::climb_all(device);
    } catch (const kine::Error& error) {
        fmt::print(stderr, "ladder: {}\n", error.what());
        return static_cast<int>(error.code());
    }
    return 0;
}
