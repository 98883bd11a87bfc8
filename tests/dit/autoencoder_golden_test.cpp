// The decoder against the pictures that the reference implementation made, wherever golden cases lie.
#include "dit/vae/autoencoder_kl.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "runtime/io/json.h"
#include "tests/support/expect_close.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace kine::dit {

namespace {

namespace fs = std::filesystem;

constexpr double kNoiseFactor = 8;  // of the reference's own float32 noise

std::vector<fs::path> golden_folders() {
    const char* named = std::getenv("KINE_GOLDENS");
    std::istringstream list(named ? named : "");
    std::vector<fs::path> folders = {source_tree() / "tests" / "golden"};
    for (std::string folder; std::getline(list, folder, ':');) folders.emplace_back(folder);
    return folders;
}

bool has_autoencoder_kl(const fs::path& folder) {
    const fs::path config = folder / "model/vae/config.json";
    if (!fs::exists(folder / "case.json") || !fs::exists(config)) return false;
    return read_json(config).value("_class_name", "") == "AutoencoderKL";
}

std::vector<fs::path> golden_cases() {
    std::vector<fs::path> cases;
    for (const fs::path& folder : golden_folders()) {
        if (!fs::is_directory(folder)) continue;
        for (const auto& entry : fs::directory_iterator(folder)) {
            if (has_autoencoder_kl(entry.path())) cases.push_back(entry.path());
        }
    }
    std::sort(cases.begin(), cases.end());
    return cases;
}

struct GoldenCase {
    explicit GoldenCase(const fs::path& path)
        : folder(path),
          facts(read_json(path / "case.json")),
          tensors(SafetensorsFile::open(path / "tensors.safetensors")) {}

    /// What was decoded: given as such, or what the last step left.
    Tensor latents() const {
        if (tensors.contains("decode/latents")) return tensors.tensor("decode/latents");
        std::string last;
        for (const auto& [name, entry] : tensors.entries()) {
            if (name.starts_with("denoise/step_") && name.ends_with("/latents")) last = name;
        }
        return tensors.tensor(last);
    }
    double allowed() const { return kNoiseFactor * facts["float32_noise"]["decode/video"].get<double>(); }

    fs::path folder;
    Json facts;
    SafetensorsFile tensors;
};

std::unique_ptr<FrameDecoder> open_decoder(Context& context, const fs::path& folder, DType dtype) {
    const fs::path vae = folder / "model/vae";
    const AutoencoderKlConfig config = AutoencoderKlConfig::from_json(read_json(vae / "config.json"), vae.string());
    Weights weights = Weights::open_component(vae, {"diffusion_pytorch_model"});
    auto decoder = std::make_unique<AutoencoderKlDecoder>(Scope(context, weights, dtype), config);
    weights.finish();
    return decoder;
}

/// [F, Y, X, 3]
Tensor decode_case(const Context& context, const FrameDecoder& decoder, const GoldenCase& golden) {
    std::vector<Tensor> parts;
    decoder.decode(context, golden.latents(), {}, {}, [&](const Tensor& frames) { parts.push_back(frames); });
    return kernels::concat(context, parts, 0);
}

double largest_difference(const Tensor& got, const Tensor& want) {
    const std::vector<double> a = to_doubles(got);
    const std::vector<double> b = to_doubles(want);
    double largest = a.size() == b.size() ? 0 : INFINITY;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

/// Bytes that differ although the reference's own value is further from the border between two levels than `allowed`.
int64_t unexplained_bytes(const Tensor& got, const Tensor& want, const Tensor& video, double allowed) {
    const std::vector<double> a = to_doubles(got);
    const std::vector<double> b = to_doubles(want);
    const std::vector<double> exact = to_doubles(video);
    int64_t count = 0;
    for (size_t i = 0; i < b.size(); ++i) {
        const double border = std::floor(255 * exact[i]) + 0.5;
        const bool is_near_border = std::abs(255 * exact[i] - border) <= 255 * allowed;
        count += a[i] != b[i] && !(is_near_border && std::abs(a[i] - b[i]) == 1);
    }
    return count;
}

}  // namespace

TEST(AutoencoderKlGolden, DecodesThePicturesOfTheReference) {
    const std::vector<fs::path> cases = golden_cases();
    if (cases.empty()) GTEST_SKIP() << "no golden case with an AutoencoderKL under KINE_GOLDENS or tests/golden";
    TestContext test;
    for (const fs::path& folder : cases) {
        const GoldenCase golden(folder);
        const auto decoder = open_decoder(test.context, folder, DType::Float32);
        const Tensor frames = decode_case(test.context, *decoder, golden);
        const Tensor video = golden.tensors.tensor("decode/video").transpose(1, 2).transpose(2, 3);  // [F, Y, X, 3]
        EXPECT_LE(largest_difference(frames, video), golden.allowed()) << folder;
        const Tensor bytes = golden.tensors.tensor("decode/frames");
        EXPECT_EQ(unexplained_bytes(kernels::quantize_rgb(test.context, frames), bytes, video, golden.allowed()), 0);
        const Tensor pixels = kernels::contiguous(test.context, video);
        EXPECT_EQ(largest_difference(kernels::quantize_rgb(test.context, pixels), bytes), 0) << folder;
    }
}

TEST(AutoencoderKlGolden, StaysCloseToTheReferenceInHalfPrecision) {
    const std::vector<fs::path> cases = golden_cases();
    if (cases.empty()) GTEST_SKIP() << "no golden case with an AutoencoderKL under KINE_GOLDENS or tests/golden";
    TestContext test;
    for (const fs::path& folder : cases) {
        const GoldenCase golden(folder);
        const auto decoder = open_decoder(test.context, folder, DType::BFloat16);
        const Tensor frames = decode_case(test.context, *decoder, golden);
        const Tensor video = golden.tensors.tensor("decode/video").transpose(1, 2).transpose(2, 3);
        // Random weights of unit gain hold bf16's 2^-9 a layer to a few 8-bit levels; a wrong layer is off by dozens.
        EXPECT_LE(largest_difference(frames, video), 0.05) << folder;
    }
}

}  // namespace kine::dit
