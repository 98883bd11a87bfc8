#include "dit/families/open_sora/config.h"

#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <cmath>
#include <utility>

namespace kine::dit::open_sora {

namespace {

constexpr int64_t kLargest = 1 << 16;

/// The JSON keys that this implementation reads, and those whose only accepted value is the published one.
struct Keys {
    Config& config;
    bool skip_y_embedder = false;

    template <class Visitor>
    void visit(Visitor& v) {
        v("depth", config.depth, "pairs of spatial and temporal blocks");
        v("hidden_size", config.hidden_size, "channels of a token");
        v("num_heads", config.num_heads, "heads");
        v("mlp_ratio", config.mlp_ratio, "channels inside an MLP for each of a token");
        v("in_channels", config.in_channels, "latent channels in");
        v("patch_size", config.patch_size, "latent frames, rows and columns of a patch");
        v("input_sq_size", config.input_sq_size, "side in pixels at which positions count patches");
        v("caption_channels", config.caption_channels, "width of the text states");
        v("model_max_length", config.model_max_length, "tokens of a prompt");
        v("pred_sigma", config.pred_sigma, "whether the output has twice the channels");
        v("qk_norm", config.qk_norm, "whether queries and keys are normed");
        v("skip_y_embedder", skip_y_embedder, "whether captions come projected");
    }
};

void check_version(const Json& json, std::string_view where) {
    for (const char* key : {"_class_name", "model_type"}) {
        const std::string name = json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "STDiT3";
        check(name == "STDiT3", ErrorCode::Unsupported, "{}: {} is '{}', known is STDiT3 (Open-Sora 1.2)", where, key,
              name);
    }
}

void check_numbers(const Config& config, std::string_view where) {
    check_sizes(where, {{"depth", config.depth},
                        {"hidden_size", config.hidden_size},
                        {"num_heads", config.num_heads},
                        {"in_channels", config.in_channels},
                        {"input_sq_size", config.input_sq_size},
                        {"caption_channels", config.caption_channels},
                        {"model_max_length", config.model_max_length}});
    check(std::isfinite(config.mlp_ratio) && config.mlp_channels() >= 1 && config.mlp_channels() <= kLargest,
          ErrorCode::BadInput, "{}: mlp_ratio is {}, expected an MLP of 1 to {} channels", where, config.mlp_ratio,
          kLargest);
}

void check_shapes(const Config& config, std::string_view where) {
    check(config.hidden_size % config.num_heads == 0 && config.hidden_size % 4 == 0 && config.head_size() % 2 == 0,
          ErrorCode::BadInput, "{}: hidden_size {} with {} heads, expected a multiple of 4 and heads of an even size",
          where, config.hidden_size, config.num_heads);
    const std::vector<int64_t>& patch = config.patch_size;
    const bool is_known = patch.size() == 3 && patch[0] == 1 && patch[1] == patch[2];
    check(is_known && patch[2] >= 1 && patch[2] <= 64, ErrorCode::Unsupported,
          "{}: patch_size is {}, known are one frame and squares [1, p, p]", where, Json(patch).dump());
}

}  // namespace

Config Config::from_json(const Json& json, std::string_view where) {
    check(json.is_object(), ErrorCode::BadInput, "{}: expected an object", where);
    check_version(json, where);
    Config config;
    Keys keys{config};
    read_options(FieldList(keys), json, where, {"depth", "hidden_size", "num_heads"});
    check_numbers(config, where);
    check_shapes(config, where);
    check(!keys.skip_y_embedder, ErrorCode::Unsupported, "{}: skip_y_embedder is true, known is false", where);
    return config;
}

}  // namespace kine::dit::open_sora
