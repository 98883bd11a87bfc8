// A small T5 encoder with random weights, for tests of it wherever it runs.
#pragma once

#include "dit/text/t5.h"
#include "runtime/io/safetensors.h"
#include "runtime/weights.h"
#include "tests/support/random.h"

#include <unistd.h>
#include <filesystem>
#include <map>
#include <string>

namespace kine::dit {

// All sizes differ, and heads * d_kv is not d_model: a swapped axis shows.
inline T5Config small_config() {
    T5Config config;
    config.vocab_size = 23;
    config.d_model = 20;
    config.d_kv = 6;
    config.d_ff = 28;
    config.num_layers = 2;
    config.num_heads = 3;
    config.relative_attention_num_buckets = 8;
    config.relative_attention_max_distance = 12;
    return config;
}

using Values = std::map<std::string, Tensor>;

class Checkpoint {
  public:
    explicit Checkpoint(const Context& context, const T5Config& config) : context_(context) {
        const int64_t inner = config.num_heads * config.d_kv;
        add("shared.weight", {config.vocab_size, config.d_model}, 1.0f);
        for (int64_t i = 0; i < config.num_layers; ++i) {
            const std::string layer = "encoder.block." + std::to_string(i) + ".layer.";
            for (const char* name : {"q", "k", "v"})
                add(layer + "0.SelfAttention." + name + ".weight", {inner, config.d_model}, 0.3f);
            add(layer + "0.SelfAttention.o.weight", {config.d_model, inner}, 0.3f);
            add(layer + "0.layer_norm.weight", {config.d_model}, 1.0f);
            add(layer + "1.DenseReluDense.wi_0.weight", {config.d_ff, config.d_model}, 0.3f);
            add(layer + "1.DenseReluDense.wi_1.weight", {config.d_ff, config.d_model}, 0.3f);
            add(layer + "1.DenseReluDense.wo.weight", {config.d_model, config.d_ff}, 0.3f);
            add(layer + "1.layer_norm.weight", {config.d_model}, 1.0f);
        }
        for (int64_t i = 0; i < (config.biases_every_layer ? config.num_layers : 1); ++i) {
            add("encoder.block." + std::to_string(i) + ".layer.0.SelfAttention.relative_attention_bias.weight",
                {config.relative_attention_num_buckets, config.num_heads}, 1.0f);
        }
        add("encoder.final_layer_norm.weight", {config.d_model}, 1.0f);
    }

    T5Encoder encoder(const Context& context, const T5Config& config, DType dtype) const {
        const auto file =
            std::filesystem::temp_directory_path() / ("t5_test_" + std::to_string(getpid()) + ".safetensors");
        write_safetensors(file, values_);
        Weights weights = Weights::open_file(file);
        T5Encoder encoder(Scope(context, weights, dtype), config);
        weights.finish();
        std::filesystem::remove(file);
        return encoder;
    }

    std::vector<double> operator()(const std::string& name) const { return to_doubles(values_.at(name)); }

    /// Of all tensors whose name ends so.
    void multiply(std::string_view ending, double factor) {
        for (auto& [name, value] : values_) {
            if (!name.ends_with(ending)) continue;
            std::vector<double> numbers = to_doubles(value);
            for (double& number : numbers) number *= factor;
            value = from_doubles(context_, value.shape(), DType::Float32, numbers);
        }
    }

  private:
    void add(const std::string& name, const Shape& shape, float scale) {
        values_[name] = random_tensor(context_, shape, DType::Float32, values_.size() + 1, scale);
    }

    const Context& context_;
    Values values_;
};

}  // namespace kine::dit
