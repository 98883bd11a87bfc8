// Attention of a Latte block, on packed projections [B, T, S, 3C] as the block has them: over the 256 patches of 16
// frames, and over the 16 frames of 256 patches.
#include "apps/bench/random_model.h"
#include "apps/bench/report.h"
#include "kernels/attention/attention.h"

namespace kine::bench {

namespace {

constexpr int64_t kFrames = 16;
constexpr int64_t kPatches = 256;
constexpr int64_t kHeads = 16;
constexpr int64_t kHeadSize = 72;
constexpr int64_t kChannels = kHeads * kHeadSize;

enum class Attended { Patches, Frames };

Tensor heads(const Tensor& packed, int64_t part, Attended attended) {
    const Tensor view = packed.slice(3, part * kChannels, (part + 1) * kChannels).split(3, kHeads);
    return attended == Attended::Frames ? view.transpose(1, 2) : view;
}

void run_attention(benchmark::State& state, const BenchSetup& setup, Attended attended, DType dtype) {
    const Tensor packed = random_tensor(setup.context, {1, kFrames, kPatches, 3 * kChannels}, dtype, 1);
    Tensor mixed = Tensor::empty(setup.context, {1, kFrames, kPatches, kChannels}, dtype);
    Tensor out = heads(mixed, 0, attended);
    const Tensor q = heads(packed, 0, attended);
    const Tensor k = heads(packed, 1, attended);
    const Tensor v = heads(packed, 2, attended);
    for (auto _ : state) {
        kernels::attention_into(setup.context, q, k, v, out);
        benchmark::ClobberMemory();
    }
    const int64_t keys = attended == Attended::Frames ? kFrames : kPatches;
    report_rate(state, setup, 4.0 * static_cast<double>(kFrames * kPatches * keys * kChannels), dtype);
}

}  // namespace

void register_attention(const BenchSetup& setup) {
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        register_bench("attention/temporal_256x16", dtype, [&setup, dtype](benchmark::State& state) {
            run_attention(state, setup, Attended::Frames, dtype);
        });
        register_bench("attention/spatial_16x256", dtype, [&setup, dtype](benchmark::State& state) {
            run_attention(state, setup, Attended::Patches, dtype);
        });
    }
}

}  // namespace kine::bench
