// A tiny AutoencoderKL with random weights, under the published names.
#pragma once

#include "dit/vae/autoencoder_kl.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"

#include <cmath>
#include <map>
#include <string>

namespace kine::dit {

using TensorMap = std::map<std::string, Tensor>;

/// Every size differs from every other, so that a swapped axis shows.
inline AutoencoderKlConfig tiny_autoencoder() {
    AutoencoderKlConfig config;
    config.latent_channels = 4;
    config.block_out_channels = {8, 12, 20};
    config.layers_per_block = 1;
    config.norm_num_groups = 4;
    config.scaling_factor = 0.7;
    config.shift_factor = 0.1;
    return config;
}

/// Adds tensors by name; every one has its own seed.
class CheckpointWriter {
  public:
    explicit CheckpointWriter(const Context& context) : context_(&context) {}

    void conv(const std::string& name, int64_t in, int64_t out, int64_t side) {
        const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(in * side * side)));
        add(name + ".weight", {out, in, side, side}, scale);
        add(name + ".bias", {out}, 0.1f);
    }
    void linear(const std::string& name, int64_t channels) {
        add(name + ".weight", {channels, channels}, static_cast<float>(1.0 / std::sqrt(static_cast<double>(channels))));
        add(name + ".bias", {channels}, 0.1f);
    }
    void norm(const std::string& name, int64_t channels) {
        add(name + ".weight", {channels}, 1.0f);
        add(name + ".bias", {channels}, 0.3f);
    }
    void resnet(const std::string& name, int64_t in, int64_t out) {
        norm(name + ".norm1", in);
        conv(name + ".conv1", in, out, 3);
        norm(name + ".norm2", out);
        conv(name + ".conv2", out, out, 3);
        if (in != out) conv(name + ".conv_shortcut", in, out, 1);
    }
    void mid_block(const std::string& name, int64_t channels, bool has_attention) {
        resnet(name + ".resnets.0", channels, channels);
        resnet(name + ".resnets.1", channels, channels);
        if (!has_attention) return;
        norm(name + ".attentions.0.group_norm", channels);
        for (const char* part : {"to_q", "to_k", "to_v", "to_out.0"}) linear(name + ".attentions.0." + part, channels);
    }
    TensorMap take() { return std::move(tensors_); }

  private:
    void add(const std::string& name, const Shape& shape, float scale) {
        tensors_[name] = random_tensor(*context_, shape, DType::Float32, ++seed_, scale);
    }

    const Context* context_;
    uint64_t seed_ = 0;
    TensorMap tensors_;
};

inline void write_decoder(CheckpointWriter& writer, const AutoencoderKlConfig& config) {
    const std::vector<int64_t> widths(config.block_out_channels.rbegin(), config.block_out_channels.rend());
    writer.conv("decoder.conv_in", config.latent_channels, widths.front(), 3);
    writer.mid_block("decoder.mid_block", widths.front(), config.mid_block_add_attention);
    for (size_t level = 0; level < widths.size(); ++level) {
        const std::string name = "decoder.up_blocks." + std::to_string(level);
        for (int64_t i = 0; i <= config.layers_per_block; ++i) {
            const int64_t in = i == 0 && level > 0 ? widths[level - 1] : widths[level];
            writer.resnet(name + ".resnets." + std::to_string(i), in, widths[level]);
        }
        if (level + 1 < widths.size()) writer.conv(name + ".upsamplers.0.conv", widths[level], widths[level], 3);
    }
    writer.norm("decoder.conv_norm_out", widths.back());
    writer.conv("decoder.conv_out", widths.back(), 3, 3);
    writer.conv("post_quant_conv", config.latent_channels, config.latent_channels, 1);
}

inline void write_encoder(CheckpointWriter& writer, const AutoencoderKlConfig& config) {
    const std::vector<int64_t>& widths = config.block_out_channels;
    writer.conv("encoder.conv_in", 3, widths.front(), 3);
    for (size_t level = 0; level < widths.size(); ++level) {
        const std::string name = "encoder.down_blocks." + std::to_string(level);
        for (int64_t i = 0; i < config.layers_per_block; ++i) {
            const int64_t in = i == 0 && level > 0 ? widths[level - 1] : widths[level];
            writer.resnet(name + ".resnets." + std::to_string(i), in, widths[level]);
        }
        if (level + 1 < widths.size()) writer.conv(name + ".downsamplers.0.conv", widths[level], widths[level], 3);
    }
    writer.mid_block("encoder.mid_block", widths.back(), config.mid_block_add_attention);
    writer.norm("encoder.conv_norm_out", widths.back());
    writer.conv("encoder.conv_out", widths.back(), 2 * config.latent_channels, 3);
    writer.conv("quant_conv", 2 * config.latent_channels, 2 * config.latent_channels, 1);
}

inline TensorMap random_autoencoder(const Context& context, const AutoencoderKlConfig& config) {
    CheckpointWriter writer(context);
    write_decoder(writer, config);
    write_encoder(writer, config);
    return writer.take();
}

/// The tensors as an opened weights file, which is gone from the disk when this returns (the mapping keeps it alive).
inline Weights open_weights(const TensorMap& tensors, const std::string& name) {
    const TemporaryFolder folder;  // tests run beside each other
    const std::filesystem::path file = folder / (name + ".safetensors");
    write_safetensors(file, tensors);
    return Weights::open_file(file);
}

}  // namespace kine::dit
