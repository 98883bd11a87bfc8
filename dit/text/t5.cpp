#include "dit/text/t5.h"

#include "dit/modules/linear.h"
#include "dit/text/t5_buckets.h"
#include "kernels/attention/attention.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "runtime/io/json.h"
#include "runtime/options.h"
#include "runtime/tensor/transfer.h"

namespace kine::dit {
namespace {

struct T5Fields {
    T5Config& config;

    template <class Visitor>
    void visit(Visitor& v) {
        v("vocab_size", config.vocab_size, "rows of the embedding");
        v("d_model", config.d_model, "width of the states");
        v("d_kv", config.d_kv, "size of an attention head");
        v("d_ff", config.d_ff, "inner width of the feed-forward");
        v("num_layers", config.num_layers, "layers");
        v("num_heads", config.num_heads, "attention heads");
        v("relative_attention_num_buckets", config.relative_attention_num_buckets, "relative position buckets");
        v("relative_attention_max_distance", config.relative_attention_max_distance, "where the last bucket begins");
        v("layer_norm_epsilon", config.layer_norm_epsilon, "epsilon of the RMS norms");
        v("feed_forward_proj", config.feed_forward_proj, "kind of the feed-forward: gated-gelu");
    }
};

void check_config(const T5Config& config, std::string_view where) {
    check_size(where, "vocab_size", config.vocab_size, int64_t{1} << 24);
    check_size(where, "d_model", config.d_model, 65536);
    check_size(where, "d_kv", config.d_kv, 1024);
    check_size(where, "d_ff", config.d_ff, 1 << 20);
    check_size(where, "num_layers", config.num_layers, 1024);
    check_size(where, "num_heads", config.num_heads, 1024);
    const int64_t buckets = config.relative_attention_num_buckets;
    check_size(where, "relative_attention_num_buckets", buckets, 1 << 16, 4);
    check_size(where, "relative_attention_max_distance", config.relative_attention_max_distance, 1 << 24,
               buckets / 4 + 1);
    check(config.layer_norm_epsilon > 0 && config.layer_norm_epsilon < 1, ErrorCode::BadInput,
          "{}: layer_norm_epsilon is {}, expected above 0 and below 1", where, config.layer_norm_epsilon);
    check(config.feed_forward_proj == "gated-gelu", ErrorCode::Unsupported,
          "{}: feed_forward_proj is '{}', only gated-gelu is supported", where, config.feed_forward_proj);
}

Tensor bind_table(const Scope& scope, const T5Config& config) {
    const bool is_shared = scope.has("shared.weight") || !scope.has("encoder.embed_tokens.weight");
    const Scope owner = is_shared ? scope / "shared" : scope / "encoder" / "embed_tokens";
    return owner.bind("weight", {config.vocab_size, config.d_model});
}

Tensor to_dtype(const Context& context, const Tensor& x, DType dtype) {
    return x.dtype() == dtype ? x : kernels::cast(context, x, dtype);
}

// table [buckets, H] -> [H, L, L]: one value for every pair of positions that are equally far apart.
Tensor pairwise_bias(const Context& context, const Tensor& table, const RelativeBuckets& buckets, int64_t length) {
    const int64_t heads = table.dim(1);
    std::vector<float> bias(static_cast<size_t>(heads * length * length));
    const Tensor of_buckets = to_host(context, table);
    const float* values = of_buckets.data<float>();
    float* out = bias.data();
    for (int64_t offset = 1 - length; offset < length; ++offset) {
        const float* of_heads = values + relative_bucket(buckets, offset) * heads;
        const int64_t first_query = std::max<int64_t>(0, -offset);
        const int64_t last_query = std::min(length, length - offset);
        for (int64_t head = 0; head < heads; ++head)
            for (int64_t query = first_query; query < last_query; ++query)
                out[(head * length + query) * length + query + offset] = of_heads[head];
    }
    return Tensor::of<float>(context, {heads, length, length}, bias);
}

}  // namespace

// The stream between layers stays f32 also in types of 16 bits: its outliers grow over 24 layers and would swallow
// small updates. What a layer adds last outgrows f16 in the published encoders, so that product is f32 there (likewise
// _keep_in_fp32_modules of transformers' T5).
struct T5Encoder::Layer {
    Layer(const Scope& scope, const T5Config& config);

    Tensor attend(const Context& context, const Tensor& stream, const kernels::AttentionOptions& options) const;
    Tensor feed_forward(const Context& context, const Tensor& stream) const;
    Tensor normalised(const Context& context, const Tensor& stream, const Tensor& weight) const {
        return to_dtype(context, kernels::rms_norm(context, stream, weight, epsilon), qkv.dtype());
    }

    int64_t heads;
    int64_t head_size;
    float epsilon;
    Tensor attention_norm;  // [D], f32
    Linear qkv;
    Linear attention_out;
    Tensor feed_forward_norm;  // [D], f32
    Linear gate;
    Linear value;
    Linear feed_forward_out;
};

T5Encoder::Layer::Layer(const Scope& scope, const T5Config& config)
    : heads(config.num_heads), head_size(config.d_kv), epsilon(static_cast<float>(config.layer_norm_epsilon)) {
    const Scope first = scope / "layer" / 0;
    const Scope attention = first / "SelfAttention";
    const int64_t inner = heads * head_size;
    attention_norm = (first / "layer_norm").as(DType::Float32).bind("weight", {config.d_model});
    qkv = Linear({attention / "q", attention / "k", attention / "v"}, config.d_model, inner, false);
    attention_out = Linear(attention / "o", inner, config.d_model, false);
    const Scope second = scope / "layer" / 1;
    const Scope dense = second / "DenseReluDense";
    feed_forward_norm = (second / "layer_norm").as(DType::Float32).bind("weight", {config.d_model});
    gate = Linear(dense / "wi_0", config.d_model, config.d_ff, false);
    value = Linear(dense / "wi_1", config.d_model, config.d_ff, false);
    const Scope last = scope.dtype() == DType::Float16 ? (dense / "wo").as(DType::Float32) : dense / "wo";
    feed_forward_out = Linear(last, config.d_ff, config.d_model, false);
}

Tensor T5Encoder::Layer::attend(const Context& context, const Tensor& stream,
                                const kernels::AttentionOptions& options) const {
    const Tensor x = normalised(context, stream, attention_norm);
    const int64_t length = x.dim(0);
    const Tensor joined = qkv(context, x).reshape({1, 1, length, 3, heads, head_size});
    const Tensor out = kernels::attention(context, joined.select(3, 0), joined.select(3, 1), joined.select(3, 2),
                                          options);  // [1, 1, L, H, D]
    const Tensor projected = attention_out(context, out.reshape({length, heads * head_size}));
    return to_dtype(context, projected, DType::Float32);
}

Tensor T5Encoder::Layer::feed_forward(const Context& context, const Tensor& stream) const {
    const Tensor x = normalised(context, stream, feed_forward_norm);
    const Tensor inner = kernels::gelu_tanh_gate(context, gate(context, x), value(context, x));
    const Tensor out = feed_forward_out(context, to_dtype(context, inner, feed_forward_out.dtype()));
    return to_dtype(context, out, DType::Float32);
}

T5Config T5Config::from_json(const Json& config, std::string_view where) {
    T5Config result;
    T5Fields fields{result};
    read_options(FieldList(fields), config, where, {"d_model", "d_kv", "d_ff", "num_layers", "num_heads"});
    const auto type = config.find("model_type");
    result.biases_every_layer = type != config.end() && *type == "umt5";
    check(type == config.end() || *type == "t5" || result.biases_every_layer, ErrorCode::Unsupported,
          "{}: model_type is {}, only t5 and umt5 are supported", where, type == config.end() ? "" : type->dump());
    check_config(result, where);
    return result;
}

T5Encoder::T5Encoder(const Scope& scope, const T5Config& config) : config_(config) {
    embedding_ = bind_table(scope, config);
    const Scope blocks = scope / "encoder" / "block";
    for (int64_t i = 0; i < config.num_layers; ++i) {
        layers_.emplace_back((blocks / i).of_layer(), config);
        if (i > 0 && !config.biases_every_layer) continue;
        const Scope bias = blocks / i / "layer" / 0 / "SelfAttention" / "relative_attention_bias";
        relative_bias_.push_back(
            bias.as(DType::Float32).bind("weight", {config.relative_attention_num_buckets, config.num_heads}));
    }
    final_norm_ = (scope / "encoder" / "final_layer_norm").as(DType::Float32).bind("weight", {config.d_model});
}

T5Encoder::~T5Encoder() = default;
T5Encoder::T5Encoder(T5Encoder&&) noexcept = default;

/// [H, L, L] of a layer.
Tensor T5Encoder::position_bias(const Context& context, size_t layer, int64_t length) const {
    const RelativeBuckets buckets{config_.relative_attention_num_buckets, config_.relative_attention_max_distance};
    return pairwise_bias(context, relative_bias_[layer], buckets, length);
}

/// Attention's bias, the stream with its sums and norms, and the inside of the wider half of a layer.
int64_t T5Encoder::working_bytes(int64_t length) const {
    const int64_t item = size_of(embedding_.dtype());
    const int64_t inside = std::max(3 * config_.d_ff, 5 * config_.num_heads * config_.d_kv);
    const int64_t bias = config_.num_heads * length * size_of(DType::Float32);
    return length * (bias + 4 * config_.d_model * size_of(DType::Float32) + inside * item);
}

Tensor T5Encoder::operator()(const Context& context, const Tensor& ids, const Tensor& mask) const {
    const int64_t length = ids.dim(0);
    kernels::AttentionOptions options;
    options.scale = 1.0f;
    options.key_mask = mask.reshape({1, length});
    Tensor stream = to_dtype(context, kernels::gather_rows(context, embedding_, ids), DType::Float32);  // [L, D]
    for (size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        if (i < relative_bias_.size()) {
            options.bias = {};  // the largest tensor of all: never two at a time
            options.bias = position_bias(context, i, length);
        }
        stream = kernels::add(context, stream, layer.attend(context, stream, options));
        stream = kernels::add(context, stream, layer.feed_forward(context, stream));
    }
    const auto epsilon = static_cast<float>(config_.layer_norm_epsilon);
    return to_dtype(context, kernels::rms_norm(context, stream, final_norm_, epsilon), embedding_.dtype());
}

}  // namespace kine::dit
