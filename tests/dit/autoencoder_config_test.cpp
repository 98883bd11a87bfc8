#include "dit/vae/autoencoder_kl.h"
#include "runtime/io/json.h"

#include <gtest/gtest.h>

namespace kine::dit {

namespace {

Json published() {
    return Json::parse(R"({
        "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
        "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
        "in_channels": 3, "out_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32,
        "sample_size": 256, "scaling_factor": 0.18215, "shift_factor": null, "latents_mean": null})");
}

/// The error that the published config gives with one entry replaced.
Error error_with(const std::string& key, const Json& value) {
    Json config = published();
    config[key] = value;
    try {
        AutoencoderKlConfig::from_json(config, "vae/config.json");
    } catch (const Error& error) {
        return error;
    }
    return {ErrorCode::Ok, "accepted"};
}

void expect_error(const std::string& key, const Json& value, ErrorCode code) {
    const Error error = error_with(key, value);
    EXPECT_EQ(error.code(), code) << key << " = " << value << ": " << error.what();
    EXPECT_NE(std::string(error.what()).find("vae/config.json"), std::string::npos) << error.what();
}

}  // namespace

TEST(AutoencoderKlConfig, ReadsThePublishedFile) {
    const AutoencoderKlConfig config = AutoencoderKlConfig::from_json(published(), "vae/config.json");
    EXPECT_EQ(config.block_out_channels, (std::vector<int64_t>{128, 256, 512, 512}));
    EXPECT_EQ(config.latent_channels, 4);
    EXPECT_EQ(config.layers_per_block, 2);
    EXPECT_EQ(config.spatial_factor(), 8);
    EXPECT_EQ(config.scaling_factor, 0.18215);
    EXPECT_EQ(config.shift_factor, 0.0);
    EXPECT_TRUE(config.mid_block_add_attention);
}

TEST(AutoencoderKlConfig, RefusesSizesThatCannotBe) {
    expect_error("latent_channels", 0, ErrorCode::BadInput);
    expect_error("layers_per_block", -1, ErrorCode::BadInput);
    expect_error("norm_num_groups", 0, ErrorCode::BadInput);
    expect_error("norm_num_groups", 48, ErrorCode::BadInput);
    expect_error("block_out_channels", Json::array(), ErrorCode::BadInput);
    expect_error("block_out_channels", {128, 256, 512, 513}, ErrorCode::BadInput);
    expect_error("block_out_channels", Json(std::vector<int>(9, 32)), ErrorCode::BadInput);
    expect_error("block_out_channels", "128", ErrorCode::BadInput);
    expect_error("scaling_factor", 0, ErrorCode::BadInput);
    expect_error("up_block_types", {"UpDecoderBlock2D"}, ErrorCode::BadInput);
}

TEST(AutoencoderKlConfig, NamesWhatItDoesNotSupport) {
    expect_error("act_fn", "gelu", ErrorCode::Unsupported);
    expect_error("_class_name", "AutoencoderTiny", ErrorCode::Unsupported);
    expect_error("in_channels", 4, ErrorCode::Unsupported);
    expect_error("latents_mean", {0.1, 0.2}, ErrorCode::Unsupported);
    expect_error("down_block_types",
                 {"DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "AttnDownEncoderBlock2D"},
                 ErrorCode::Unsupported);
}

TEST(AutoencoderKlConfig, AsksForWhatHasNoSafeDefault) {
    Json config = published();
    config.erase("block_out_channels");
    EXPECT_THROW(AutoencoderKlConfig::from_json(config, "vae/config.json"), Error);
}

}  // namespace kine::dit
