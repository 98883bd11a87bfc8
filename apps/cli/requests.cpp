#include "apps/cli/requests.h"

#include "apps/cli/prompts.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <filesystem>
#include <limits>
#include <map>

namespace kinescope::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultOutput = "kinescope.mp4";
constexpr const char* kDefaultOutputs = "kinescope-{n}.mp4";

std::vector<std::string> outputs_of(const Arguments& arguments, size_t prompts) {
    std::vector<std::string> targets = arguments.all("output");
    if (targets.empty()) targets.emplace_back(prompts == 1 ? kDefaultOutput : kDefaultOutputs);
    return targets;
}

void check_pattern(const std::string& what, const std::string& pattern, size_t prompts) {
    if (prompts == 1 || has_number(pattern)) return;
    if (pattern == "-") {
        throw Error(KINE_USAGE, fmt::format("{} '-': standard output takes one video, {} prompts are given; expected "
                                            "a file name with {{n}}, which becomes the prompt's number",
                                            what, prompts));
    }
    const fs::path path(pattern);
    const std::string example = (path.parent_path() / ("{n}-" + path.filename().string())).string();
    throw Error(KINE_USAGE, fmt::format("{} '{}': {} prompts are given, expected {{n}} where the prompt's number goes, "
                                        "e.g. '{}'",
                                        what, pattern, prompts, example));
}

/// Of all prompts: what the library sees of one request at a time.
class TakenNames {
  public:
    void add(const std::string& name, size_t prompt) {
        if (name == "-") return;
        std::error_code ignored;
        const auto [other, is_new] = seen_.emplace(fs::weakly_canonical(name, ignored), prompt);
        if (is_new || other->second == prompt) return;  // within a request the library says which options disagree
        throw Error(KINE_USAGE, fmt::format("output '{}': prompts {} and {} would both be written to it", name,
                                            other->second, prompt));
    }

  private:
    std::map<fs::path, size_t> seen_;
};

void add_outputs(Request& request, const Arguments& arguments, const PromptNumber& which, TakenNames& taken) {
    Options options = arguments.for_target(Target::Output);
    if (arguments.flag("overwrite")) options.emplace_back("overwrite", "true");
    for (const std::string& pattern : outputs_of(arguments, which.count)) {
        check_pattern("output", pattern, which.count);
        if (pattern == "-" && isatty(STDOUT_FILENO) != 0) {
            throw Error(KINE_USAGE, "output '-': standard output is a terminal, expected a pipe or a file");
        }
        const std::string target = numbered(pattern, which);
        request.add_output(target, options);
        taken.add(target, which.number);
    }
    if (!arguments.has("save_latents")) return;
    check_pattern("save_latents", arguments.text("save_latents"), which.count);
    const std::string latents = numbered(arguments.text("save_latents"), which);
    request.set("save_latents", latents);
    taken.add(latents, which.number);
}

uint64_t seed_of(const Request& request) { return nlohmann::json::parse(request.describe())["seed"]; }

std::string seed_after(uint64_t first, const PromptNumber& which) {
    const uint64_t distance = which.number - 1;
    if (first > std::numeric_limits<uint64_t>::max() - distance) {
        throw Error(KINE_USAGE, fmt::format("seed {}: {} prompts need as many seeds from there on, the largest is {}",
                                            first, which.count, std::numeric_limits<uint64_t>::max()));
    }
    return std::to_string(first + distance);
}

/// What is wrong with a prompt is said of the prompt.
Request request_for(const Arguments& arguments, const std::string& prompt, const PromptNumber& which) {
    try {
        return make_request(arguments, prompt);
    } catch (const Error& error) {
        throw Error(error.status(), which.label() + error.what());
    }
}

}  // namespace

std::vector<Request> make_requests(const Arguments& arguments, const Ranks& ranks) {
    const std::vector<std::string> prompts = prompts_of(arguments);
    const auto number = [&](size_t index) { return PromptNumber{index + 1, prompts.size()}; };
    TakenNames taken;
    std::vector<Request> requests;
    requests.push_back(request_for(arguments, prompts.front(), number(0)));
    ranks.agree(requests);  // on the first seed
    const uint64_t seed = seed_of(requests.front());
    for (size_t i = 1; i < prompts.size(); ++i) {
        requests.push_back(request_for(arguments, prompts[i], number(i)));
        requests.back().set("seed", seed_after(seed, number(i)));
    }
    for (size_t i = 0; i < prompts.size(); ++i) add_outputs(requests[i], arguments, number(i), taken);
    return requests;
}

}  // namespace kinescope::cli
