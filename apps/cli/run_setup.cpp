#include "apps/cli/run_setup.h"

#include "apps/cli/prompts.h"

#include <fmt/core.h>

#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace kinescope::cli {

namespace {

constexpr const char* kDefaultTile = "32";  // latent pixels: 256 pixels for the usual factor of 8
constexpr const char* kScalingRanks = "1024";

/// Every run writes it anew.
void check_trace(const std::string& trace) {
    if (!has_number(trace)) return;
    throw Error(KINE_USAGE,
                fmt::format("trace '{}': it holds the last run only, expected a name without {{n}}", trace));
}

Options session_options(const Arguments& arguments) {
    check_trace(arguments.text("trace"));
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

Request make_request(const Arguments& arguments) { return make_request(arguments, only_prompt_of(arguments)); }

Request make_request(const Arguments& arguments, const std::string& prompt) {
    Request request;
    for (const auto& [name, value] : arguments.for_target(Target::Request)) {
        if (name != "prompt") request.set(name, value);
    }
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

void print_data(const std::string& text) {
    errno = 0;
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!written) throw Error(KINE_OUTPUT, fmt::format("standard output: {}", std::strerror(errno)));
}

}  // namespace kinescope::cli
