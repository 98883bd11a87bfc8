// AutoencoderKL as plain double loops over one picture: slow, obvious, and written from the paper's layers alone.
#pragma once

#include "kernels/conv/conv.h"
#include "tests/dit/autoencoder_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace kine::dit {

/// One picture, channels last.
struct TwinPicture {
    int64_t rows = 0, columns = 0, channels = 0;
    std::vector<double> values;

    TwinPicture(int64_t y, int64_t x, int64_t c)
        : rows(y), columns(x), channels(c), values(static_cast<size_t>(y * x * c), 0.0) {}
    double& at(int64_t y, int64_t x, int64_t c) {
        return values[static_cast<size_t>((y * columns + x) * channels + c)];
    }
    double at(int64_t y, int64_t x, int64_t c) const {
        return values[static_cast<size_t>((y * columns + x) * channels + c)];
    }
    /// Zero outside.
    double padded(int64_t y, int64_t x, int64_t c) const {
        return y < 0 || x < 0 || y >= rows || x >= columns ? 0.0 : at(y, x, c);
    }
};

class AutoencoderTwin {
  public:
    AutoencoderTwin(const TensorMap& tensors, const AutoencoderKlConfig& config) : config_(config) {
        for (const auto& [name, tensor] : tensors) weights_[name] = {tensor.shape(), to_doubles(tensor)};
    }

    /// Latents of one frame, still scaled -> pixels before clamping, 0..1 nominal.
    TwinPicture decode(TwinPicture x) const {
        for (double& value : x.values) value = value / config_.scaling_factor + config_.shift_factor;
        if (config_.use_post_quant_conv) x = conv(x, "post_quant_conv");
        x = conv(x, "decoder.conv_in");
        x = mid_block(x, "decoder.mid_block");
        for (size_t level = 0; level < config_.block_out_channels.size(); ++level) {
            const std::string name = "decoder.up_blocks." + std::to_string(level);
            for (int64_t i = 0; i <= config_.layers_per_block; ++i)
                x = resnet(x, name + ".resnets." + std::to_string(i));
            if (weights_.contains(name + ".upsamplers.0.conv.weight")) x = conv(twice(x), name + ".upsamplers.0.conv");
        }
        x = conv(silu(norm(x, "decoder.conv_norm_out")), "decoder.conv_out");
        for (double& value : x.values) value = value / 2 + 0.5;
        return x;
    }

    /// Pixels 0..1 of one frame -> scaled mean.
    TwinPicture encode(TwinPicture x) const {
        for (double& value : x.values) value = 2 * value - 1;
        x = conv(x, "encoder.conv_in");
        for (size_t level = 0; level < config_.block_out_channels.size(); ++level) {
            const std::string name = "encoder.down_blocks." + std::to_string(level);
            for (int64_t i = 0; i < config_.layers_per_block; ++i)
                x = resnet(x, name + ".resnets." + std::to_string(i));
            const std::string down = name + ".downsamplers.0.conv";
            if (weights_.contains(down + ".weight")) x = conv(x, down, {.stride = 2, .pad_begin = 0, .pad_end = 1});
        }
        x = mid_block(x, "encoder.mid_block");
        x = conv(silu(norm(x, "encoder.conv_norm_out")), "encoder.conv_out");
        return mean(config_.use_quant_conv ? conv(x, "quant_conv") : x);
    }

  private:
    struct Weight {
        Shape shape;
        std::vector<double> values;
    };

    double weight(const std::string& name, int64_t index) const {
        return weights_.at(name).values[static_cast<size_t>(index)];
    }

    TwinPicture conv(const TwinPicture& x, const std::string& name) const {
        const int64_t margin = weights_.at(name + ".weight").shape[2] / 2;
        return conv(x, name, {1, margin, margin});
    }

    TwinPicture conv(const TwinPicture& x, const std::string& name, kernels::ConvGeometry geometry) const {
        const Shape& shape = weights_.at(name + ".weight").shape;
        const auto size = [&](int64_t side) {
            return (side + geometry.pad_begin + geometry.pad_end - shape[2]) / geometry.stride + 1;
        };
        TwinPicture result(size(x.rows), size(x.columns), shape[0]);
        for (int64_t y = 0; y < result.rows; ++y) {
            for (int64_t column = 0; column < result.columns; ++column) {
                for (int64_t out = 0; out < result.channels; ++out) {
                    result.at(y, column, out) =
                        weight(name + ".bias", out) + patch_sum(x, name, out, y * geometry.stride - geometry.pad_begin,
                                                                column * geometry.stride - geometry.pad_begin);
                }
            }
        }
        return result;
    }

    double patch_sum(const TwinPicture& x, const std::string& name, int64_t out, int64_t top, int64_t left) const {
        const Weight& kernel = weights_.at(name + ".weight");
        const int64_t side = kernel.shape[2];
        double sum = 0;
        for (int64_t in = 0; in < x.channels; ++in) {
            for (int64_t tap = 0; tap < side * side; ++tap) {
                const double factor = kernel.values[static_cast<size_t>((out * x.channels + in) * side * side + tap)];
                sum += factor * x.padded(top + tap / side, left + tap % side, in);
            }
        }
        return sum;
    }

    TwinPicture norm(const TwinPicture& x, const std::string& name) const {
        TwinPicture result = x;
        const int64_t width = x.channels / config_.norm_num_groups;
        const auto count = static_cast<double>(x.rows * x.columns * width);
        for (int64_t group = 0; group < config_.norm_num_groups; ++group) {
            double sum = 0;
            double squares = 0;
            for_each_of_group(x, group * width, width, [&](int64_t i, int64_t) { sum += at(x, i); });
            const double centre = sum / count;
            for_each_of_group(x, group * width, width,
                              [&](int64_t i, int64_t) { squares += (at(x, i) - centre) * (at(x, i) - centre); });
            const double spread = std::sqrt(squares / count + 1e-6);
            for_each_of_group(x, group * width, width, [&](int64_t i, int64_t c) {
                result.values[static_cast<size_t>(i)] =
                    (at(x, i) - centre) / spread * weight(name + ".weight", c) + weight(name + ".bias", c);
            });
        }
        return result;
    }

    static double at(const TwinPicture& x, int64_t index) { return x.values[static_cast<size_t>(index)]; }

    template <class Visit>
    static void for_each_of_group(const TwinPicture& x, int64_t first, int64_t width, Visit&& visit) {
        for (int64_t pixel = 0; pixel < x.rows * x.columns; ++pixel) {
            for (int64_t c = first; c < first + width; ++c) visit(pixel * x.channels + c, c);
        }
    }

    static TwinPicture silu(TwinPicture x) {
        for (double& value : x.values) value = value / (1 + std::exp(-value));
        return x;
    }

    static TwinPicture add(TwinPicture x, const TwinPicture& y) {
        for (size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
        return x;
    }

    static TwinPicture twice(const TwinPicture& x) {
        TwinPicture result(2 * x.rows, 2 * x.columns, x.channels);
        for (int64_t y = 0; y < result.rows; ++y) {
            for (int64_t column = 0; column < result.columns; ++column) {
                for (int64_t c = 0; c < x.channels; ++c) result.at(y, column, c) = x.at(y / 2, column / 2, c);
            }
        }
        return result;
    }

    TwinPicture resnet(const TwinPicture& x, const std::string& name) const {
        TwinPicture h = conv(silu(norm(x, name + ".norm1")), name + ".conv1");
        h = conv(silu(norm(h, name + ".norm2")), name + ".conv2");
        const bool has_shortcut = weights_.contains(name + ".conv_shortcut.weight");
        return add(has_shortcut ? conv(x, name + ".conv_shortcut") : x, h);
    }

    TwinPicture linear(const TwinPicture& x, const std::string& name) const {
        TwinPicture result = x;
        for (int64_t pixel = 0; pixel < x.rows * x.columns; ++pixel) {
            for (int64_t out = 0; out < x.channels; ++out) {
                double sum = weight(name + ".bias", out);
                for (int64_t in = 0; in < x.channels; ++in) {
                    sum += weight(name + ".weight", out * x.channels + in) * at(x, pixel * x.channels + in);
                }
                result.values[static_cast<size_t>(pixel * x.channels + out)] = sum;
            }
        }
        return result;
    }

    TwinPicture attention(const TwinPicture& x, const std::string& name) const {
        const TwinPicture h = norm(x, name + ".group_norm");
        const TwinPicture q = linear(h, name + ".to_q");
        const TwinPicture k = linear(h, name + ".to_k");
        const TwinPicture v = linear(h, name + ".to_v");
        TwinPicture mixed(x.rows, x.columns, x.channels);
        for (int64_t query = 0; query < x.rows * x.columns; ++query) {
            const std::vector<double> shares = softmax(scores(q, k, query));
            for (size_t key = 0; key < shares.size(); ++key) {
                for (int64_t c = 0; c < x.channels; ++c) {
                    mixed.values[static_cast<size_t>(query * x.channels + c)] +=
                        shares[key] * at(v, static_cast<int64_t>(key) * x.channels + c);
                }
            }
        }
        return add(linear(mixed, name + ".to_out.0"), x);
    }

    static std::vector<double> scores(const TwinPicture& q, const TwinPicture& k, int64_t query) {
        std::vector<double> result;
        for (int64_t key = 0; key < k.rows * k.columns; ++key) {
            double product = 0;
            for (int64_t c = 0; c < q.channels; ++c)
                product += at(q, query * q.channels + c) * at(k, key * k.channels + c);
            result.push_back(product / std::sqrt(static_cast<double>(q.channels)));
        }
        return result;
    }

    static std::vector<double> softmax(std::vector<double> values) {
        const double largest = *std::max_element(values.begin(), values.end());
        double sum = 0;
        for (double& value : values) sum += value = std::exp(value - largest);
        for (double& value : values) value /= sum;
        return values;
    }

    TwinPicture mid_block(TwinPicture x, const std::string& name) const {
        x = resnet(x, name + ".resnets.0");
        if (config_.mid_block_add_attention) x = attention(x, name + ".attentions.0");
        return resnet(x, name + ".resnets.1");
    }

    /// The first half of the channels, scaled.
    TwinPicture mean(const TwinPicture& moments) const {
        TwinPicture result(moments.rows, moments.columns, config_.latent_channels);
        for (int64_t pixel = 0; pixel < moments.rows * moments.columns; ++pixel) {
            for (int64_t c = 0; c < result.channels; ++c) {
                result.values[static_cast<size_t>(pixel * result.channels + c)] =
                    (at(moments, pixel * moments.channels + c) - config_.shift_factor) * config_.scaling_factor;
            }
        }
        return result;
    }

    AutoencoderKlConfig config_;
    std::map<std::string, Weight> weights_;
};

}  // namespace kine::dit
