// A golden case, every stage, on a GPU: the same models, whose ops go to its kernels.
#pragma once

#include "dit/verification.h"
#include "tests/support/device/test_device.h"
#include "tests/support/golden_cases.h"

#include <gtest/gtest.h>

#include <cctype>

namespace kine::dit {

class GoldenOnDevice : public testing::TestWithParam<std::filesystem::path> {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
    }
    void verify(DType dtype) {
        TestDevice device;
        bool skipped = false;
        const bool ok = verify_case(device.context(), GetParam(), dtype, [&](const StageResult& result) {
            skipped = skipped || result.skipped;
            EXPECT_TRUE(result.ok || result.skipped)
                << result.stage << ": error " << result.error << ", allowed " << result.allowed << " " << result.note;
        });
        if (skipped) GTEST_SKIP() << "its family is not there yet";
        EXPECT_TRUE(ok);
        EXPECT_GT(device.memory().peak_bytes(), 0);
        EXPECT_EQ(device.memory().bytes_in_use(), 0);
    }
};

inline std::string case_name(const testing::TestParamInfo<std::filesystem::path>& info) {
    std::string name = std::to_string(info.index) + "_" + info.param.filename().string();
    for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) ? letter : '_';
    return name;
}

}  // namespace kine::dit
