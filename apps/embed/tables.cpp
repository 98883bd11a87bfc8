#include "apps/embed/tables.h"

#include "apps/embed/run_request.h"
#include "broadcast/policies/policies.h"
#include "broadcast/policies/qualities.h"
#include "codecs/codecs.h"
#include "dit/families/families.h"
#include "dit/presets.h"
#include "dit/sampling/samplers.h"
#include "kernels/cudnn/library.h"
#include "parallel/planner/cluster.h"
#include "parallel/strategies/strategies.h"
#include "runtime/config.h"
#include "runtime/device/gpus.h"
#include "runtime/device/host/processor.h"
#include "runtime/registry.h"

#include <array>
#include <fstream>
#include <thread>

namespace kine::embed {

namespace {

/// The published checkpoints of a family: sizes and defaults.
Json presets_of(const dit::Family& family) {
    Json rows = Json::array();
    for (const dit::Preset& preset : dit::presets()) {
        if (&dit::family_of(preset.source) != &family) continue;
        Json row = {{"name", preset.name}, {"summary", preset.summary}, {"repository", preset.repository}};
        row["sampler"] = preset.source.config("scheduler", "")["_class_name"];
        row["defaults"] = preset.source.defaults;
        row["transformer"] = preset.source.config("transformer", "");
        rows.push_back(std::move(row));
    }
    return rows;
}

Json list_families() {
    Json rows = Json::array();
    for (const dit::Family& row : dit::families()) {
        rows.push_back({{"name", row.name}, {"class", row.pipeline_class}, {"summary", row.summary}});
        rows.back()["presets"] = presets_of(row);
    }
    return rows;
}

Json list_policies() {
    Json rows = Json::array();
    for (const auto& row : broadcast::policies()) rows.push_back({{"name", row.name}, {"summary", row.summary}});
    return rows;
}

Json list_qualities() {
    Json rows = Json::array();
    for (const auto& row : broadcast::qualities()) {
        rows.push_back(
            {{"name", row.name}, {"summary", row.summary}, {"policy", row.policy}, {"options", row.options}});
    }
    return rows;
}

Json list_strategies() {
    Json rows = Json::array();
    for (const auto& row : parallel::strategies()) rows.push_back({{"name", row.name}, {"summary", row.summary}});
    return rows;
}

Json list_clusters() {
    Json rows = Json::array();
    for (const auto& row : parallel::cluster_presets()) rows.push_back({{"name", row.name}, {"summary", row.summary}});
    return rows;
}

Json list_presets() {
    Json rows = Json::array();
    for (const auto& row : dit::presets()) rows.push_back({{"name", row.name}, {"summary", row.summary}});
    return rows;
}

Json list_samplers() {
    Json rows = Json::array();
    for (const dit::SamplerRow& row : dit::samplers()) {
        rows.push_back({{"name", row.name}, {"class", row.class_name}, {"summary", row.summary}});
    }
    return rows;
}

Json list_codecs() {
    Json rows = Json::array();
    for (const codecs::Codec& row : codecs::codecs()) {
        rows.push_back({{"name", row.name}, {"endings", row.endings}, {"summary", row.summary}});
    }
    return rows;
}

/// The processor's own name where the system tells it.
std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    std::string line;
    while (std::getline(info, line)) {
        const size_t colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
    }
    return "unknown processor";
}

Json list_devices() {
    const std::string summary = fmt::format("{}, {} threads, {}", processor_name(), std::thread::hardware_concurrency(),
                                            name_of(instruction_set()));
    Json rows = Json::array({{{"name", "cpu"}, {"summary", summary}}});
    const GpuFacts facts = find_gpus();
    for (size_t index = 0; index < facts.gpus.size(); ++index) {
        const std::string reason = why_unusable(facts, static_cast<int>(index));
        const std::string text = describe(facts.gpus[index]);
        rows.push_back({{"name", fmt::format("cuda:{}", index)},
                        {"summary", reason.empty() ? text : fmt::format("{}: not usable: {}", text, reason)}});
    }
    if (facts.gpus.empty()) rows.push_back({{"name", "cuda"}, {"summary", "not usable: " + why_none(facts)}});
    return rows;
}

Json describe_build() {
    Json build = {{"version", kVersion}, {"compiler", __VERSION__}, {"cuda", kHasCuda}};
    build["cudnn"] = kernels::cudnn::describe_library();
    build["processor"] = processor_name();
    build["threads"] = std::thread::hardware_concurrency();
    build["instructions"] = name_of(instruction_set());
    return Json::array({build});
}

constexpr std::array kTables = {
    Entry<Json (*)()>{"families", "model families", list_families},
    Entry<Json (*)()>{"policies", "reuse policies", list_policies},
    Entry<Json (*)()>{"qualities", "how much to reuse, by what it costs in quality", list_qualities},
    Entry<Json (*)()>{"strategies", "how tokens are split between ranks", list_strategies},
    Entry<Json (*)()>{"clusters", "whose rates plans go by", list_clusters},
    Entry<Json (*)()>{"presets", "published models that can be planned without weights", list_presets},
    Entry<Json (*)()>{"samplers", "samplers", list_samplers},
    Entry<Json (*)()>{"codecs", "what an output name means", list_codecs},
    Entry<Json (*)()>{"devices", "where to run", list_devices},
    Entry<Json (*)()>{"options", "options of sessions, requests and outputs", option_table},
    Entry<Json (*)()>{"build", "what this build is", describe_build},
};

}  // namespace

Json list_table(std::string_view table) {
    return find_entry(std::span<const Entry<Json (*)()>>(kTables), "table", table).make();
}

}  // namespace kine::embed
