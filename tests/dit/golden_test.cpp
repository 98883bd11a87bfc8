// Every golden case, every stage, as `kinescope verify` runs it.
#include "dit/verification.h"
#include "tests/support/golden_cases.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cctype>

namespace kine::dit {
namespace {

class GoldenFolder : public testing::TestWithParam<std::filesystem::path> {
  protected:
    void verify(DType dtype) {
        TestContext bundle;
        bool skipped = false;
        const bool ok = verify_case(bundle.context, GetParam(), dtype, [&](const StageResult& result) {
            skipped = skipped || result.skipped;
            EXPECT_TRUE(result.ok || result.skipped)
                << result.stage << ": error " << result.error << ", allowed " << result.allowed << " " << result.note;
        });
        if (skipped) GTEST_SKIP() << "its family is not there yet";
        EXPECT_TRUE(ok);
    }
};

TEST_P(GoldenFolder, AgreesWithTheReferenceInFloat32) { verify(DType::Float32); }
TEST_P(GoldenFolder, StaysWithinTwoPercentInBFloat16) { verify(DType::BFloat16); }

std::string case_name(const testing::TestParamInfo<std::filesystem::path>& info) {
    std::string name = std::to_string(info.index) + "_" + info.param.filename().string();
    for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) ? letter : '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Tree, GoldenFolder, testing::ValuesIn(kine::golden_cases()), case_name);

}  // namespace
}  // namespace kine::dit
