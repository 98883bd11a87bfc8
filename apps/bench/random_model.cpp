#include "apps/bench/random_model.h"

#include "kernels/elementwise/elementwise.h"
#include "runtime/tensor/transfer.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <numbers>

namespace kine::bench {

namespace {

void add_conv(ShapeMap& shapes, const std::string& name, int64_t in, int64_t out, int64_t side) {
    shapes[name + ".weight"] = {out, in, side, side};
    shapes[name + ".bias"] = {out};
}

void add_linear(ShapeMap& shapes, const std::string& name, int64_t in, int64_t out) {
    shapes[name + ".weight"] = {out, in};
    shapes[name + ".bias"] = {out};
}

void add_norm(ShapeMap& shapes, const std::string& name, int64_t channels) {
    shapes[name + ".weight"] = {channels};
    shapes[name + ".bias"] = {channels};
}

void add_resnet(ShapeMap& shapes, const std::string& name, int64_t in, int64_t out) {
    add_norm(shapes, name + ".norm1", in);
    add_conv(shapes, name + ".conv1", in, out, 3);
    add_norm(shapes, name + ".norm2", out);
    add_conv(shapes, name + ".conv2", out, out, 3);
    if (in != out) add_conv(shapes, name + ".conv_shortcut", in, out, 1);
}

void add_mid_block(ShapeMap& shapes, const std::string& name, int64_t channels) {
    add_resnet(shapes, name + ".resnets.0", channels, channels);
    add_resnet(shapes, name + ".resnets.1", channels, channels);
    add_norm(shapes, name + ".attentions.0.group_norm", channels);
    for (const char* part : {"to_q", "to_k", "to_v", "to_out.0"}) {
        add_linear(shapes, name + ".attentions.0." + part, channels, channels);
    }
}

void add_attention(ShapeMap& shapes, const std::string& name, int64_t channels, int64_t key_channels) {
    add_linear(shapes, name + ".to_q", channels, channels);
    add_linear(shapes, name + ".to_k", key_channels, channels);
    add_linear(shapes, name + ".to_v", key_channels, channels);
    add_linear(shapes, name + ".to_out.0", channels, channels);
}

bool is_norm_weight(const std::string& name) {
    return name.ends_with(".weight") && name.find("norm") != std::string::npos;
}

/// 1 / sqrt(inputs of one output); queries of T5, whose attention has no scale of its own, smaller by that scale.
float weight_deviation(const std::string& name, const Shape& shape) {
    constexpr double kHeadScale = 0.125;
    if (shape.rank() < 2) return 0.1f;
    const double scale = name.ends_with("SelfAttention.q.weight") ? kHeadScale : 1.0;
    return static_cast<float>(scale / std::sqrt(static_cast<double>(shape.elements() / shape[0])));
}

}  // namespace

Tensor random_tensor(const Context& context, const Shape& shape, DType dtype, uint64_t seed, float deviation) {
    Tensor values = Tensor::empty(context.host(), shape, DType::Float32);
    float* at = values.data<float>();
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    const double width = 2 * std::sqrt(3.0) * deviation;
    for (int64_t i = 0; i < shape.elements(); ++i) {
        state ^= state << 13;  // xorshift64 (Marsaglia 2003)
        state ^= state >> 7;
        state ^= state << 17;
        at[i] = static_cast<float>(width * (static_cast<double>(state >> 11) * 0x1.0p-53 - 0.5));
    }
    const Tensor drawn = to_device(context, values);
    return dtype == DType::Float32 ? drawn : kernels::cast(context, drawn, dtype);
}

Tensor moving_waves(const Context& context, const Shape& shape) {
    constexpr double kTurn = 2 * std::numbers::pi;
    Tensor values = Tensor::empty(context.host(), shape, DType::Float32);
    const int64_t width = shape[3];
    const auto wave = [width](int64_t channel, int64_t frame, int64_t row, int64_t column) {
        const double along = static_cast<double>(column + frame) / static_cast<double>(width);
        const double across = static_cast<double>(row - frame) / static_cast<double>(width);
        const auto number = static_cast<double>(channel + 1);
        return std::sin(kTurn * (number * along + 0.1 * number)) + std::cos(kTurn * (2 * across + 0.3 * number));
    };
    float* at = values.data<float>();
    for (int64_t i = 0; i < shape.elements(); ++i) {
        const int64_t line = i / width;
        const int64_t picture = line / shape[2];
        *at++ = static_cast<float>(wave(picture / shape[1], picture % shape[1], line % shape[2], i % width));
    }
    return to_device(context, values);
}

void write_random_weights(const Context& context, const ShapeMap& shapes, DType dtype,
                          const std::filesystem::path& file) {
    std::map<std::string, Tensor> tensors;
    uint64_t seed = 0;
    for (const auto& [name, shape] : shapes) {
        const Tensor values = is_norm_weight(name)
                                  ? kernels::scale(context, Tensor::zeros(context, shape, DType::Float32), 0.0f, 1.0f)
                                  : random_tensor(context, shape, dtype, ++seed, weight_deviation(name, shape));
        tensors[name] = values.dtype() == dtype ? values : kernels::cast(context, values, dtype);
    }
    write_safetensors(file, tensors);
}

Weights random_weights(const Context& context, const ShapeMap& shapes) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("kine_bench_" + std::to_string(getpid()) + ".safetensors");
    write_random_weights(context.host(), shapes, DType::Float32, file);
    Weights weights = Weights::open_file(file);
    std::filesystem::remove(file);  // the mapping keeps the bytes
    return weights;
}

dit::latte::Config latte_256() {
    dit::latte::Config config;
    config.sample_size = 32;
    return config;
}

ShapeMap decoder_shapes(const dit::AutoencoderKlConfig& config) {
    ShapeMap shapes;
    const std::vector<int64_t> widths(config.block_out_channels.rbegin(), config.block_out_channels.rend());
    add_conv(shapes, "post_quant_conv", config.latent_channels, config.latent_channels, 1);
    add_conv(shapes, "decoder.conv_in", config.latent_channels, widths.front(), 3);
    add_mid_block(shapes, "decoder.mid_block", widths.front());
    for (size_t level = 0; level < widths.size(); ++level) {
        const std::string name = "decoder.up_blocks." + std::to_string(level);
        for (int64_t i = 0; i <= config.layers_per_block; ++i) {
            const int64_t in = i == 0 && level > 0 ? widths[level - 1] : widths[level];
            add_resnet(shapes, name + ".resnets." + std::to_string(i), in, widths[level]);
        }
        if (level + 1 < widths.size()) add_conv(shapes, name + ".upsamplers.0.conv", widths[level], widths[level], 3);
    }
    add_norm(shapes, "decoder.conv_norm_out", widths.back());
    add_conv(shapes, "decoder.conv_out", widths.back(), config.out_channels, 3);
    return shapes;
}

ShapeMap temporal_block_shapes(const dit::latte::Config& config) {
    ShapeMap shapes;
    const int64_t channels = config.channels();
    shapes["scale_shift_table"] = {6, channels};
    add_attention(shapes, "attn1", channels, channels);
    add_linear(shapes, "ff.net.0.proj", channels, 4 * channels);
    add_linear(shapes, "ff.net.2", 4 * channels, channels);
    return shapes;
}

ShapeMap spatial_block_shapes(const dit::latte::Config& config) {
    ShapeMap shapes = temporal_block_shapes(config);
    add_attention(shapes, "attn2", config.channels(), config.cross_attention_dim);
    return shapes;
}

double decoder_flops(const dit::AutoencoderKlConfig& config, int64_t latent_rows, int64_t latent_columns) {
    const size_t levels = config.block_out_channels.size();
    const double latents = static_cast<double>(latent_rows * latent_columns);
    const double lowest = static_cast<double>(config.block_out_channels.back());
    double flops = 4 * latents * latents * lowest;  // q k^T and p v of the one attention
    for (const auto& [name, shape] : decoder_shapes(config)) {
        if (shape.rank() < 2) continue;
        double pixels = latents;
        const size_t at = name.find("up_blocks.");
        if (at != std::string::npos) pixels *= std::pow(4.0, std::stod(name.substr(at + 10)));
        if (name.find("upsamplers") != std::string::npos) pixels *= 4;
        if (name.find("conv_out") != std::string::npos) pixels *= std::pow(4.0, static_cast<double>(levels - 1));
        flops += 2 * pixels * static_cast<double>(shape.elements());
    }
    return flops;
}

}  // namespace kine::bench
