#include "apps/cli/run_talk.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <filesystem>

namespace kinescope::cli {

namespace {

using Json = nlohmann::json;

std::string milliseconds(const Json& seconds) { return fmt::format("{:.1f} ms", seconds.get<double>() * 1e3); }

}  // namespace

kine_callbacks RunTalk::callbacks() {
    kine_callbacks callbacks = {};
    callbacks.user_data = this;
    callbacks.on_progress = [](void* data, const kine_progress* row) {
        const RunTalk& talk = *static_cast<RunTalk*>(data);
        talk.progress_.show(*row, talk.which_);
        return 0;
    };
    callbacks.on_log = [](void* data, const char* level, const char* line) {
        const RunTalk& talk = *static_cast<RunTalk*>(data);
        talk.progress_.log(level, line, talk.which_);
    };
    callbacks.on_stuck = [](void* data, kine_status status, const char* message) {
        static_cast<RunTalk*>(data)->line(fmt::format("error: {}, and a rank hangs", message));
        _exit(status);  // not even destructors can be waited for
    };
    return callbacks;
}

void RunTalk::start(const Json& report) const {
    if (loudness_.is_quiet || !loudness_.is_heard) return;
    const Json& request = report["request"];
    line(fmt::format("{} x {}, {} frames, {} steps, seed {}", request["width"].dump(), request["height"].dump(),
                     request["num_frames"].dump(), request["steps"].dump(), request["seed"].dump()));
}

void RunTalk::files(const Json& report) const {
    for (const Json& output : report["outputs"]) {
        line(fmt::format("wrote {}: {} frames", output["name"].get<std::string>(), report["frames"].dump()));
    }
}

void RunTalk::end(const Json& report) const {
    if (loudness_.is_quiet || !loudness_.is_heard) return;
    const Json& seconds = report["seconds"];
    files(report);
    line(fmt::format("{} (encode {}, denoise {}, decode {}), peak {}", duration_text(seconds["total"]),
                     duration_text(seconds["encode"]), duration_text(seconds["denoise"]),
                     duration_text(seconds["decode"]), bytes_text(report["peak_bytes"])));
    if (loudness_.is_verbose) ranks(report);
}

/// What each rank did, and whom the others waited for.
void RunTalk::ranks(const Json& report) const {
    const Json& ranks = report["ranks"];
    for (size_t rank = 0; ranks.size() > 1 && rank < ranks.size(); ++rank) {
        const Json& decode = ranks[rank]["decode"];
        line(fmt::format("rank {}: sent {}, {} in communication; decoded {} pieces in {}", rank,
                         bytes_text(ranks[rank]["bytes_sent"]), duration_text(ranks[rank]["seconds"]),
                         decode["pieces"].dump(), duration_text(decode["seconds"])));
    }
    for (const Json& row : report["stragglers"]) {
        line(fmt::format("step {}: rank {} was the slowest, busy for {}, the others for {}; they waited {}",
                         row["step"].dump(), row["rank"].dump(), milliseconds(row["busy_seconds"]),
                         milliseconds(row["others_busy_seconds"]), milliseconds(row["others_waiting_seconds"])));
    }
}

void RunTalk::failure(const Json& report) const {
    for (const Json& output : report["outputs"]) {
        const std::string temporary = output["temporary"];
        std::error_code ignored;
        if (!temporary.empty() && std::filesystem::exists(temporary, ignored)) {
            line(fmt::format("the finished frames are kept in {}", temporary));
        }
    }
}

void RunTalk::interruption(const Json& report) const {
    if (!loudness_.is_heard) return;
    const bool has_frames = report["frames"] != 0;
    if (has_frames) files(report);
    line(has_frames ? "interrupted" : "interrupted before the first frame, nothing is written");
}

}  // namespace kinescope::cli
