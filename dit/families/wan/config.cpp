#include "dit/families/wan/config.h"

#include "dit/families/components.h"
#include "runtime/error.h"
#include "runtime/options.h"

#include <fmt/ranges.h>

#include <utility>
#include <vector>

namespace kine::dit::wan {

namespace {

/// The keys that we read, with the words that decide what kind of Wan this is.
struct Keys {
    Config& config;
    std::vector<int64_t> patch_size = {1, 2, 2};
    bool cross_attn_norm = true;
    std::string qk_norm = "rms_norm_across_heads";
    std::optional<int64_t> image_dim = {};
    std::optional<int64_t> added_kv_proj_dim = {};
    std::optional<int64_t> pos_embed_seq_len = {};

    template <class Visitor>
    void visit(Visitor& v) {
        v("num_attention_heads", config.num_attention_heads, "attention heads");
        v("attention_head_dim", config.attention_head_dim, "size of a head");
        v("in_channels", config.in_channels, "latent channels in");
        v("out_channels", config.out_channels, "latent channels out");
        v("text_dim", config.text_dim, "width of the text states");
        v("freq_dim", config.freq_dim, "sinusoids of the timestep");
        v("ffn_dim", config.ffn_dim, "inner width of the MLP");
        v("num_layers", config.num_layers, "blocks");
        v("rope_max_seq_len", config.rope_max_seq_len, "most positions along one axis");
        v("eps", config.eps, "epsilon of the norms");
        v("patch_size", patch_size, "frames, rows and columns of a patch");
        v("cross_attn_norm", cross_attn_norm, "whether cross attention sees normed tokens");
        v("qk_norm", qk_norm, "kind of norm of queries and keys");
        v("image_dim", image_dim, "width of an image encoder's rows");
        v("added_kv_proj_dim", added_kv_proj_dim, "width of an image's keys and values");
        v("pos_embed_seq_len", pos_embed_seq_len, "positions of image rows");
    }
};

void check_numbers(const Config& config, std::string_view where) {
    check_sizes(where, {{"num_attention_heads", config.num_attention_heads},
                        {"attention_head_dim", config.attention_head_dim},
                        {"in_channels", config.in_channels},
                        {"out_channels", config.out_channels},
                        {"text_dim", config.text_dim},
                        {"freq_dim", config.freq_dim},
                        {"ffn_dim", config.ffn_dim},
                        {"num_layers", config.num_layers},
                        {"rope_max_seq_len", config.rope_max_seq_len}});
    check(config.attention_head_dim % 2 == 0 && config.attention_head_dim >= 6, ErrorCode::BadInput,
          "{}: attention_head_dim is {}, expected an even number of at least 6", where, config.attention_head_dim);
    check(config.freq_dim % 2 == 0, ErrorCode::BadInput, "{}: freq_dim is {}, expected an even number", where,
          config.freq_dim);
    check(config.eps > 0 && config.eps < 1, ErrorCode::BadInput, "{}: eps is {}, expected above 0 and below 1", where,
          config.eps);
}

void check_class(const Json& json, std::string_view where) {
    const std::string name = text_of(json, "_class_name", where);
    check(name.empty() || name == "WanTransformer3DModel", ErrorCode::Unsupported,
          "{}: transformer '{}' is not supported, known is WanTransformer3DModel", where, name);
}

void check_kind(const Keys& keys, std::string_view where) {
    check(!keys.image_dim && !keys.added_kv_proj_dim && !keys.pos_embed_seq_len, ErrorCode::Unsupported,
          "{}: an image encoder's rows (image_dim, added_kv_proj_dim, pos_embed_seq_len), as in Wan 2.1 image to "
          "video, are not supported",
          where);
    check(keys.qk_norm == "rms_norm_across_heads" && keys.cross_attn_norm, ErrorCode::Unsupported,
          "{}: qk_norm is {} and cross_attn_norm {}, only rms_norm_across_heads and true are supported", where,
          keys.qk_norm, keys.cross_attn_norm);
    const std::vector<int64_t>& patch = keys.patch_size;
    check(patch.size() == 3 && patch[0] == 1 && patch[1] == patch[2] && patch[1] >= 1 && patch[1] <= 16,
          ErrorCode::Unsupported, "{}: patch_size is [{}], only one frame and as many rows as columns are supported",
          where, fmt::join(patch, ", "));
    check(keys.config.in_channels == keys.config.out_channels, ErrorCode::Unsupported,
          "{}: in_channels is {} and out_channels {}, as in image to video with a mask, only equal ones are supported",
          where, keys.config.in_channels, keys.config.out_channels);
}

}  // namespace

Config Config::from_json(const Json& json, std::string_view where) {
    Config config;
    Keys keys{config};
    read_options(FieldList(keys), json, where,
                 {"num_attention_heads", "attention_head_dim", "num_layers", "ffn_dim", "text_dim"});
    check_class(json, where);
    check_numbers(config, where);
    check_kind(keys, where);
    config.patch_size = keys.patch_size[1];
    return config;
}

PipelineConfig PipelineConfig::from_json(const Json& json, std::string_view where) {
    PipelineConfig config;
    struct Keys {
        PipelineConfig& config;
        void visit(FieldList& v) {
            v("boundary_ratio", config.boundary_ratio, "share of the training steps that the second expert serves");
            v("expand_timesteps", config.expand_timesteps, "a timestep for each token");
        }
    } keys{config};
    read_options(FieldList(keys), json, where);
    const auto second = json.find("transformer_2");
    config.has_second_expert =
        second != json.end() && second->is_array() && !second->empty() && !(*second)[0].is_null();
    check(config.has_second_expert == config.boundary_ratio.has_value(), ErrorCode::BadInput,
          "{}: boundary_ratio {}, transformer_2 {}, expected both or none", where,
          config.boundary_ratio ? "is given" : "is not given", config.has_second_expert ? "is too" : "neither");
    const double boundary = config.boundary_ratio.value_or(0);
    check(boundary >= 0 && boundary <= 1, ErrorCode::BadInput, "{}: boundary_ratio is {}, expected 0 to 1", where,
          boundary);
    return config;
}

}  // namespace kine::dit::wan
