// kinescope list: the tables of what can be chosen by name.
#include "apps/cli/commands/commands.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

constexpr const char* kTables[] = {"families", "policies", "qualities", "strategies", "clusters",
                                   "presets",  "samplers", "codecs",    "devices"};

std::string row_text(const Json& row) {
    std::string text = fmt::format("  {:<18}", row.value("name", ""));
    if (row.contains("endings")) text += fmt::format(" {:<16}", row["endings"].get<std::string>());
    return fmt::format("{} {}\n", text,
                       row.contains("summary") ? row["summary"].get<std::string>() : row.value("help", ""));
}

/// The first of `keys` that a configuration has; families name the same size differently.
int64_t size_in(const Json& config, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
        if (config.contains(key)) return config[key].get<int64_t>();
    }
    return 0;
}

std::string transformer_text(const Json& config) {
    const int64_t heads = size_in(config, {"num_attention_heads", "num_heads"});
    const int64_t head = config.contains("hidden_size") ? config["hidden_size"].get<int64_t>() / heads
                                                        : size_in(config, {"attention_head_dim"});
    return fmt::format("{} layers, {} heads x {}", size_in(config, {"num_layers", "depth"}), heads, head);
}

/// A published checkpoint, what a run of it takes by itself, and how large it is.
std::string preset_text(const Json& preset) {
    const Json& defaults = preset["defaults"];
    const std::string second = defaults.contains("guidance_scale_2")
                                   ? fmt::format(", then {}", defaults["guidance_scale_2"].get<double>())
                                   : "";
    return fmt::format(
        "    {:<22} {} x {}, {} frames at {} a second, {} steps of {}, guidance {}{}\n{:<27}{}; pab {}\n",
        preset.value("name", ""), defaults.value("width", 0), defaults.value("height", 0),
        defaults.value("num_frames", 0), defaults.value("fps", ""), defaults.value("steps", 0),
        preset.value("sampler", ""), defaults.value("guidance_scale", 0.0), second, "",
        transformer_text(preset["transformer"]), defaults.value("pab", ""));
}

std::string build_text(const Json& build) {
    std::string text;
    for (const auto& [key, value] : build.items())
        text += fmt::format("  {:<18} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
    return text;
}

std::string table_text(const std::string& name) {
    const Json rows = Json::parse(list(name));
    std::string text = name + "\n";
    if (name == "build") return text + build_text(rows.front());
    for (const Json& row : rows) {
        text += row_text(row);
        for (const Json& preset : row.value("presets", Json::array())) text += preset_text(preset);
    }
    return text;
}

}  // namespace

int run_list(const Arguments& arguments, Surroundings&) {
    const bool as_data = arguments.flag("json");
    if (!arguments.positional.empty()) {
        const std::string& name = arguments.positional.front();
        print_data(as_data ? Json::parse(list(name)).dump(2) + "\n" : table_text(name));
        return KINE_OK;
    }
    Json all = Json::object();
    std::string text;
    for (const char* name : kTables) {
        all[name] = Json::parse(list(name));
        text += table_text(name);
    }
    print_data(as_data ? all.dump(2) + "\n" : text);
    return KINE_OK;
}

}  // namespace kinescope::cli
