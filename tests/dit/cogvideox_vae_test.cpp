// The VAE whose clips are part of the model: the reference's frames, in memory that does not grow.
#include "dit/families/families.h"
#include "dit/families/family.h"
#include "dit/vae/autoencoder_cogvideox.h"
#include "dit/vae/cogvideox_blocks.h"
#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/random.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

class CogVideoXVae : public testing::Test {
  protected:
    Tensor latents(int64_t frames) {
        return random_tensor(bundle.context, {model->decoder->latent_channels(), frames, 3, 4}, DType::Float32, 3);
    }
    std::vector<Tensor> clips(const Tensor& z, const DecodeOptions& options) {
        std::vector<Tensor> result;
        model->decoder->decode(bundle.context, z, options, {}, [&](const Tensor& frames) { result.push_back(frames); });
        return result;
    }
    Tensor decode(const Tensor& z, const DecodeOptions& options) {
        return kernels::concat(bundle.context, clips(z, options), 0);
    }
    int64_t peak_beyond_result(int64_t frames, const DecodeOptions& options) {
        const Tensor z = latents(frames);
        bundle.allocator.reset_peak();
        const int64_t before = bundle.allocator.peak_bytes();
        model->decoder->decode(bundle.context, z, options, {}, [](const Tensor&) {});
        return bundle.allocator.peak_bytes() - before;
    }

    TestContext bundle{1};  // how much scratch threads hold at once is a matter of timing
    std::unique_ptr<Model> model =
        load_model(bundle.context, diffusers_source(source_tree() / "tests" / "golden" / "cogvideox_2b" / "model"),
                   DType::Float32);
};

TEST_F(CogVideoXVae, SendsFramesClipByClipAnOddLatentWithTheFirst) {
    const auto sizes = [&](int64_t frames) {
        std::vector<int64_t> result;
        for (const Tensor& clip : clips(latents(frames), {})) result.push_back(clip.dim(0));
        return result;
    };
    EXPECT_EQ(sizes(1), std::vector<int64_t>({1}));
    EXPECT_EQ(sizes(2), std::vector<int64_t>({8}));
    EXPECT_EQ(sizes(3), std::vector<int64_t>({9}));
    EXPECT_EQ(sizes(4), std::vector<int64_t>({8, 8}));
    EXPECT_EQ(sizes(7), std::vector<int64_t>({9, 8, 8}));
}

TEST_F(CogVideoXVae, PromisesTheFramesThatItSends) {
    for (const int64_t frames : {1, 2, 4, 5}) {
        const int64_t promised = model->decoder->frames_of(frames);
        EXPECT_EQ(decode(latents(frames), {}).dim(0), promised);
        EXPECT_EQ(model->decoder->latent_frames_of(promised), frames);
    }
}

TEST_F(CogVideoXVae, GivesTheSameBitsWhateverTheChunk) {
    const Tensor z = latents(4);
    const Tensor whole = decode(z, {});
    for (const int64_t chunk : {1, 3, 4}) EXPECT_TRUE(same_bits(decode(z, {.chunk = chunk}), whole)) << chunk;
}

/// What comes later changes nothing before it, and what came before is remembered.
TEST_F(CogVideoXVae, LooksBackAndNeverAhead) {
    const Tensor z = latents(4);
    const Tensor whole = decode(z, {});
    const Tensor begun = decode(kernels::contiguous(bundle.context, z.slice(1, 0, 2)), {});
    EXPECT_TRUE(same_bits(kernels::contiguous(bundle.context, whole.slice(0, 0, 8)), begun));
    const Tensor anew = decode(kernels::contiguous(bundle.context, z.slice(1, 2, 4)), {});
    EXPECT_FALSE(same_bits(kernels::contiguous(bundle.context, whole.slice(0, 8, 16)), anew));
}

TEST_F(CogVideoXVae, GivesTheSameBitsOnAnyNumberOfThreads) {
    const Tensor z = latents(3);
    const Tensor alone = decode(z, {});
    TestContext many{3};
    Tensor shared;
    model->decoder->decode(many.context, z, {}, {}, [&](const Tensor& frames) { shared = frames; });
    EXPECT_TRUE(same_bits(shared, alone));
}

TEST_F(CogVideoXVae, NeedsNoMoreMemoryForALongerVideo) {
    for (const DecodeOptions& options : {DecodeOptions{}, DecodeOptions{.tile = 3}}) {
        const int64_t of_five = peak_beyond_result(5, options);
        EXPECT_EQ(peak_beyond_result(9, options), of_five);
        EXPECT_LE(of_five, model->decoder->working_bytes(3, 4, options));
    }
}

/// Scratch of one thread, 320 KiB, is most of so small a clip.
TEST_F(CogVideoXVae, PricesItsMemoryWithoutMuchMargin) {
    const int64_t priced = model->decoder->working_bytes(3, 4, {}) - (320 << 10);
    EXPECT_LE(priced, 2 * peak_beyond_result(5, {}));
}

TEST_F(CogVideoXVae, DecodesInTilesWhatItDecodesWhole) {
    const Tensor z = latents(3);
    EXPECT_TRUE(same_bits(decode(z, {.tile = 6}), decode(z, {})));
    const Tensor tiled = decode(z, {.tile = 3});
    EXPECT_EQ(tiled.shape(), decode(z, {}).shape());
    EXPECT_TRUE(same_bits(decode(z, {.tile = 3}), tiled));
}

TEST_F(CogVideoXVae, StopsBetweenLayers) {
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(model->decoder->decode(bundle.context, latents(2), {}, stop.get_token(), [](const Tensor&) {}), Error);
}

TEST(CogVideoXVaeFrames, ComeFromTheLatentFrameThatGrewThem) {
    EXPECT_EQ(latent_frames(1, 1), std::vector<int64_t>({0}));
    EXPECT_EQ(latent_frames(5, 3), std::vector<int64_t>({0, 1, 1, 2, 2}));
    EXPECT_EQ(latent_frames(9, 3), std::vector<int64_t>({0, 1, 1, 1, 1, 2, 2, 2, 2}));
    EXPECT_EQ(latent_frames(4, 2), std::vector<int64_t>({0, 0, 1, 1}));
    EXPECT_EQ(doubled_frames(1), 1);
    EXPECT_EQ(doubled_frames(2), 4);
    EXPECT_EQ(doubled_frames(3), 5);
}

Json small_config() {
    return {{"block_out_channels", {4, 8}},
            {"latent_channels", 2},
            {"scaling_factor", 0.7},
            {"norm_num_groups", 2},
            {"temporal_compression_ratio", 2}};
}

ErrorCode code_of(const char* changes) {
    Json config = small_config();
    config.update(Json::parse(changes));
    try {
        CogVideoXVaeConfig::from_json(config, "vae/config.json");
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Ok;
}

TEST(CogVideoXVaeConfig, RefusesWhatItCannotDo) {
    EXPECT_EQ(code_of("{}"), ErrorCode::Ok);
    EXPECT_EQ(code_of(R"({"use_quant_conv": true})"), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(R"({"use_post_quant_conv": true})"), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(R"({"act_fn": "gelu"})"), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(R"({"in_channels": 4})"), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(R"({"_class_name": "AutoencoderKLWan"})"), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(R"({"up_block_types": ["CogVideoXUpBlock3D", "UpBlock"]})"), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(R"({"up_block_types": ["CogVideoXUpBlock3D"]})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"temporal_compression_ratio": 3})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"temporal_compression_ratio": 4})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"norm_num_groups": 3})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"scaling_factor": 0})"), ErrorCode::BadInput);
    EXPECT_EQ(code_of(R"({"block_out_channels": []})"), ErrorCode::BadInput);
}

}  // namespace
}  // namespace kine::dit
