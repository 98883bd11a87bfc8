#include "tests/apps/support/prompt_runs.h"

#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace kine::apps {

std::vector<std::string> several(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"generate", "-m", tiny_model()};
    const auto lacks = [&](const char* option) { return std::ranges::find(more, option) == more.end(); };
    if (lacks("--seed")) arguments.insert(arguments.end(), {"--seed", "7"});
    if (lacks("--steps")) arguments.insert(arguments.end(), {"--steps", "2"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

std::string video_alone(const std::string& prompt, int seed, const std::vector<std::string>& more) {
    const TemporaryFolder folder;
    std::vector<std::string> arguments = more;
    arguments.insert(arguments.end(), {"-p", prompt, "--seed", std::to_string(seed), "-o", folder / "alone.y4m"});
    const Ended ended = run(several(arguments));
    EXPECT_EQ(ended.status, 0) << ended.error;
    return content_of(folder / "alone.y4m");
}

void expect_videos_of(const std::filesystem::path& folder, const std::vector<std::string>& prompts) {
    for (size_t i = 0; i < prompts.size(); ++i) {
        const std::string video = content_of(folder / fmt::format("{}.y4m", i + 1));
        EXPECT_FALSE(video.empty()) << prompts[i];
        EXPECT_TRUE(video == video_alone(prompts[i], 7 + static_cast<int>(i))) << prompts[i];
    }
}

std::map<int, int> steps_by_rank(const std::filesystem::path& trace) {
    std::map<int, int> steps;
    const nlohmann::json events = nlohmann::json::parse(content_of(trace)).at("traceEvents");
    for (const nlohmann::json& event : events) {
        if (event.at("name") == "step") ++steps[event.at("pid").get<int>()];
    }
    return steps;
}

}  // namespace kine::apps
