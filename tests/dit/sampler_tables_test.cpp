// The noise tables, to the bit: the fingerprints are those of PyTorch's float32 tables.
#include "dit/sampling/schedules.h"
#include "runtime/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace kine::dit {
namespace {

/// Order matters: a value that moves or changes in the last bit changes the sum.
uint64_t fingerprint(const std::vector<float>& values) {
    uint64_t sum = 1469598103934665603ull;
    for (const float value : values) sum = (sum ^ std::bit_cast<uint32_t>(value)) * 1099511628211ull;
    return sum;
}

TEST(NoiseTables, AreTheReferencesBitForBit) {
    BetaOptions linear;
    BetaOptions scaled;
    scaled.beta_schedule = "scaled_linear";
    scaled.beta_start = 0.00085;
    scaled.beta_end = 0.012;
    BetaOptions cosine;
    cosine.beta_schedule = "squaredcos_cap_v2";
    EXPECT_EQ(fingerprint(cumulative_alphas(linear, "file")), 0xc8b6a5243f46d97bull);
    EXPECT_EQ(fingerprint(cumulative_alphas(scaled, "file")), 0x36cf9c68d1510e68ull);
    EXPECT_EQ(fingerprint(cumulative_alphas(cosine, "file")), 0x67b29abde68026d7ull);
}

TEST(NoiseTables, EndInPureNoiseWhereAskedTo) {
    BetaOptions options;
    const float first = cumulative_alphas(options, "file").front();
    options.rescale_betas_zero_snr = true;
    const auto rescaled = cumulative_alphas(options, "file");
    EXPECT_EQ(rescaled.back(), 0.0f);
    EXPECT_NEAR(rescaled.front(), first, 1e-7);
    EXPECT_TRUE(std::is_sorted(rescaled.rbegin(), rescaled.rend()));
}

TEST(NoiseTables, RoundHalvesToEvenLikeNumpy) {
    // Trailing, 16 steps: 937.5 becomes 938, 812.5 becomes 812.
    const auto timesteps = spaced_timesteps({TimestepSpacing::Trailing, 1000, 16, 0});
    EXPECT_EQ((std::vector<int64_t>{timesteps.begin(), timesteps.begin() + 4}),
              (std::vector<int64_t>{999, 937, 874, 811}));
    EXPECT_EQ(spaced_timesteps({TimestepSpacing::Linspace, 6, 3, 0}), (std::vector<int64_t>{5, 2, 0}));
}

}  // namespace
}  // namespace kine::dit
