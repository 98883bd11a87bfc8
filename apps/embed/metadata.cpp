#include "apps/embed/metadata.h"

#include "runtime/config.h"
#include "runtime/io/json.h"

namespace kine::embed {

namespace {

std::string comment_line(const RunRequest& request, std::string_view family, const std::string& hash) {
    const dit::Request& r = request.generation;
    std::string line = r.prompt;
    if (!r.negative_prompt.empty()) line += fmt::format("\nNegative prompt: {}", r.negative_prompt);
    line += fmt::format("\nSteps: {}, CFG scale: {}, Seed: {}, Size: {}x{}, Frames: {}, Model: {}, Model hash: {}",
                        r.steps, r.guidance_scale.value_or(1.0), r.seed, r.width, r.height, r.num_frames, family, hash);
    for (char& c : line) c = c == '\n' ? ' ' : c;
    return line;
}

Json plan_summary(const broadcast::Plan& plan) {
    return {{"skipped_share", plan.skipped_share()},
            {"multiply_adds", plan.multiply_adds()},
            {"cache_peak_bytes", plan.peak_bytes()},
            {"demoted_sites", plan.demoted().size()}};
}

}  // namespace

std::map<std::string, std::string> video_metadata(Session& session, const RunRequest& resolved) {
    const dit::Generator& generator = session.generator();
    Json parameters = resolved.describe();
    parameters.erase("outputs");
    parameters["family"] = generator.family();
    parameters["model_hash"] = generator.model_hash();
    parameters["dtype"] = name_of(session.dtype());
    if (session.quantization() != Quantization::None) parameters["quantize"] = name_of(session.quantization());
    parameters["plan"] = plan_summary(generator.plan(resolved.generation));
    parameters["version"] = kVersion;
    return {{"comment", comment_line(resolved, generator.family(), generator.model_hash())},
            {"kinescope", parameters.dump()}};
}

}  // namespace kine::embed
