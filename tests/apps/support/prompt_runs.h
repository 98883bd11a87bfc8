// Runs of several prompts with the tiny model, and what each prompt makes alone.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kine::apps {

/// "generate" with the tiny model, seed 7, two steps unless `more` says otherwise, and then `more`.
std::vector<std::string> several(const std::vector<std::string>& more);
/// The bytes of the Y4M file that a prompt makes alone, with that seed.
std::string video_alone(const std::string& prompt, int seed, const std::vector<std::string>& more = {});
/// `folder` holds 1.y4m and so on, each what its prompt makes alone with seed 7 and on.
void expect_videos_of(const std::filesystem::path& folder, const std::vector<std::string>& prompts);
/// How many sampling steps a trace shows of each rank.
std::map<int, int> steps_by_rank(const std::filesystem::path& trace);

}  // namespace kine::apps
