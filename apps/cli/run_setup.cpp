#include "apps/cli/run_setup.h"

#include "apps/cli/config_file.h"

#include <fmt/core.h>

#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace kinescope::cli {

namespace {

constexpr size_t kMaxPromptBytes = 64 << 10;
constexpr const char* kDefaultTile = "32";  // latent pixels: 256 pixels for the usual factor of 8
constexpr const char* kScalingRanks = "1024";

/// Editors leave a byte order mark, CRLF and a last newline behind, which are not part of a prompt.
std::string clean_prompt(std::string text, const std::string& where) {
    if (text.find('\0') != std::string::npos) throw Error(KINE_USAGE, where + ": the prompt holds a NUL character");
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    std::string result;
    for (const char c : text) {
        if (c != '\r') result += c;
    }
    while (!result.empty() && result.back() == '\n') result.pop_back();
    return result;
}

std::string prompt_of(const Arguments& arguments) {
    if (arguments.has("prompt") && arguments.has("prompt_file")) {
        throw Error(KINE_USAGE, "prompt and prompt_file are both given, expected one");
    }
    if (arguments.has("prompt_file")) {
        const std::string file = arguments.text("prompt_file");
        return clean_prompt(read_file(file, kMaxPromptBytes), "prompt_file " + file);
    }
    if (arguments.text("prompt") == "-") return clean_prompt(read_file("-", kMaxPromptBytes), "standard input");
    return arguments.text("prompt");
}

Options session_options(const Arguments& arguments) {
    Options options = arguments.for_target(Target::Session);
    for (auto& [name, value] : options) {
        if (name == "scaling" && value == "true") value = kScalingRanks;  // the flag alone
    }
    return options;
}

std::string installed_model() {
    std::error_code failed;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
    return failed ? "" : (program.parent_path().parent_path() / "share" / "kinescope" / "demo").string();
}

}  // namespace

std::string model_directory(const Arguments& arguments) {
    if (arguments.has("model")) return arguments.text("model");
    const char* variable = std::getenv("KINE_DEMO_MODEL");
    if (variable != nullptr && *variable != '\0') return variable;
    for (const std::string& directory : {installed_model(), std::string(KINE_DEMO_MODEL_PATH)}) {
        std::error_code ignored;
        if (!directory.empty() && std::filesystem::is_directory(directory, ignored)) return directory;
    }
    throw Error(KINE_USAGE, "no --model is given and the embedded one is not found, KINE_DEMO_MODEL can name it");
}

Session make_session(const Arguments& arguments, bool with_model) {
    Options options = session_options(arguments);
    std::erase_if(options, [](const auto& option) { return option.first == "model"; });
    if (with_model) options.emplace_back("model", model_directory(arguments));
    return Session(options);
}

Session make_plan_session(const Arguments& arguments) {
    Options options = session_options(arguments);
    options.emplace_back("plan_only", "true");
    const bool has_place = arguments.has("model_preset") || arguments.has("model");
    if (!has_place) options.emplace_back("model", model_directory(arguments));
    return Session(options);
}

bool has_prompt(const Arguments& arguments) { return arguments.has("prompt") || arguments.has("prompt_file"); }

Request make_request(const Arguments& arguments) {
    Request request;
    for (const auto& [name, value] : arguments.for_target(Target::Request)) {
        if (name != "prompt") request.set(name, value);
    }
    const std::string prompt = prompt_of(arguments);
    request.set("prompt", prompt);
    if (has_prompt(arguments) && prompt.empty() && !arguments.flag("quiet")) say("warning: the prompt is empty");
    if (arguments.flag("vae_tiling") && !arguments.has("vae_tile")) request.set("vae_tile", kDefaultTile);
    if (arguments.flag("no_metadata")) request.set("metadata", "false");
    if (arguments.text("cfg_parallel") == "auto") {
        request.set("cfg_parallel_auto", "true");
    } else if (arguments.has("cfg_parallel")) {
        request.set("cfg_parallel", arguments.text("cfg_parallel"));
    }
    for (const char* flag : {"sequential_guidance", "dynamic_guidance", "overwrite"})
        if (arguments.flag(flag)) request.set(flag, "true");
    return request;
}

kine_callbacks callbacks_to(Progress& progress) {
    kine_callbacks callbacks = {};
    callbacks.user_data = &progress;
    callbacks.on_progress = [](void* data, const kine_progress* row) {
        static_cast<Progress*>(data)->show(*row);
        return 0;
    };
    callbacks.on_log = [](void* data, const char* level, const char* line) {
        static_cast<Progress*>(data)->log(level, line);
    };
    callbacks.on_stuck = [](void* data, kine_status status, const char* message) {
        static_cast<Progress*>(data)->clear();
        say(fmt::format("error: {}, and a rank hangs", message));
        _exit(status);  // not even destructors can be waited for
    };
    return callbacks;
}

void print_data(const std::string& text) {
    errno = 0;
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!written) throw Error(KINE_OUTPUT, fmt::format("standard output: {}", std::strerror(errno)));
}

}  // namespace kinescope::cli
