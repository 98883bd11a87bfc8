// One frame of 256 x 256 through the decoder of Stable Diffusion's VAE.
#include "apps/bench/random_model.h"
#include "apps/bench/report.h"

namespace kine::bench {

namespace {

constexpr int64_t kLatentSide = 32;

void run_decode(benchmark::State& state, const BenchSetup& setup, DType dtype) {
    Context context = setup.context;
    const dit::AutoencoderKlConfig config;
    Weights weights = random_weights(context, decoder_shapes(config));
    const dit::AutoencoderKlDecoder decoder(Scope(context, weights, dtype), config);
    weights.finish();
    const Tensor latents =
        random_tensor(context, {config.latent_channels, 1, kLatentSide, kLatentSide}, DType::Float32, 1);
    for (auto _ : state) {
        decoder.decode(context, latents, {}, {}, [](const Tensor& frames) { benchmark::DoNotOptimize(frames.raw()); });
    }
    report_rate(state, setup, decoder_flops(config, kLatentSide, kLatentSide), dtype);
}

}  // namespace

void register_vae(const BenchSetup& setup) {
    for (const DType dtype : {DType::Float32, DType::BFloat16}) {
        register_bench("vae/decode_256x256", dtype,
                       [&setup, dtype](benchmark::State& state) { run_decode(state, setup, dtype); });
    }
}

}  // namespace kine::bench
