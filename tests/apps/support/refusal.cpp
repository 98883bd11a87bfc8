#include "tests/apps/support/refusal.h"

#include <gtest/gtest.h>

namespace kine::apps {

void expect_refused(std::vector<std::string> arguments, int status, const std::vector<std::string>& says) {
    const TemporaryFolder folder;
    const std::filesystem::path video = folder.write("video.mp4", "the old video");
    arguments.insert(arguments.end(), {"-y", "-o", video.string()});
    const Ended ended = run(std::move(arguments));
    EXPECT_EQ(ended.status, status) << ended.error;
    for (const std::string& words : says)
        EXPECT_TRUE(ended.says(words)) << "expected '" << words << "' in\n" << ended.error;
    EXPECT_TRUE(content_of(video) == "the old video") << "the old output is gone";
    EXPECT_EQ(folder.count_files(), 1u);
    EXPECT_TRUE(ended.output.empty()) << "standard output is for data";
}

void expect_refused(const BadModel& row) {
    SCOPED_TRACE(row.name);
    const ModelCopy model;
    row.damage(model);
    expect_refused(generate_with(model.path(), {}), row.status, row.says);
}

}  // namespace kine::apps
