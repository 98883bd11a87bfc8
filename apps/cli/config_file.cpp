#include "apps/cli/config_file.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxConfigBytes = 1 << 20;

/// Without the library's own name for the error.
std::string in_short(std::string_view text) {
    const size_t bracket = text.find("] ");
    return std::string(bracket == std::string_view::npos ? text : text.substr(bracket + 2));
}

/// Duplicate names are refused: two readers of one file could take different ones. Depth is bounded for the same
/// parser's sake.
Json parse_strictly(const std::string& text, const std::string& file) {
    std::vector<std::vector<std::string>> seen;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
        if (depth > 8) throw Error(KINE_USAGE, fmt::format("config {}: nested too deeply", file));
        if (event == Json::parse_event_t::object_start) seen.emplace_back();
        if (event == Json::parse_event_t::object_end) seen.pop_back();
        if (event != Json::parse_event_t::key) return true;
        for (const std::string& name : seen.back()) {
            if (name == value) throw Error(KINE_USAGE, fmt::format("config {}: '{}' stands there twice", file, name));
        }
        seen.back().push_back(value);
        return true;
    };
    try {
        return Json::parse(text, watch);
    } catch (const Json::exception& error) {
        throw Error(KINE_USAGE, fmt::format("config {}: {}", file, in_short(error.what())));
    }
}

std::string as_text(const Json& value, const std::string& where) {
    if (value.is_string()) {
        const std::string text = value;
        if (text.find('\0') != std::string::npos) throw Error(KINE_USAGE, where + ": holds a NUL character");
        return text;
    }
    if (value.is_number() || value.is_boolean()) return value.dump();
    throw Error(KINE_USAGE, where + ": expected a text, a number or true or false");
}

void set_from_config(const OptionRow& row, const Json& value, const std::string& where, Arguments& arguments) {
    if (row.value.empty()) {
        if (!value.is_boolean()) throw Error(KINE_USAGE, where + ": expected true or false");
        if (value.get<bool>()) arguments.add(row.key, "true");
        return;
    }
    if (!row.repeatable || !value.is_array()) {
        arguments.add(row.key, as_text(value, where));
        return;
    }
    for (const Json& item : value) arguments.add(row.key, as_text(item, where));
}

[[noreturn]] void refuse_name(const std::string& name, const std::string& file, unsigned command) {
    std::vector<std::string> known;
    for (const OptionRow& row : option_rows()) {
        if (row.commands & command) known.emplace_back(row.key);
    }
    const std::string close = nearest(name, known);
    throw Error(KINE_USAGE, fmt::format("config {}: unknown option '{}'{}", file, name,
                                        close.empty() ? "" : ", did you mean '" + close + "'?"));
}

}  // namespace

std::string read_file(std::string_view option, const std::string& path, size_t max_bytes) {
    const std::string name = fmt::format("{} '{}'", option, path);
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) throw Error(KINE_BAD_INPUT, name + " is a folder");
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
        path == "-" ? stdin : std::fopen(path.c_str(), "rb"),
        path == "-" ? [](std::FILE*) { return 0; } : &std::fclose);
    if (!file) throw Error(KINE_BAD_INPUT, fmt::format("{}: {}", name, std::strerror(errno)));
    std::string text(max_bytes + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) throw Error(KINE_BAD_INPUT, name + ": cannot be read");
    if (text.size() > max_bytes) {
        throw Error(KINE_USAGE, fmt::format("{}: expected at most {} bytes", name, max_bytes));
    }
    return text;
}

Arguments read_config(const std::string& file, unsigned command) {
    const Json config = parse_strictly(read_file("config", file, kMaxConfigBytes), file);
    if (!config.is_object()) throw Error(KINE_USAGE, fmt::format("config {}: expected a JSON object", file));
    Arguments arguments;
    for (const auto& [name, value] : config.items()) {
        const OptionRow* row = find_row(name, command);
        if (row == nullptr) refuse_name(name, file, command);
        set_from_config(*row, value, fmt::format("config {}: {}", file, name), arguments);
    }
    return arguments;
}

std::string print_config(const Arguments& arguments) {
    Json config = Json::object();
    for (const OptionRow& row : option_rows()) {
        if (!arguments.has(row.key) || row.key == "config" || row.key == "print_config" || row.key == "size") continue;
        if (row.value.empty()) {
            config[std::string(row.key)] = true;
        } else if (row.repeatable && (row.target == Target::Program || arguments.all(row.key).size() > 1)) {
            config[std::string(row.key)] = arguments.all(row.key);  // but one prompt is a text
        } else {
            config[std::string(row.key)] = arguments.text(row.key);
        }
    }
    return config.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kinescope::cli
