// Frames are never all in memory: decodes and encodes N and then 10 N latent frames, each in a process of its own, and
// compares the peaks that the system saw. Exit status 1 if the longer video needs more than 5 % beyond its latents.
#include "apps/bench/bench_session.h"
#include "apps/bench/frames.h"
#include "apps/bench/measured_rates.h"
#include "apps/bench/random_model.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>

namespace {

using namespace kine;

constexpr int64_t kFrames = 16;  // enough to fill the encoder, which holds about ten back to look ahead and reorder
constexpr int64_t kLongerBy = 10;
constexpr int64_t kLatentRows = 32;
constexpr int64_t kLatentColumns = 48;
constexpr double kAllowedGrowth = 0.05;

/// Small enough for 160 frames in a minute on two processors.
dit::AutoencoderKlConfig small_autoencoder() {
    dit::AutoencoderKlConfig config;
    config.block_out_channels = {16, 32, 32, 32};
    config.layers_per_block = 1;
    config.norm_num_groups = 8;
    return config;
}

void make_video(int64_t latent_frames) {
    bench::BenchSession session;
    const dit::AutoencoderKlConfig config = small_autoencoder();
    Weights weights = bench::random_weights(session.context, bench::decoder_shapes(config));
    const dit::AutoencoderKlDecoder decoder(Scope(session.context, weights, DType::Float32), config);
    weights.finish();
    const Tensor latents =
        bench::moving_waves(session.context, {config.latent_channels, latent_frames, kLatentRows, kLatentColumns});
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / fmt::format("kine_bench_memory_{}.mp4", getpid());
    bench::decode_and_encode(session.context, decoder, latents, file);
    std::filesystem::remove(file);
}

/// Peak resident bytes of a child that runs `action`; 0 if it failed.
int64_t peak_of_child(const std::function<void()>& action) {
    const pid_t child = fork();
    if (child == 0) {
        try {
            action();
            std::_Exit(0);
        } catch (const std::exception& error) {
            fmt::print(stderr, "bench_memory: {}\n", error.what());
            std::_Exit(1);
        }
    }
    int status = 0;
    rusage usage = {};
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) return 0;
    return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace

int main() {
    const int64_t brief = peak_of_child([] { make_video(kFrames); });
    const int64_t lengthy = peak_of_child([] { make_video(kFrames * kLongerBy); });
    if (brief == 0 || lengthy == 0) return 1;
    const int64_t latent_bytes = small_autoencoder().latent_channels * kLatentRows * kLatentColumns * 4;
    const int64_t more_latents = kFrames * (kLongerBy - 1) * latent_bytes;
    const double growth = static_cast<double>(lengthy - more_latents) / static_cast<double>(brief) - 1;
    const bool is_flat = growth <= kAllowedGrowth;
    fmt::print(
        "{{\"processor\": \"{}\", \"frames\": [{}, {}], \"peak_bytes\": [{}, {}], \"more_latent_bytes\": {}, "
        "\"growth_beyond_latents\": {:.4f}, \"allowed\": {}, \"ok\": {}}}\n",
        bench::processor_name(), kFrames, kFrames * kLongerBy, brief, lengthy, more_latents, growth, kAllowedGrowth,
        is_flat);
    return is_flat ? 0 : 1;
}
