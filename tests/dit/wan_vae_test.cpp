// The causal VAE chunk by chunk: the same bits as whole, from the first chunk on, in memory that does not grow.
#include "dit/families/families.h"
#include "dit/families/family.h"
#include "dit/vae/autoencoder_wan.h"
#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/random.h"
#include "tests/support/source_tree.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

class WanVae : public testing::Test {
  protected:
    Tensor latents(int64_t frames) {
        return random_tensor(bundle.context, {model->decoder->latent_channels(), frames, 3, 5}, DType::Float32, 3);
    }
    Tensor decode(const Tensor& z, const DecodeOptions& options) {
        std::vector<Tensor> chunks;
        model->decoder->decode(bundle.context, z, options, {}, [&](const Tensor& frames) { chunks.push_back(frames); });
        return kernels::concat(bundle.context, chunks, 0);
    }
    int64_t peak_beyond_result(int64_t frames) {
        const Tensor z = latents(frames);
        bundle.allocator.reset_peak();
        const int64_t before = bundle.allocator.peak_bytes();
        model->decoder->decode(bundle.context, z, {}, {}, [](const Tensor&) {});
        return bundle.allocator.peak_bytes() - before;
    }

    TestContext bundle{1};  // how much scratch threads hold at once is a matter of timing
    std::unique_ptr<Model> model = load_model(
        bundle.context, diffusers_source(source_tree() / "tests" / "golden" / "wan" / "model"), DType::Float32);
};

TEST_F(WanVae, GivesTheSameBitsWhateverTheChunk) {
    const Tensor z = latents(5);
    const Tensor whole = decode(z, {.chunk = 5});
    EXPECT_EQ(whole.shape(), Shape({17, 24, 40, 3}));
    for (const int64_t chunk : {1, 2, 3, 4}) EXPECT_TRUE(same_bits(decode(z, {.chunk = chunk}), whole)) << chunk;
}

TEST_F(WanVae, GivesTheSameBitsInTilesWhateverTheChunk) {
    const Tensor z = latents(3);
    const Tensor whole = decode(z, {.chunk = 3, .tile = 2});
    EXPECT_TRUE(same_bits(decode(z, {.chunk = 1, .tile = 2}), whole));
}

TEST_F(WanVae, SendsTheFirstFrameAfterOneChunk) {
    std::vector<int64_t> sizes;
    model->decoder->decode(bundle.context, latents(3), {}, {},
                           [&](const Tensor& frames) { sizes.push_back(frames.dim(0)); });
    EXPECT_EQ(sizes, std::vector<int64_t>({1, 4, 4}));
    EXPECT_EQ(model->decoder->frames_of(3), 9);
    EXPECT_EQ(model->decoder->latent_frames_of(9), 3);
}

TEST_F(WanVae, NeedsNoMoreMemoryForALongerVideo) {
    const int64_t of_three = peak_beyond_result(3);
    EXPECT_EQ(peak_beyond_result(9), of_three);
    EXPECT_LE(of_three, model->decoder->working_bytes(3, 5, {}));
}

TEST_F(WanVae, StopsBetweenLayers) {
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(model->decoder->decode(bundle.context, latents(2), {}, stop.get_token(), [](const Tensor&) {}), Error);
}

Json small_config() {
    return {{"base_dim", 4},          {"z_dim", 2},           {"dim_mult", {1, 2}}, {"temperal_downsample", {true}},
            {"latents_mean", {0, 0}}, {"latents_std", {1, 1}}};
}

ErrorCode code_of(const Json& config) {
    try {
        WanVaeConfig::from_json(config, "config.json");
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Other;
}

TEST(WanVaeConfig, RefusesWhatItCannotDo) {
    EXPECT_EQ(WanVaeConfig::from_json(small_config(), "config.json").temporal_factor(), 2);
    Json config = small_config();
    config["latents_std"] = {1, 0};
    EXPECT_EQ(code_of(config), ErrorCode::BadInput);
    config = small_config();
    config["temperal_downsample"] = {true, false};
    EXPECT_EQ(code_of(config), ErrorCode::BadInput);
    config = small_config();
    config["_class_name"] = "AutoencoderKLMagvit";
    EXPECT_EQ(code_of(config), ErrorCode::Unsupported);
    config = small_config();
    config["attn_scales"] = {0.5};
    EXPECT_EQ(code_of(config), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace kine::dit
