#include "dit/golden_case.h"

#include "runtime/io/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <fstream>

namespace kine::dit {
namespace {

TEST(GoldenCase, KeepsTheOrderOfMlpRulesWhichDecidesWhereTheyOverlap) {
    TestContext bundle;
    const TemporaryFolder folder;
    write_safetensors(folder.path() / "tensors.safetensors",
                      {{"x", Tensor::of<float>(bundle.context, {1}, std::vector<float>{0})}});
    std::ofstream(folder.path() / "case.json") << R"({"request": {}, "pab_gated": {"rule": {"mlp": {"spatial": {
        "469": {"block": [1], "skip_count": 3}, "340": {"block": [0], "skip_count": 1},
        "1000": {"block": [2], "skip_count": 2}}}}}})";
    std::vector<int64_t> order;
    for (const broadcast::MlpRule& rule : GoldenCase(folder.path()).pab_rules("pab_gated").mlp_spatial)
        order.push_back(rule.timestep);
    EXPECT_EQ(order, (std::vector<int64_t>{469, 340, 1000}));
}

/// What the reference was not given stands there as null.
TEST(GoldenCase, TakesNullForNothingGiven) {
    TestContext bundle;
    const TemporaryFolder folder;
    write_safetensors(folder.path() / "tensors.safetensors",
                      {{"x", Tensor::of<float>(bundle.context, {1}, std::vector<float>{0})}});
    std::ofstream(folder.path() / "case.json")
        << R"({"request": {"prompt": "a cat", "width": 32, "height": 32, "num_frames": 5, "num_inference_steps": 2,
             "negative_prompt": null, "guidance_scale_2": null, "eta": null, "use_dynamic_cfg": null}})";
    const Request request = GoldenCase(folder.path()).request();
    EXPECT_EQ(request.negative_prompt, "");
    EXPECT_FALSE(request.guidance_scale_2.has_value());
}

}  // namespace
}  // namespace kine::dit
