// verify through the program: its exit code tells a script whether all stages agree with the reference.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"

#include <gtest/gtest.h>

#include <cstring>

namespace kine::apps {
namespace {

namespace fs = std::filesystem;

/// A copy of the golden case that a test may change.
class CaseCopy {
  public:
    CaseCopy() { fs::copy(golden_case(), folder_.path(), fs::copy_options::recursive); }

    std::string path() const { return folder_.path().string(); }
    void perturb(const std::string& tensor) const {
        Checkpoint checkpoint = Checkpoint::read(folder_ / "tensors.safetensors");
        float value = 0;
        std::memcpy(&value, checkpoint.bytes_of(tensor), sizeof(value));
        value += 0.01f;
        std::memcpy(checkpoint.bytes_of(tensor), &value, sizeof(value));
        checkpoint.write(folder_ / "tensors.safetensors");
    }
    void reshape(const std::string& tensor, const std::vector<int>& shape) const {
        Checkpoint checkpoint = Checkpoint::read(folder_ / "tensors.safetensors");
        checkpoint.header[tensor]["shape"] = shape;
        checkpoint.write(folder_ / "tensors.safetensors");
    }
    void set_family(const std::string& family) const {
        nlohmann::json description = nlohmann::json::parse(content_of(folder_ / "case.json"));
        description["request"]["family"] = family;
        folder_.write("case.json", description.dump());
    }
    void cut() const { fs::resize_file(folder_ / "tensors.safetensors", 5000); }

  private:
    TemporaryFolder folder_;
};

TEST(Verify, PassesTheGoldenCase) {
    const Ended ended = run({"verify", golden_case()});
    EXPECT_EQ(ended.status, 0) << ended.output << ended.error;
    EXPECT_NE(ended.output.find("prediction"), std::string::npos);
    EXPECT_EQ(ended.output.find("FAILED"), std::string::npos) << ended.output;
}

TEST(Verify, FailsWhereOneNumberIsOff) {
    const CaseCopy broken;
    broken.perturb("denoise/step_002/prediction");
    const Ended ended = run({"verify", "--json", broken.path()});
    EXPECT_EQ(ended.status, 1) << ended.error;
    const nlohmann::json report = nlohmann::json::parse(ended.output).at(0);
    EXPECT_FALSE(report["passed"].get<bool>());
    int failed = 0;
    for (const auto& stage : report["stages"])
        failed += stage["ok"].get<bool>() || stage["skipped"].get<bool>() ? 0 : 1;
    EXPECT_GE(failed, 1);
    EXPECT_LT(failed, 5) << "stages run on the reference's own input, so an error does not spread\n" << ended.output;
}

TEST(Verify, GoesOnAfterAResultOfAnotherShape) {
    const CaseCopy other;
    const nlohmann::json whole = nlohmann::json::parse(run({"verify", "--json", golden_case()}).output).at(0);
    other.reshape("denoise/timesteps", {1, 6});
    const Ended ended = run({"verify", "--json", other.path()});
    EXPECT_EQ(ended.status, 1) << ended.error;
    const nlohmann::json stages = nlohmann::json::parse(ended.output).at(0)["stages"];
    ASSERT_EQ(stages.size(), whole["stages"].size());
    for (const auto& stage : stages)
        EXPECT_EQ(stage["ok"].get<bool>(), stage["stage"] != "schedule timesteps") << stage;
}

TEST(Verify, NamesFamiliesThatAreNotThere) {
    const CaseCopy other;
    other.set_family("someday");
    const Ended ended = run({"verify", other.path()});
    EXPECT_EQ(ended.status, 4) << "nothing was verified: " << ended.error;
    EXPECT_NE(ended.output.find("skipped: family 'someday'"), std::string::npos) << ended.output;
}

TEST(Verify, RefusesCasesThatCannotBeRead) {
    const CaseCopy damaged;
    damaged.cut();
    EXPECT_EQ(run({"verify", damaged.path()}).status, 3);
    EXPECT_EQ(run({"verify", "/nowhere/at/all"}).status, 3);
    EXPECT_EQ(run({"verify"}).status, 2);
}

}  // namespace
}  // namespace kine::apps
