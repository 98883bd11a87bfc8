// One video over several ranks that share a GPU: the latents of one rank, whatever the strategy. Products may choose
// another algorithm for fewer rows there, so the same bits are not asked for.
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "parallel/strategies/strategies.h"
#include "tests/dit/denoise.h"
#include "tests/support/device/test_device.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kine::dit {
namespace {

std::filesystem::path golden_case() { return source_tree() / "tests" / "golden" / "latte"; }

/// Of two runs of several steps; both on the host.
double largest_difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    double largest = a.size() == b.size() ? 0 : HUGE_VAL;
    for (size_t step = 0; step < std::min(a.size(), b.size()); ++step) {
        const float *x = a[step].data<float>(), *y = b[step].data<float>();
        for (int64_t i = 0; i < a[step].elements(); ++i)
            largest = std::max(largest, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
    }
    return largest;
}

class DeviceRanks : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
    }
};

TEST_P(DeviceRanks, GiveTheLatentsOfOneRank) {
    TestDevice device;
    const GoldenCase golden(golden_case());
    const auto generator = Generator::open(device.context(), golden_case() / "model", DType::Float32);
    Request request = golden.request();
    request.steps = 2;
    const std::vector<Tensor> alone = denoise(*generator, device.context(), request);
    ASSERT_EQ(alone.size(), 2u);
    request.parallel = GetParam();
    request.ranks = 2;
    const std::vector<Tensor> shared = denoise(*generator, device.context(), request);
    EXPECT_LE(largest_difference(alone, shared),
              8 * golden.allowed("denoise/step_001/latents", "denoise/step_001/latents"));
}

std::vector<std::string> names_of_strategies() {
    std::vector<std::string> names;
    for (const parallel::Strategy& strategy : parallel::strategies()) names.emplace_back(strategy.name);
    return names;
}

INSTANTIATE_TEST_SUITE_P(Strategies, DeviceRanks, testing::ValuesIn(names_of_strategies()),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace kine::dit
