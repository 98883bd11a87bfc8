// What the models' own implementations reused, recorded while they ran.
#include "runtime/error.h"
#include "tests/broadcast/published.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace kine::broadcast {
namespace {

// Keeps the order of the MLP maps, which decides where spans overlap.
using Json = nlohmann::ordered_json;

Json reference_cases() {
    std::ifstream file(source_tree() / "tests/golden/plans/reference_cases.json");
    return Json::parse(file);
}

void read_rule(const Json& rules, const char* kind, PabRule& rule) {
    rule.range = 1;
    if (!rules.contains(kind)) return;
    rule = {rules[kind][0].get<int>(), rules[kind][1].get<int64_t>(), rules[kind][2].get<int64_t>()};
}

std::vector<MlpRule> read_map(const Json& rules, const char* stack) {
    std::vector<MlpRule> map;
    const Json none = Json::object();
    const Json& entries = rules.contains("mlp") && rules["mlp"].contains(stack) ? rules["mlp"][stack] : none;
    for (const auto& [key, entry] : entries.items()) {
        map.push_back({std::stoll(key), entry["block"].get<std::vector<int>>(), entry["skip_count"].get<int>()});
    }
    return map;
}

PabOptions options_of(const Json& rules) {
    PabOptions options;
    read_rule(rules, "spatial", options.spatial);
    read_rule(rules, "temporal", options.temporal);
    read_rule(rules, "cross", options.cross);
    options.mlp_spatial = read_map(rules, "spatial");
    options.mlp_temporal = read_map(rules, "temporal");
    return options;
}

/// "mlp_spatial.1", "cross_temporal.0", "transformer_blocks.0.attn2", "single.3": names differ by implementation.
Site site_of(const std::string& name) {
    const auto has = [&](const char* word) { return name.find(word) != name.npos; };
    const int block = std::stoi(name.substr(name.find('.') + 1));
    if (has("mlp_temporal")) return {SiteKind::TemporalMlp, block};
    if (has("mlp_spatial")) return {SiteKind::SpatialMlp, block};
    if (has("cross") || has("attn2")) return {SiteKind::CrossAttention, block};
    return {has("temporal") ? SiteKind::TemporalAttention : SiteKind::SpatialAttention, block};
}

TEST(ReferenceCases, ReuseTheSameStepsHere) {
    int compared = 0;
    for (const Json& reference : reference_cases()) {
        const Schedule schedule{reference["timesteps"].get<std::vector<double>>()};
        for (const auto& [name, steps] : reference["reused_steps"].items()) {
            EXPECT_EQ(reused_steps(options_of(reference["rule"]), schedule, site_of(name)),
                      steps.get<std::vector<int>>())
                << reference["case"] << " " << name;
            ++compared;
        }
    }
    EXPECT_GT(compared, 60);
}

TEST(ReferenceCases, ComputeTheMlpsThatTheReferenceNeverReused) {
    for (const Json& reference : reference_cases()) {
        const Schedule schedule{reference["timesteps"].get<std::vector<double>>()};
        for (int block = 0; block < 8; ++block) {
            if (reference["reused_steps"].contains("mlp_spatial." + std::to_string(block))) continue;
            EXPECT_TRUE(reused_steps(options_of(reference["rule"]), schedule, {SiteKind::SpatialMlp, block}).empty());
        }
    }
}

}  // namespace
}  // namespace kine::broadcast
