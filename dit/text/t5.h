// The T5 v1.1 encoder (Raffel et al. 2020; gated GELU of Shazeer 2020): RMS norm, attention without scale and bias, one
// table of relative position buckets for all layers. UMT5 (Chung et al. 2023) is the same with a table for each layer.
#pragma once

#include "runtime/io/json_fwd.h"
#include "runtime/weights.h"

#include <vector>

namespace kine::dit {

struct T5Config {
    int64_t vocab_size = 32128;
    int64_t d_model = 4096;
    int64_t d_kv = 64;
    int64_t d_ff = 10240;
    int64_t num_layers = 24;
    int64_t num_heads = 64;
    int64_t relative_attention_num_buckets = 32;
    int64_t relative_attention_max_distance = 128;
    double layer_norm_epsilon = 1e-6;
    std::string feed_forward_proj = "gated-gelu";
    bool biases_every_layer = false;  ///< UMT5

    /// Checked: sizes positive and sane, only gated-gelu. `where` names the file in messages.
    static T5Config from_json(const Json& config, std::string_view where);
};

/// Immutable.
class T5Encoder {
  public:
    T5Encoder(const Scope& scope, const T5Config& config);

    /// ids i64 [L], mask u8 [L] -> states [L, d_model] in the scope's dtype. Padded keys are not attended.
    Tensor operator()(const Context& context, const Tensor& ids, const Tensor& mask) const;
    const T5Config& config() const { return config_; }
    /// Largest number of bytes that a text of `length` rows holds at once, the states included; for plans.
    int64_t working_bytes(int64_t length) const;

  private:
    struct Layer;
    T5Config config_;
    Tensor position_bias(const Context& context, size_t layer, int64_t length) const;

    Tensor embedding_;                   // [V, D]
    std::vector<Tensor> relative_bias_;  // [buckets, H], f32: of all layers, or of each
    std::vector<Layer> layers_;
    Tensor final_norm_;  // [D]

  public:
    ~T5Encoder();
    T5Encoder(T5Encoder&&) noexcept;
};

}  // namespace kine::dit
