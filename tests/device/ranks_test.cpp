// One video over several ranks, that share a GPU or have one each: the latents of one rank, whatever the strategy.
// Products may choose another algorithm for fewer rows there, so the same bits are not asked for.
#include "dit/families/families.h"
#include "dit/generator.h"
#include "dit/golden_case.h"
#include "parallel/strategies/strategies.h"
#include "tests/dit/denoise.h"
#include "tests/dit/tiled_predictions.h"
#include "tests/support/device/test_device.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <ostream>

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

/// How many ranks a strategy has, and on how many devices.
struct Spread {
    std::string strategy;
    int ranks = 1;
    int devices = 1;
};

void PrintTo(const Spread& row, std::ostream* out) {
    *out << row.strategy << " on " << row.ranks << " ranks and " << row.devices << " devices";
}

class DeviceRanks : public testing::TestWithParam<Spread> {
  protected:
    void SetUp() override {
        if (const std::string reason = TestDevice::why_none(GetParam().devices); !reason.empty())
            GTEST_SKIP() << reason;
    }
};

TEST_P(DeviceRanks, GiveTheLatentsOfOneRank) {
    const Spread& row = GetParam();
    const GoldenCase golden(golden_case());
    Request request = golden.request();
    request.steps = 2;
    TestDevice one;
    const std::vector<Tensor> alone =
        denoise(*Generator::open(one.context(), golden_case() / "model", DType::Float32), one.context(), request);
    ASSERT_EQ(alone.size(), 2u);
    TestDevice several(row.devices);
    const auto generator = Generator::open(several.context(), golden_case() / "model", DType::Float32);
    request.parallel = row.strategy;
    request.ranks = row.ranks;
    const std::vector<Tensor> shared = denoise(*generator, several.context(), request);
    EXPECT_LE(largest_difference(alone, shared),
              8 * golden.allowed("denoise/step_001/latents", "denoise/step_001/latents"));
}

std::vector<Spread> spreads() {
    std::vector<Spread> rows;
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        rows.push_back({std::string(strategy.name), 2, 1});
        rows.push_back({std::string(strategy.name), 3, 3});
    }
    return rows;
}

INSTANTIATE_TEST_SUITE_P(Strategies, DeviceRanks, testing::ValuesIn(spreads()), [](const auto& row) {
    return row.param.strategy + "_" + std::to_string(row.param.ranks) + "_on_" + std::to_string(row.param.devices);
});

/// Two ranks that share a device, whose tokens switch as whole messages or branch by branch.
TEST(TiledOnDevice, GivesThePredictionsOfWholeMessages) {
    if (const std::string reason = TestDevice::why_none(); !reason.empty()) GTEST_SKIP() << reason;
    TestDevice device;
    const GoldenCase golden(golden_case());
    const auto model = load_model(device.context(), diffusers_source(golden_case() / "model"), DType::Float32);
    Request request = golden.request();
    request.steps = 2;
    request.ranks = 2;
    request.parallel = "dsp_patches";
    request = resolve_request(*model, request);
    const Predictions tiled = predict_in_tiles(device.context(), *model, request, 1);
    const Predictions whole = predict_in_tiles(device.context(), *model, request, parallel::kLeastTileBytes);
    EXPECT_GT(tiled.traffic.calls, whole.traffic.calls);
    EXPECT_LE(largest_difference(tiled.all, whole.all),
              8 * golden.allowed("denoise/step_001/latents", "denoise/step_001/latents"));
}

/// The whole run: text, tokens with their kept outputs, and pieces of the video that go from device to device.
TEST(SpreadRun, GivesTheFramesOfOneDevice) {
    if (const std::string reason = TestDevice::why_none(2); !reason.empty()) GTEST_SKIP() << reason;
    Request request = GoldenCase(golden_case()).request();
    request.steps = 4;
    request.cache = "pab";
    const auto frames_on = [&](int devices) {
        TestDevice device(devices);
        const auto generator = Generator::open(device.context(), golden_case() / "model", DType::Float32);
        Request own = request;
        own.ranks = devices;
        if (devices > 1) own.parallel = "dsp";
        FrameQueue frames(1024);
        Observer nobody;
        const RunReport report = generator->generate(device.context(), own, frames, nobody, {});
        EXPECT_EQ(report.ranks.size(), static_cast<size_t>(devices));
        for (const RankReport& rank : report.ranks) EXPECT_GT(rank.decode.pieces, 0);
        std::vector<uint8_t> bytes;
        while (const auto frame = frames.pop()) {
            bytes.insert(bytes.end(), frame->plane(0).begin(), frame->plane(0).end());
        }
        return bytes;
    };
    const std::vector<uint8_t> one = frames_on(1), two = frames_on(2);
    ASSERT_EQ(one.size(), two.size());
    ASSERT_FALSE(one.empty());
    int largest = 0;
    for (size_t i = 0; i < one.size(); ++i) largest = std::max(largest, std::abs(int{one[i]} - int{two[i]}));
    EXPECT_LE(largest, 1);
}

TEST(SpreadRun, RefusesOtherNumbersOfRanks) {
    if (const std::string reason = TestDevice::why_none(2); !reason.empty()) GTEST_SKIP() << reason;
    TestDevice device(2);
    const auto generator = Generator::open(device.context(), golden_case() / "model", DType::Float32);
    Request request = GoldenCase(golden_case()).request();
    FrameQueue frames(1);
    Observer nobody;
    request.ranks = 3;
    try {
        generator->generate(device.context(), request, frames, nobody, {});
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage) << error.what();
    }
}

}  // namespace
}  // namespace kine::dit
