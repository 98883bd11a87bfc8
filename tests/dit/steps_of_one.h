// Runs on several ranks held against the run of one.
#pragma once

#include "dit/golden_case.h"
#include "parallel/strategies/strategies.h"
#include "tests/support/expect_close.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace kine::dit {

/// What results may differ by that are merged or summed in another order: 8 times the float32 noise of a golden case's
/// own last step.
inline double merging_noise(const std::filesystem::path& golden) {
    const GoldenCase known(golden);
    const std::string key = GoldenCase::step_key("denoise", known.request().steps - 1, "latents");
    return known.allowed(key, key);
}

inline double largest_difference(const Tensor& a, const Tensor& b) {
    const std::vector<double> ours = to_doubles(a), theirs = to_doubles(b);
    double largest = 0;
    for (size_t i = 0; i < ours.size(); ++i) largest = std::max(largest, std::abs(ours[i] - theirs[i]));
    return largest;
}

/// The same bits at every step where the strategy only moves values, else within `noise`.
inline void expect_steps_of_one(const parallel::Strategy& strategy, const std::vector<Tensor>& shared,
                                const std::vector<Tensor>& alone, double noise, const std::string& what) {
    ASSERT_EQ(shared.size(), alone.size()) << what;
    for (size_t step = 0; step < shared.size(); ++step) {
        if (strategy.is_exact()) {
            ASSERT_TRUE(same_bits(shared[step], alone[step])) << what << ", step " << step;
        } else {
            ASSERT_LE(largest_difference(shared[step], alone[step]), noise) << what << ", step " << step;
        }
    }
}

}  // namespace kine::dit
