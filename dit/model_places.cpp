#include "dit/model_places.h"

#include "dit/families/families.h"
#include "dit/hub_cache.h"
#include "dit/model_parts.h"
#include "dit/nearest_preset.h"
#include "dit/presets.h"
#include "dit/text/t5_sizes.h"
#include "runtime/io/torch_file.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

constexpr const char* kOwnPreset = "preset.json";  // configurations that no published preset holds

/// The parts of one model among the files of a directory.
struct Parts {
    fs::path root;
    std::vector<WeightGroup> groups;
    std::vector<const WeightGroup*> transformers;  ///< one, or for much noise and for little
    const WeightGroup* text = nullptr;
    const WeightGroup* vae = nullptr;

    const Family& family() const { return *transformers.front()->family; }
};

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

std::vector<const WeightGroup*> with_role(const Parts& parts, Role role) {
    std::vector<const WeightGroup*> found;
    for (const WeightGroup& group : parts.groups) {
        if (group.role == role) found.push_back(&group);
    }
    return found;
}

std::string names_of(const std::vector<const WeightGroup*>& groups) {
    std::vector<std::string> names;
    for (const WeightGroup* group : groups) names.push_back(group->name);
    return fmt::format("{}", fmt::join(names, ", "));
}

bool is_comfy_folder(const std::string& name) { return name == "diffusion_models" || name == "unet"; }

/// Words of a name in lower case: "Wan2_2-A14B_HIGH" -> wan2 2 a14b high.
std::vector<std::string> words_of(const std::string& name) {
    std::vector<std::string> words(1);
    for (const char c : name) {
        if (!std::isalnum(static_cast<unsigned char>(c)))
            words.emplace_back();
        else
            words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return words;
}

/// The two experts of Wan 2.2 A14B go by their names, since nothing in them tells which is which: "high_noise",
/// "highnoise", or, where the name says A14B, "high" alone.
bool is_expert(const WeightGroup& group, const std::string& level) {
    const std::vector<std::string> words = words_of(group.name);
    const bool is_pair = std::ranges::find(words, "a14b") != words.end();
    for (size_t i = 0; i < words.size(); ++i) {
        if (words[i] == level + "noise") return true;
        if (words[i] == level && (is_pair || (i + 1 < words.size() && words[i + 1] == "noise"))) return true;
    }
    return false;
}
bool is_for_little_noise(const WeightGroup& group) { return is_expert(group, "low"); }
bool is_for_much_noise(const WeightGroup& group) { return is_expert(group, "high"); }

/// The name without what tells experts apart.
std::vector<std::string> common_words(const WeightGroup& group) {
    std::vector<std::string> words = words_of(group.name);
    std::erase_if(words, [](const std::string& word) {
        return word == "high" || word == "low" || word == "noise" || word == "highnoise" || word == "lownoise";
    });
    return words;
}

/// Of all experts those that go with `named`: the other one by the same name, if there is one, else all others.
void keep_partners(std::vector<const WeightGroup*>& found, const WeightGroup& named) {
    const auto is_partner = [&](const WeightGroup* group) {
        return is_for_much_noise(*group) != is_for_much_noise(named) && common_words(*group) == common_words(named);
    };
    const bool has_namesake = std::ranges::any_of(found, is_partner);
    std::erase_if(found, [&](const WeightGroup* group) {
        if (group == &named) return false;
        if (!is_for_much_noise(*group) && !is_for_little_noise(*group)) return true;
        return has_namesake && !is_partner(group);
    });
}

void pair_experts(Parts& parts) {
    std::vector<const WeightGroup*>& found = parts.transformers;
    std::stable_partition(found.begin(), found.end(),
                          [](const WeightGroup* group) { return !is_for_little_noise(*group); });
    const bool is_pair = found.size() == 2 && is_for_much_noise(*found[0]) && is_for_little_noise(*found[1]);
    check(is_pair || found.size() == 1, ErrorCode::BadInput,
          "{}: holds {} transformers ({}), expected one, or one with high_noise and one with low_noise in its name; "
          "--model can name one file",
          parts.root.string(), found.size(), names_of(found));
    const bool is_half = !is_pair && (is_for_much_noise(*found[0]) || is_for_little_noise(*found[0]));
    check(!is_half, ErrorCode::BadInput, "{}: '{}' is one of two experts, the other is missing", parts.root.string(),
          found[0]->name);
}

/// What cannot be read may be what is looked for.
std::string unreadable_files(const Parts& parts) {
    std::string text;
    for (const WeightGroup& group : parts.groups) {
        if (!group.unreadable.empty()) text += "; " + group.unreadable;
    }
    return text;
}

[[noreturn]] void fail_without_transformer(const Parts& parts) {
    for (const WeightGroup& group : parts.groups) {
        check(group.foreign.empty(), ErrorCode::Unsupported,
              "{}: '{}' is a transformer of {}, which is not supported; known are the families of `kinescope list`",
              parts.root.string(), group.name, group.foreign);
    }
    fail(ErrorCode::BadInput, "{}: neither model_index.json nor a transformer that we know among {} weight files{}",
         parts.root.string(), parts.groups.size(), unreadable_files(parts));
}

/// `file`: the transformer that was asked for by name, or empty.
void choose_transformers(Parts& parts, const fs::path& file) {
    std::vector<const WeightGroup*> found = with_role(parts, Role::Transformer);
    const auto holds_file = [&](const WeightGroup* group) { return holds(*group, file); };
    if (!file.empty()) {
        const auto named = std::find_if(found.begin(), found.end(), holds_file);
        if (named != found.end() && (is_for_much_noise(**named) || is_for_little_noise(**named)))
            keep_partners(found, **named);
        else
            std::erase_if(found, [&](const WeightGroup* group) { return !holds_file(group); });
    }
    if (found.empty()) fail_without_transformer(parts);
    for (const WeightGroup* group : found) {
        check(group->foreign.empty(), ErrorCode::Unsupported, "{}: '{}' is a transformer of {}, which is not supported",
              parts.root.string(), group->name, group->foreign);
        check_shards(*group);
    }
    parts.transformers = found;
    pair_experts(parts);
}

/// One of a model's parts beside its transformer, and the file that was named for it.
struct Wanted {
    std::string_view what;
    std::string_view option;
    const fs::path& file;
};

/// Null where there is none, which `missing` then says.
const WeightGroup* only_one(const Parts& parts, std::vector<const WeightGroup*> found, const Wanted& wanted,
                            std::vector<std::string>& missing) {
    const auto& [what, option, file] = wanted;
    if (!file.empty()) {
        std::erase_if(found, [&](const WeightGroup* group) { return !holds(*group, file); });
        check(!found.empty(), ErrorCode::BadInput, "{}: '{}' is no {} for this {}", option, file.string(), what,
              parts.family().name);
    }
    check(found.size() <= 1, ErrorCode::BadInput,
          "{}: holds {} files that could be the {} ({}), expected one; {} can name one", parts.root.string(),
          found.size(), what, names_of(found), option);
    if (!found.empty()) {
        check_shards(*found.front());
        return found.front();
    }
    missing.push_back(fmt::format("the {} is missing{}", what, unreadable_files(parts)));
    return nullptr;
}

std::vector<const WeightGroup*> vaes_for(const Parts& parts, int64_t latent_channels) {
    std::vector<const WeightGroup*> found = with_role(parts, Role::Vae);
    std::erase_if(found, [&](const WeightGroup* group) {
        if (group->family != &parts.family()) return true;
        const Weights weights = open_group(*group, *parts.family().original, Role::Vae);
        for (const char* first : {"decoder.conv_in.weight", "decoder.conv_in.conv.weight"}) {
            if (!weights.contains(first)) continue;
            const Shape& shape = weights.entry(first).shape;
            return shape.rank() < 2 || shape[1] != latent_channels;
        }
        return true;
    });
    return found;
}

std::vector<const WeightGroup*> texts_for(const Parts& parts) {
    std::vector<const WeightGroup*> found = with_role(parts, Role::TextEncoder);
    const bool wants_umt5 = parts.family().original->has_umt5;
    std::erase_if(found, [&](const WeightGroup* group) { return !group->is_any_t5 && group->is_umt5 != wants_umt5; });
    return found;
}

/// The original repository's own configuration, beside a transformer or above it; null where there is none.
Json original_config(const Parts& parts) {
    const auto read = parts.family().original->config;
    const fs::path beside = parts.transformers.front()->files.front().parent_path() / "config.json";
    for (const fs::path& file : {beside, parts.root / "config.json"}) {
        if (!read || !is_there(file)) continue;
        const Json json = read_json(file);
        const Json ours = json.is_object() ? read(json) : Json();
        if (!ours.is_null()) return ours;
    }
    return {};
}

/// Blocks are counted; that the last ones are missing only a configuration can tell.
void check_blocks(const Parts& parts, const Json& stated, const Json& counted) {
    if (!stated.is_object() || !stated.contains("num_layers") || !counted.contains("num_layers")) return;
    check(stated["num_layers"] == counted["num_layers"], ErrorCode::BadInput,
          "'{}': its configuration says num_layers {}, its tensors are those of {} blocks",
          parts.transformers.front()->name, stated["num_layers"].dump(), counted["num_layers"].dump());
}

/// A published model, or the one most like this in the sizes that the transformer's tensors and configuration tell.
Preset preset_for(const Parts& parts) {
    if (is_there(parts.root / kOwnPreset)) return find_preset((parts.root / kOwnPreset).string());
    const Dialect& dialect = *parts.family().original;
    const Weights weights = open_group(*parts.transformers.front(), dialect, Role::Transformer);
    const Json stated = original_config(parts);
    const auto preset = nearest_preset([&](const Preset& candidate) {
        const bool has_pair = candidate.source.parts.contains("transformer_2");
        if (&family_of(candidate.source) != &parts.family() || has_pair != (parts.transformers.size() == 2))
            return Json();
        Json published = candidate.source.config("transformer", "");
        if (!stated.is_null()) published.update(stated);
        Json sizes = dialect.transformer_sizes(weights, published);
        check_blocks(parts, stated, sizes);
        return sizes;
    });
    check(preset.has_value(), ErrorCode::Unsupported, "{}: no checkpoint that we know has {} transformers of {}",
          parts.root.string(), parts.transformers.size(), parts.family().name);
    return *preset;
}

/// A tokenizer inside the text encoder's file, as ComfyUI has it; else the folder with spiece.model.
PartSource tokenizer_of(const Parts& parts, std::vector<std::string>& missing) {
    PartSource tokenizer;
    const SafetensorsFile text = open_tensor_file(parts.text->files.front());
    if (text.contains("spiece_model")) {
        const Tensor bytes = text.tensor("spiece_model");
        tokenizer.spiece_model.assign(reinterpret_cast<const char*>(bytes.raw()), static_cast<size_t>(bytes.bytes()));
        return tokenizer;
    }
    std::error_code ignored;
    for (const fs::directory_entry& file : fs::recursive_directory_iterator(parts.root, ignored)) {
        if (file.path().filename() == "spiece.model") tokenizer.folder = file.path().parent_path();
    }
    if (tokenizer.folder.empty())
        missing.push_back(fmt::format(
            "the tokenizer is missing, looked for spiece.model and a tensor spiece_model in {}", parts.text->name));
    return tokenizer;
}

/// Of what lies beside the transformer, over the published ones.
void take_sizes(const Parts& parts, ModelSource& source) {
    if (is_there(parts.root / kOwnPreset)) return;
    const Dialect& dialect = *parts.family().original;
    const auto take = [&](const char* part, const WeightGroup* group, Role role, auto sizes) {
        if (!group) return;
        Json& config = source.parts[part].config;
        config = sizes(open_group(*group, dialect, role), config);
    };
    take("vae", parts.vae, Role::Vae, dialect.vae_sizes);
    take("text_encoder", parts.text, Role::TextEncoder, t5_sizes);
}

void place_parts(const Parts& parts, ModelSource& source) {
    source.parts["transformer"].weights = parts.transformers[0]->files;
    if (parts.transformers.size() == 2) source.parts["transformer_2"].weights = parts.transformers[1]->files;
    if (parts.vae) source.parts["vae"].weights = parts.vae->files;
    take_sizes(parts, source);
    if (!parts.text) return;
    source.parts["text_encoder"].weights = parts.text->files;
    source.parts["tokenizer"] = tokenizer_of(parts, source.missing);
}

/// Names tell ours from the others'; those of ComfyUI's files are the original ones in folders of its own.
std::string dialect_of(const Parts& parts) {
    const WeightGroup& transformer = *parts.transformers.front();
    const Weights weights = Weights::open_files(transformer.files);
    if (weights.contains(std::string(parts.family().original->transformer_mark))) return "diffusers names";
    return is_comfy_folder(fs::path(transformer.name).begin()->string()) ? "comfy" : "original";
}

/// What lies beside the transformer's configuration, over what is published.
void take_configs(const fs::path& root, ModelSource& source) {
    for (const char* part : {"transformer_2", "vae", "text_encoder"}) {
        const fs::path file = root / part / "config.json";
        if (source.parts.contains(part) && is_there(file)) source.parts[part].config = read_json(file);
    }
}

/// A directory with configurations and no weights: all that a plan needs. As diffusers, Wan 2.2 and Wan 2.1 lay out
/// their transformers.
std::optional<ModelSource> source_of_lone_config(const fs::path& root) {
    const std::pair<const char*, const char*> layouts[] = {
        {"transformer", "transformer_2"}, {"high_noise_model", "low_noise_model"}, {"", ""}};
    for (const auto& [first, second] : layouts) {
        const fs::path file = root / first / "config.json";
        if (!is_there(file)) continue;
        const bool is_pair = *second != '\0' && is_there(root / second / "config.json");
        ModelSource source = source_of_config(read_json(file), file.string(), is_pair);
        take_configs(root, source);
        return source;
    }
    return std::nullopt;
}

/// A file named for another part than it holds is not added; choosing that part then says so.
void add_group_of(Parts& parts, const fs::path& file, Role role) {
    const auto has_it = [&](const WeightGroup& group) { return holds(group, file); };
    if (file.empty() || std::ranges::any_of(parts.groups, has_it)) return;
    WeightGroup group = weight_group_of(file);
    if (group.role == role) parts.groups.push_back(std::move(group));
}

ModelSource source_of_parts(const fs::path& root, const fs::path& file, const NamedFiles& named) {
    Parts parts{root, weight_groups(root), {}};
    if (parts.groups.empty()) {
        if (auto planned = source_of_lone_config(root)) return *planned;
    }
    add_group_of(parts, named.vae, Role::Vae);
    add_group_of(parts, named.text_encoder, Role::TextEncoder);
    choose_transformers(parts, file);
    const Preset preset = preset_for(parts);
    ModelSource source = preset.source;
    source.label = (file.empty() ? root : file).string();
    source.root = root;
    source.dialect = fmt::format("{}, configured as {}", dialect_of(parts), preset.source.label);
    const Json transformer = source.config("transformer", "");
    const int64_t channels = transformer.value("out_channels", int64_t{0});
    parts.vae = only_one(parts, vaes_for(parts, channels), {"VAE", "vae", named.vae}, source.missing);
    parts.text =
        only_one(parts, texts_for(parts), {"text encoder", "text_encoder", named.text_encoder}, source.missing);
    place_parts(parts, source);
    return source;
}

/// ComfyUI keeps each kind of file in a folder of its own.
fs::path root_of_file(const fs::path& file) {
    const fs::path folder = fs::absolute(file).parent_path();
    return is_comfy_folder(folder.filename().string()) ? folder.parent_path() : folder;
}

}  // namespace

namespace {

/// As given, or as what lies in the working directory.
NamedFiles absolute(const NamedFiles& named) {
    const auto whole = [](const char* option, const fs::path& file) {
        std::error_code ignored;
        check(file.empty() || fs::is_regular_file(file, ignored), ErrorCode::BadInput,
              "{} '{}': no such file, or not one", option, file.string());
        return file.empty() ? file : fs::absolute(file).lexically_normal();
    };
    return {whole("vae", named.vae), whole("text_encoder", named.text_encoder)};
}

ModelSource source_of_directory(const std::string& place, const NamedFiles& named) {
    ModelSource source = diffusers_source(place);
    if (!named.vae.empty()) source.parts["vae"].weights = weight_group_of(named.vae).files;
    if (!named.text_encoder.empty()) source.parts["text_encoder"].weights = weight_group_of(named.text_encoder).files;
    return source;
}

}  // namespace

ModelSource find_model(const std::string& place, const fs::path& hub_cache, const NamedFiles& given) {
    const NamedFiles named = absolute(given);
    std::error_code ignored;
    if (!is_there(place) && is_hub_name(place))
        return find_model(cached_snapshot(place, hub_cache).string(), {}, named);
    if (fs::is_regular_file(place, ignored)) {
        check(is_weight_file(place), ErrorCode::Unsupported,
              "{}: expected a model directory, .safetensors, .pt or .pth{}", place,
              fs::path(place).extension() == ".gguf" ? "; GGUF is not supported" : "");
        return source_of_parts(root_of_file(place), fs::absolute(place), named);
    }
    if (!fs::is_directory(place, ignored) || is_there(fs::path(place) / "model_index.json"))
        return source_of_directory(place, named);
    return source_of_parts(place, {}, named);
}

}  // namespace kine::dit
