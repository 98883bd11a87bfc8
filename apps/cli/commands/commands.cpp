#include "apps/cli/commands/commands.h"

#include <array>

namespace kinescope::cli {

namespace {

constexpr int kMany = 1000;

constexpr std::array kCommands = {
    CommandRow{{"generate", "Makes a video from a prompt.", kGenerate, "", 0, 0}, run_generate},
    CommandRow{{"plan", "Prints what a run would compute, reuse and hold, without running it.", kPlan, "", 0, 0},
               run_plan},
    CommandRow{{"inspect", "Says what a model directory, a weight file or a video holds.", kInspect, "PATH", 1, 1},
               run_inspect},
    CommandRow{{"verify", "Holds every stage against golden cases of the reference implementation.", kVerify, "CASE", 1,
                kMany},
               run_verify},
    CommandRow{{"compare", "PSNR and SSIM of two videos or frame folders.", kCompare, "VIDEO", 2, 2}, run_compare},
    CommandRow{{"bench", "Times a request end to end.", kBench, "", 0, 0}, run_bench},
    CommandRow{{"list",
                "Prints a table: families, policies, strategies, samplers, codecs, devices, options or build; without "
                "a name most of "
                "them.",
                kList, "TABLE", 0, 1},
               run_list},
};

}  // namespace

std::span<const CommandRow> commands() { return kCommands; }

}  // namespace kinescope::cli
