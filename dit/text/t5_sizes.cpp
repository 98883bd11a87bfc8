#include "dit/text/t5_sizes.h"

#include "runtime/io/json.h"
#include "runtime/weight_sizes.h"

namespace kine::dit {

Json t5_sizes(const Weights& ours, Json config) {
    const std::string first = "encoder.block.0.layer.";
    const std::string attention = first + "0.SelfAttention.";
    const char* table = ours.contains("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight";
    const int64_t heads = size_of(ours, attention + "relative_attention_bias.weight", 1);
    config["vocab_size"] = size_of(ours, table, 0);
    config["d_model"] = size_of(ours, table, 1);
    config["num_heads"] = heads;
    config["d_kv"] = size_of(ours, attention + "q.weight", 0) / heads;
    config["d_ff"] = size_of(ours, first + "1.DenseReluDense.wi_0.weight", 0);
    config["num_layers"] = count_blocks(ours, "encoder.block");
    config["relative_attention_num_buckets"] = size_of(ours, attention + "relative_attention_bias.weight", 0);
    return config;
}

}  // namespace kine::dit
