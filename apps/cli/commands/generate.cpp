// kinescope generate: a prompt becomes a video.
#include "apps/cli/commands/commands.h"
#include "apps/cli/config_file.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <csignal>
#include <filesystem>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

constexpr const char* kDefaultOutput = "kinescope.mp4";

void add_outputs(Request& request, const Arguments& arguments) {
    Options options = arguments.for_target(Target::Output);
    if (arguments.flag("overwrite")) options.emplace_back("overwrite", "true");
    std::vector<std::string> targets = arguments.all("output");
    if (targets.empty()) targets.emplace_back(kDefaultOutput);
    for (const std::string& target : targets) {
        if (target == "-" && isatty(STDOUT_FILENO) != 0) {
            throw Error(KINE_USAGE, "output '-': standard output is a terminal, expected a pipe or a file");
        }
        request.add_output(target, options);
    }
}

void tell_start(const Json& request) {
    say(fmt::format("{} x {}, {} frames, {} steps, seed {}", request["width"].dump(), request["height"].dump(),
                    request["num_frames"].dump(), request["steps"].dump(), request["seed"].dump()));
}

void tell_end(const Json& report) {
    const Json& seconds = report["seconds"];
    for (const Json& output : report["outputs"]) {
        say(fmt::format("wrote {}: {} frames", output["name"].get<std::string>(), report["frames"].dump()));
    }
    say(fmt::format("{} (encode {}, denoise {}, decode {}), peak {}", duration_text(seconds["total"]),
                    duration_text(seconds["encode"]), duration_text(seconds["denoise"]),
                    duration_text(seconds["decode"]), bytes_text(report["peak_bytes"])));
}

std::string milliseconds(const Json& seconds) { return fmt::format("{:.1f} ms", seconds.get<double>() * 1e3); }

/// For --verbose: what each rank did, and whom the others waited for.
void tell_ranks(const Json& report) {
    const Json& ranks = report["ranks"];
    for (size_t rank = 0; ranks.size() > 1 && rank < ranks.size(); ++rank) {
        const Json& decode = ranks[rank]["decode"];
        say(fmt::format("rank {}: sent {}, {} in communication; decoded {} pieces in {}", rank,
                        bytes_text(ranks[rank]["bytes_sent"]), duration_text(ranks[rank]["seconds"]),
                        decode["pieces"].dump(), duration_text(decode["seconds"])));
    }
    for (const Json& row : report["stragglers"]) {
        say(fmt::format("step {}: rank {} was the slowest, busy for {}, the others for {}; they waited {}",
                        row["step"].dump(), row["rank"].dump(), milliseconds(row["busy_seconds"]),
                        milliseconds(row["others_busy_seconds"]), milliseconds(row["others_waiting_seconds"])));
    }
}

/// A failed run leaves what it had under the temporary name.
void tell_kept(const Json& report) {
    for (const Json& output : report["outputs"]) {
        const std::string temporary = output["temporary"];
        std::error_code ignored;
        if (!temporary.empty() && std::filesystem::exists(temporary, ignored)) {
            say(fmt::format("the finished frames are kept in {}", temporary));
        }
    }
}

int interrupted_by(int signal) { return 128 + (signal != 0 ? signal : SIGINT); }

int tell_interrupted(const Json& report, int signal) {
    const bool has_frames = report["frames"] != 0;
    for (const Json& output : report["outputs"]) {
        if (!has_frames) continue;
        say(fmt::format("wrote {}: {} frames", output["name"].get<std::string>(), report["frames"].dump()));
    }
    say(has_frames ? "interrupted" : "interrupted before the first frame, nothing is written");
    return interrupted_by(signal);
}

}  // namespace

int run_generate(const Arguments& arguments, Surroundings& around) {
    if (!arguments.flag("print_config")) around.ranks.join();
    const bool quiet = arguments.flag("quiet") || !around.ranks.tells();
    Progress progress(quiet ? "none" : arguments.text("progress", "auto"));
    if (arguments.flag("print_config")) {
        make_request(arguments);
        print_data(print_config(arguments) + "\n");
        return KINE_OK;
    }
    if (!has_prompt(arguments)) throw Error(KINE_USAGE, "a prompt is needed: -p TEXT, --prompt-file FILE or -p -");
    Request request = make_request(arguments);
    add_outputs(request, arguments);
    Session session = make_session(arguments);
    if (around.ranks.get() != nullptr) session.share(around.ranks.get());
    Job job(session, request, callbacks_to(progress));
    if (!quiet) tell_start(Json::parse(job.report())["request"]);
    around.signals.set_cancel([&job] { job.cancel(); });
    try {
        job.run();
    } catch (const Error& error) {
        around.signals.set_cancel({});
        progress.clear();
        const Json report = Json::parse(job.report());
        if (error.status() == KINE_INTERRUPTED) {
            const int signal = around.signals.received();
            return around.ranks.tells() ? tell_interrupted(report, signal) : interrupted_by(signal);
        }
        tell_kept(report);
        throw;
    }
    around.signals.set_cancel({});
    progress.clear();
    if (quiet) return KINE_OK;
    const Json report = Json::parse(job.report());
    tell_end(report);
    if (arguments.flag("verbose")) tell_ranks(report);
    return KINE_OK;
}

}  // namespace kinescope::cli
