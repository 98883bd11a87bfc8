#include "apps/embed/reports.h"

#include "apps/embed/rank_report.h"
#include "apps/embed/scaling_report.h"
#include "codecs/metrics.h"
#include "codecs/source.h"
#include "dit/hub_cache.h"
#include "dit/inspection.h"
#include "dit/model_parts.h"
#include "dit/model_places.h"
#include "dit/presets.h"
#include "runtime/io/json.h"
#include "runtime/io/safetensors.h"
#include "runtime/io/torch_file.h"

#include <cmath>
#include <filesystem>
#include <fstream>

namespace kine::embed {

namespace {

constexpr int kSheetColumns = 8;

std::string mebibytes(int64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

Json to_json(const dit::Estimate& estimate, int64_t budget) {
    Json json = {{"weight_bytes", estimate.weight_bytes},
                 {"activation_bytes", estimate.activation_bytes},
                 {"cache_bytes", estimate.cache_bytes},
                 {"decode_bytes", estimate.decode_bytes},
                 {"peak_bytes", estimate.peak_bytes},
                 {"budget_bytes", budget},
                 {"cache_offloaded_bytes", estimate.cache_offloaded_bytes},
                 {"staged", estimate.is_staged},
                 {"stages", Json::array()}};
    for (const dit::Stage stage : dit::kStages) {
        const dit::StageEstimate& part = estimate.stages[static_cast<size_t>(stage)];
        if (part.weight_bytes == 0) continue;  // a model without a second expert
        json["stages"].push_back({{"name", dit::name_of(stage)},
                                  {"weight_bytes", part.weight_bytes},
                                  {"working_bytes", part.working_bytes},
                                  {"offloaded_bytes", part.offloaded_bytes}});
    }
    return json;
}

/// Each stage's weights beside what it works with.
std::string stages_text(const dit::Estimate& estimate) {
    std::string text = fmt::format("  {:<12} {:>14} {:>14} {:>14}\n", "stage", "weights", "working", "together");
    for (const dit::Stage stage : dit::kStages) {
        const dit::StageEstimate& part = estimate.of(stage);
        if (part.weight_bytes == 0) continue;
        const int64_t weights = part.resident_bytes();
        text += fmt::format("  {:<12} {:>14} {:>14} {:>14}\n", dit::name_of(stage), mebibytes(weights),
                            mebibytes(part.working_bytes), mebibytes(weights + part.working_bytes));
    }
    return text;
}

std::string memory_text(const dit::Estimate& estimate, int64_t budget, int64_t runs) {
    std::string text =
        fmt::format("memory, weights of {}\n", estimate.is_staged ? "the running stage only" : "all stages at once");
    text += stages_text(estimate);
    text += fmt::format("  weights      {:>12}\n", mebibytes(estimate.weight_bytes));
    if (const int64_t waiting = estimate.offloaded_bytes(); waiting > 0)
        text += fmt::format("  of them      {:>12}  wait in host memory and come layer by layer\n", mebibytes(waiting));
    text += fmt::format("  activations  {:>12}\n", mebibytes(estimate.activation_bytes));
    text += fmt::format("  cache        {:>12}\n", mebibytes(estimate.cache_bytes));
    if (estimate.cache_offloaded_bytes > 0)
        text += fmt::format("  of it        {:>12}  wait in host memory\n", mebibytes(estimate.cache_offloaded_bytes));
    text += fmt::format("  decoding     {:>12}\n", mebibytes(estimate.decode_bytes));
    const std::string remark = runs == 1 ? "" : fmt::format("  ({} runs at once)", runs);
    text += fmt::format("  peak         {:>12}{}\n", mebibytes(estimate.peak_bytes), remark);
    if (budget > 0) text += fmt::format("  budget       {:>12}\n", mebibytes(budget));
    return text;
}

/// Who decodes what, and why not more of them.
std::string decode_text(const dit::Pieces& pieces, const dit::Request& r) {
    std::string text = fmt::format("decoding: {} of {} ranks, {} chunks of frames in {} tiles", r.decode_ranks, r.ranks,
                                   pieces.chunks, pieces.tiles);
    if (pieces.most_makers() < r.ranks) text += fmt::format("; {}", dit::limit_of(pieces));
    return text + "\n";
}

Json decode_json(const dit::Pieces& pieces, const dit::Request& r) {
    Json json = {{"ranks", r.decode_ranks},
                 {"most_ranks", pieces.most_makers()},
                 {"chunks", pieces.chunks},
                 {"tiles", pieces.tiles}};
    if (pieces.most_makers() < r.ranks) json["limit"] = dit::limit_of(pieces);
    return json;
}

std::string headline(std::string_view family, const dit::Request& r) {
    return fmt::format("{}: {} x {}, {} frames, {} steps, guidance {}, cache {}{}{}{}{}\n", family, r.width, r.height,
                       r.num_frames, r.steps, r.guidance_scale.value_or(1.0), r.cache,
                       r.cache_quality.empty() ? "" : " ", r.cache_quality, r.cache_options.empty() ? "" : " ",
                       r.cache_options);
}

/// A paper's cost of this very run, less what the plan skips.
void add_published_cost(PlanReport& report, const dit::Preset& preset, const dit::Request& r,
                        const broadcast::Plan& plan, const dit::FamilyDefaults& usual) {
    const auto& [teraflops, source] = preset.published_cost;
    const bool is_it = r.width == usual.width && r.height == usual.height && r.num_frames == usual.num_frames &&
                       r.steps == usual.steps && r.guidance_scale.value_or(1.0) > 1.0;
    if (teraflops == 0 || !is_it) return;
    const double left = teraflops - 2e-12 * (plan.full_multiply_adds() - plan.multiply_adds());
    report.text += fmt::format("as published ({}): {:.2f} of {:.2f} TFLOP\n", source, left, teraflops);
    report.json["published"] = {{"teraflops", left}, {"full_teraflops", teraflops}, {"source", source}};
}

/// Infinity, which JSON has no number for, is null: equal pictures have no finite PSNR.
Json decibel(double psnr) { return std::isfinite(psnr) ? Json(psnr) : Json(nullptr); }

/// Some containers do not say how many frames they hold.
int64_t count_frames(codecs::Source& source) {
    if (source.info().frames > 0) return source.info().frames;
    int64_t count = 0;
    while (source.read()) ++count;
    return count;
}

Json video_report(const std::string& path) {
    const std::unique_ptr<codecs::Source> source = codecs::open_source(path);
    const VideoInfo& info = source->info();
    Json report = {{"kind", "video"},
                   {"path", path},
                   {"width", info.width},
                   {"height", info.height},
                   {"fps", to_string(info.fps)},
                   {"frames", count_frames(*source)},
                   {"metadata", info.metadata}};
    const auto parameters = info.metadata.find("kinescope");
    if (parameters == info.metadata.end()) return report;
    try {
        report["parameters"] = parse_json(parameters->second, path + ": kinescope");
    } catch (const Error& error) {
        report["problems"] = Json::array({error.what()});
    }
    return report;
}

Json tensors_report(const std::string& path) {
    const SafetensorsFile file = open_tensor_file(path);
    Json tensors = Json::array();
    for (const auto& [name, entry] : file.entries()) {
        const std::vector<int64_t> shape(entry.shape.begin(), entry.shape.end());
        tensors.push_back({{"name", name}, {"dtype", entry.dtype_name}, {"shape", shape}, {"bytes", entry.bytes}});
    }
    Json report = {{"kind", "tensors"}, {"path", path}, {"tensors", tensors}, {"metadata", file.metadata()}};
    if (const std::string part = dit::describe_weight_file(path); !part.empty()) report["part"] = part;
    return report;
}

/// A header length of 8 bytes, then JSON: --save-latents takes any name.
bool is_safetensors(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    char start[9] = {};
    return path.ends_with(".safetensors") || (file.read(start, sizeof(start)) && start[7] == 0 && start[8] == '{');
}

bool holds_pictures(const std::filesystem::path& folder) {
    std::error_code failed;
    for (const auto& file : std::filesystem::directory_iterator(folder, failed)) {
        if (file.path().extension() == ".png") return true;
    }
    return false;
}

}  // namespace

PlanReport plan_report(Session& session, const RunRequest& request) {
    const dit::Generator& generator = session.generator();
    RunRequest resolved = request;
    resolved.generation.ranks = session.ranks_of_run(request.generation.ranks);
    resolved.generation = generator.resolve(with_choice(resolved.generation));
    const int64_t groups = session.options().request_parallel;
    const broadcast::Plan plan = generator.plan(resolved.generation);
    const dit::Estimate estimate = generator.estimate(session.context(), resolved.generation);
    const int64_t budget = dit::least_budget(session.context());
    PlanReport report;
    report.text =
        headline(generator.family(), resolved.generation) + plan.to_text() + memory_text(estimate, budget, groups);
    report.json = {{"family", generator.family()},          {"model_hash", generator.model_hash()},
                   {"request", resolved.describe()},        {"plan", plan.to_json()},
                   {"skipped_share", plan.skipped_share()}, {"cache_peak_bytes", plan.peak_bytes()},
                   {"memory", to_json(estimate, budget)},   {"fits", budget == 0 || estimate.peak_bytes <= budget}};
    const std::string& preset = session.options().model_preset;
    if (!preset.empty()) {
        report.json["preset"] = preset;
        add_published_cost(report, dit::find_preset(preset), resolved.generation, plan, generator.model().defaults);
    }
    const dit::Pieces pieces = generator.decode_pieces(resolved.generation);
    report.json["decode"] = decode_json(pieces, resolved.generation);
    if (resolved.generation.ranks > 1) report.text += decode_text(pieces, resolved.generation);
    const bool wants_strategies =
        !preset.empty() || resolved.generation.ranks > 1 || groups > 1 || request.generation.parallel == "all";
    const int64_t scaling = session.options().scaling;
    if (wants_strategies || scaling > 0) {
        // Of what was asked: `resolved` knows the choice, not what it was made from.
        const dit::Request open = with_choice(request.generation);
        dit::Request asked = resolved.generation;
        asked.parallel = open.parallel;
        asked.group_size = open.group_size;
        asked.cfg_parallel = open.cfg_parallel;
        asked.cfg_parallel_auto = open.cfg_parallel_auto;
        dit::Request together = resolved.generation;
        together.cfg_parallel = false;
        const parallel::Work work = generator.rank_work(together);
        add_strategies(report, work, asked, groups);
        if (scaling > 0) add_scaling(report, work, asked, scaling);
    }
    return report;
}

Json inspection(Session& session, const std::string& path) {
    std::error_code ignored;
    const bool is_there = std::filesystem::exists(path, ignored);
    check(is_there || dit::is_hub_name(path), ErrorCode::BadInput, "'{}': no such file or folder", path);
    const bool is_folder = std::filesystem::is_directory(path, ignored);
    if (!is_there || (is_folder && (std::filesystem::exists(std::filesystem::path(path) / "model_index.json") ||
                                    !holds_pictures(path)))) {
        const auto claim = session.claim();
        Json report =
            dit::inspect_model(claim.context, dit::find_model(path, hub_cache(), session.options().named_files()));
        report["kind"] = "model";
        return report;
    }
    if (is_safetensors(path) || is_torch_file(path)) return tensors_report(path);
    return video_report(path);
}

Json comparison(const std::string& first, const std::string& second, const std::string& sheet) {
    const std::unique_ptr<codecs::Source> a = codecs::open_source(first);
    const std::unique_ptr<codecs::Source> b = codecs::open_source(second);
    const codecs::Comparison result = codecs::compare(*a, *b);
    Json frames = Json::array();
    for (const codecs::FrameQuality& frame : result.frames) {
        frames.push_back(
            {{"psnr", decibel(frame.psnr)}, {"ssim", frame.ssim}, {"max_difference", frame.max_difference}});
    }
    if (!sheet.empty()) codecs::write_contact_sheet({first, second}, kSheetColumns, sheet);
    return {{"first", first},
            {"second", second},
            {"psnr", decibel(result.psnr)},
            {"ssim", result.ssim},
            {"max_difference", result.max_difference},
            {"frames", frames}};
}

}  // namespace kine::embed
