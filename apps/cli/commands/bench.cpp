// kinescope bench: a request timed end to end, frames thrown away. Policies that are compared run in turn (A B A B
// ...), so that a machine that warms up or slows down does not favour one of them.
#include "apps/cli/commands/calibrate.h"
#include "apps/cli/commands/commands.h"
#include "apps/cli/config_file.h"
#include "apps/cli/prompts.h"
#include "apps/cli/run_setup.h"
#include "apps/cli/run_talk.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

constexpr const char* kStages[] = {"encode", "denoise", "decode", "total"};

/// One policy's request and what its runs took.
struct Candidate {
    std::string cache;
    Json plan;
    std::map<std::string, std::vector<double>> seconds;
    double peak_bytes = 0;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<std::string> policies_of(const Arguments& arguments) {
    if (!arguments.has("compare_cache")) return {arguments.text("cache", "none")};
    std::vector<std::string> names;
    std::istringstream list(arguments.text("compare_cache"));
    for (std::string name; std::getline(list, name, ',');) names.push_back(name);
    if (names.empty()) throw Error(KINE_USAGE, "compare_cache: expected policies, e.g. none,pab");
    return names;
}

/// Options of one policy mean nothing to another: they go to the policy named by --cache, or to all that are not
/// "none".
Request request_for(const std::string& cache, const Arguments& arguments) {
    Request request = make_request(arguments);
    request.set("cache", cache);
    if (cache == "none" && arguments.has("compare_cache")) request.set("cache_quality", "");
    if (cache == "none" && arguments.text("cache_quality").empty()) request.set("cache_options", "");
    if (!has_prompt(arguments)) request.set("prompt", "a red circle moving right on a blue background");
    if (!arguments.has("seed")) request.set("seed", "1");
    return request;
}

void run_once(Session& session, const Arguments& arguments, Candidate& candidate, bool measured) {
    const bool quiet = arguments.flag("quiet") || !arguments.has("progress");
    Progress progress(quiet ? "none" : arguments.text("progress"));
    RunTalk talk(progress);
    Job job(session, request_for(candidate.cache, arguments), talk.callbacks());
    job.run();
    if (!measured) return;
    const Json report = Json::parse(job.report());
    for (const char* stage : kStages) candidate.seconds[stage].push_back(report["seconds"][stage]);
    candidate.peak_bytes = std::max<double>(candidate.peak_bytes, report["peak_bytes"]);
}

Json result_of(const Candidate& candidate, const Candidate& first) {
    Json result = {{"cache", candidate.plan["request"]["cache"]},
                   {"peak_bytes", candidate.peak_bytes},
                   {"skipped_share", candidate.plan["skipped_share"]},
                   {"request", candidate.plan["request"]}};
    for (const char* stage : kStages) {
        const std::vector<double>& values = candidate.seconds.at(stage);
        result["seconds"][stage] = {
            {"median", median(values)}, {"min", *std::min_element(values.begin(), values.end())}, {"runs", values}};
    }
    std::vector<double> ratios;  // pair by pair
    const std::vector<double>& ours = candidate.seconds.at("denoise");
    const std::vector<double>& theirs = first.seconds.at("denoise");
    for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(theirs[i] / ours[i]);
    result["denoise_speedup"] = median(ratios);
    return result;
}

std::string line_of(const Json& result) {
    std::string line = fmt::format("{:<10}", result["cache"].get<std::string>());
    for (const char* stage : kStages)
        line += fmt::format(" {:>9.4f}", result["seconds"][stage]["median"].get<double>());
    return line + fmt::format(" {:>12} {:>7.1f} % {:>8.3f} x\n", bytes_text(result["peak_bytes"]),
                              100 * result["skipped_share"].get<double>(), result["denoise_speedup"].get<double>());
}

std::string text_of(const Json& report) {
    std::string text = fmt::format("{}, median of {} runs, seconds\n", report["build"]["processor"].get<std::string>(),
                                   report["runs"].dump());
    text += fmt::format("{:<10} {:>9} {:>9} {:>9} {:>9} {:>12} {:>9} {:>10}\n", "cache", "encode", "denoise", "decode",
                        "total", "peak", "skipped", "denoise");
    for (const Json& result : report["results"]) text += line_of(result);
    return text;
}

Json measure(Session& session, const Arguments& arguments, int runs, int warmup) {
    std::vector<Candidate> candidates;
    for (const std::string& cache : policies_of(arguments)) {
        candidates.push_back({cache, Json::parse(session.plan_json(request_for(cache, arguments))), {}, 0});
    }
    for (int i = 0; i < warmup + runs; ++i) {
        for (Candidate& candidate : candidates) run_once(session, arguments, candidate, i >= warmup);
    }
    Json results = Json::array();
    for (const Candidate& candidate : candidates) results.push_back(result_of(candidate, candidates.front()));
    return results;
}

}  // namespace

int run_bench(const Arguments& arguments, Surroundings& around) {
    around.ranks.join();
    if (around.ranks.are_several())
        throw Error(KINE_USAGE, "bench measures one process, several were started; --ranks measures ranks as threads");
    if (arguments.flag("calibrate")) return run_calibration(arguments);
    if (arguments.has("output")) throw Error(KINE_USAGE, "output: bench writes a file with --calibrate only");
    const int runs = arguments.number("runs", 5, 1, 1000);
    const int warmup = arguments.number("warmup", 1, 0, 1000);
    make_request(arguments);
    if (arguments.flag("print_config")) {
        print_data(print_config(arguments) + "\n");
        return KINE_OK;
    }
    Session session = make_session(arguments);
    Json report = {{"runs", runs},
                   {"warmup", warmup},
                   {"threads", arguments.text("threads", "0")},
                   {"dtype", arguments.text("dtype", "f32")},
                   {"build", Json::parse(list("build")).front()}};
    report["results"] = measure(session, arguments, runs, warmup);
    print_data(arguments.flag("json") ? report.dump(2) + "\n" : text_of(report));
    return KINE_OK;
}

}  // namespace kinescope::cli
