// OpenSora-VAE-v1.2 with tiny random weights: groups on their own, the same bits however it streams, bounded memory.
#include "dit/vae/open_sora_vae.h"
#include "runtime/io/json.h"

#include "kernels/move/move.h"
#include "tests/dit/autoencoder_checkpoint.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

namespace kine::dit {
namespace {

OpenSoraVaeConfig tiny_vae() {
    OpenSoraVaeConfig config;
    config.spatial = tiny_autoencoder();
    config.temporal.filters = 6;
    config.temporal.num_res_blocks = 1;
    config.temporal.num_groups = 3;
    return config;
}

/// The temporal decoder's tensors by their published names.
class TemporalWriter {
  public:
    TemporalWriter(const Context& context, TensorMap& tensors) : context_(&context), tensors_(&tensors) {}

    void add(const std::string& name, const Shape& shape, double scale) {
        (*tensors_)[name] = random_tensor(*context_, shape, DType::Float32, ++seed_, static_cast<float>(scale));
    }
    void conv(const std::string& name, int64_t in, int64_t out, int64_t side, bool has_bias) {
        const int64_t taps = in * side * side * side;
        add(name + ".conv.weight", {out, in, side, side, side}, 1.0 / std::sqrt(static_cast<double>(taps)));
        if (has_bias) add(name + ".conv.bias", {out}, 0.1);
    }
    void norm(const std::string& name, int64_t channels) {
        add(name + ".weight", {channels}, 1.0);
        add(name + ".bias", {channels}, 0.3);
    }
    void resnet(const std::string& name, int64_t in, int64_t out) {
        norm(name + ".norm1", in);
        conv(name + ".conv1", in, out, 3, false);
        norm(name + ".norm2", out);
        conv(name + ".conv2", out, out, 3, false);
        if (in != out) conv(name + ".conv3", in, out, 1, false);
    }

  private:
    const Context* context_;
    TensorMap* tensors_;
    uint64_t seed_ = 1000;
};

TensorMap random_vae(const Context& context, const OpenSoraVaeConfig& config) {
    TensorMap tensors;
    for (auto& [name, tensor] : random_autoencoder(context, config.spatial))
        tensors["spatial_vae.module." + name] = tensor;
    TemporalWriter writer(context, tensors);
    writer.add("scale", {1, 4, 1, 1, 1}, 1.0);
    writer.add("shift", {1, 4, 1, 1, 1}, 0.5);
    const std::string decoder = "temporal_vae.decoder.";
    writer.conv("temporal_vae.post_quant_conv", 4, 4, 1, true);
    writer.conv(decoder + "conv1", 4, 24, 3, true);
    writer.resnet(decoder + "res_blocks.0", 24, 24);
    int64_t channels = 24;
    for (int level = 3; level >= 0; --level) {
        const int64_t width = config.temporal.width(static_cast<size_t>(level));
        writer.resnet(fmt::format("{}block_res_blocks.{}.0", decoder, level), channels, width);
        if (level >= 2) writer.conv(fmt::format("{}conv_blocks.{}", decoder, level - 1), width, 2 * width, 3, true);
        channels = width;
    }
    writer.norm(decoder + "norm1", channels);
    writer.conv(decoder + "conv_out", channels, 4, 3, true);
    return tensors;
}

class OpenSoraVae : public testing::Test {
  protected:
    OpenSoraVae() : weights(open_weights(random_vae(bundle.context, tiny_vae()), "open_sora_vae")) {}

    std::vector<Tensor> chunks(const Tensor& latents, const DecodeOptions& options) {
        std::vector<Tensor> result;
        decoder.decode(bundle.context, latents, options, {}, [&](const Tensor& frames) { result.push_back(frames); });
        return result;
    }
    Tensor decode(const Tensor& latents, const DecodeOptions& options) {
        return kernels::concat(bundle.context, chunks(latents, options), 0);
    }
    Tensor latents(int64_t frames) {
        return random_tensor(bundle.context, {4, decoder.latent_frames_of(frames), 4, 3}, DType::Float32, 7);
    }
    /// Most bytes held beside what was held before.
    int64_t peak_of(int64_t frames) {
        const Tensor z = latents(frames);
        bundle.allocator.reset_peak();
        const int64_t before = bundle.allocator.peak_bytes();
        decoder.decode(bundle.context, z, {.frames = frames}, {}, [](const Tensor&) {});
        return bundle.allocator.peak_bytes() - before;
    }

    TestContext bundle{1};  // with several threads, the peak depends on how many hold their scratch at the same moment
    Weights weights;
    OpenSoraVaeDecoder decoder{Scope(bundle.context, weights, DType::Float32), tiny_vae()};
};

TEST_F(OpenSoraVae, CountsFramesInGroupsOfSeventeen) {
    const std::pair<int64_t, int64_t> pairs[] = {{1, 1}, {17, 5}, {18, 6}, {23, 7}, {34, 10}, {38, 11}, {51, 15}};
    for (const auto& [frames, latent_frames] : pairs) EXPECT_EQ(decoder.latent_frames_of(frames), latent_frames);
    EXPECT_EQ(decoder.frames_of(15), 51);
    EXPECT_EQ(decoder.frames_of(6), 21);
}

TEST_F(OpenSoraVae, DecodesEveryGroupAsIfItWereAlone) {
    const Tensor z = latents(40);  // 17 + 17 + 6
    const Tensor whole = decode(z, {.frames = 40});
    EXPECT_EQ(whole.dim(0), 40);
    EXPECT_TRUE(same_bits(decode(z.slice(1, 5, 10), {}), whole.slice(0, 17, 34)));
    EXPECT_TRUE(same_bits(decode(z.slice(1, 10, 12), {.frames = 6}), whole.slice(0, 34, 40)));
}

TEST_F(OpenSoraVae, DropsWhatLiesBeforeTheFirstFrameOfAGroup) {
    const Tensor z = latents(8);
    const Tensor eight = decode(z, {.frames = 8});
    EXPECT_TRUE(same_bits(decode(z, {.frames = 5}), eight.slice(0, 3, 8)));
}

TEST_F(OpenSoraVae, GivesTheSameBitsHoweverManyPicturesItDecodesAtATime) {
    const Tensor z = latents(23);
    const Tensor whole = decode(z, {.chunk = 100, .frames = 23});
    for (const int64_t chunk : {0, 1, 3}) {
        const DecodeOptions options = {.chunk = chunk, .frames = 23};
        EXPECT_TRUE(same_bits(decode(z, options), whole)) << chunk;
    }
    EXPECT_EQ(chunks(z, {.chunk = 1, .frames = 23}).size(), 23U);
}

TEST_F(OpenSoraVae, NeedsNoMoreMemoryForALongVideoThanForAShortOneAndNoMoreThanItSays) {
    const int64_t one_group = peak_of(17);
    EXPECT_EQ(peak_of(17 * 6), one_group);
    EXPECT_LE(one_group, decoder.working_bytes(4, 3, {}));
}

TEST_F(OpenSoraVae, RefusesLatentsThatAreNotThoseOfTheFrames) {
    EXPECT_THROW(decode(latents(17), {.frames = 18}), Error);
}

TEST(OpenSoraVaeConfig, TakesAbsentSizesForThePublishedOnes) {
    const Json json = {{"model_type", "VideoAutoencoderPipeline"}, {"vae_2d", {{"type", "VideoAutoencoderKL"}}}};
    const OpenSoraVaeConfig config = OpenSoraVaeConfig::from_json(json, "config.json");
    EXPECT_EQ(config.spatial.block_out_channels, (std::vector<int64_t>{128, 256, 512, 512}));
    EXPECT_EQ(config.spatial.scaling_factor, 0.18215);
    EXPECT_EQ(config.temporal.filters, 128);
    EXPECT_EQ(config.temporal.temporal_factor(), 4);
}

TEST(OpenSoraVaeConfig, NamesAVaeThatWeLack) {
    const Json changes[] = {{{"model_type", "OpenSoraVAE_V1_3"}}, {{"vae_temporal", {{"type", "VAE_Temporal_XL"}}}}};
    for (const Json& json : changes) {
        try {
            OpenSoraVaeConfig::from_json(json, "config.json");
            FAIL() << "no error";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Unsupported);
            EXPECT_NE(std::string(error.what()).find(json.contains("model_type") ? "V1_3" : "_XL"), std::string::npos);
        }
    }
}

TEST(OpenSoraVaeConfig, RefusesSizesThatDoNotFitTogether) {
    const Json changes[] = {
        {{"scale", {1.0, 2.0}}},
        {{"micro_frame_size", 0}},
        {{"vae_temporal", {{"num_groups", 7}}}},
        {{"vae_temporal", {{"temporal_downsample", {true}}}}},
        {{"vae_2d", {{"latent_channels", 8}}}},
        {{"vae_2d", "tiny"}},
    };
    for (const Json& json : changes) EXPECT_THROW(OpenSoraVaeConfig::from_json(json, "config.json"), Error) << json;
}

}  // namespace
}  // namespace kine::dit
