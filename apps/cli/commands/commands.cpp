#include "apps/cli/commands/commands.h"

#include <array>

namespace kinescope::cli {

namespace {

constexpr int kMany = 1000;

constexpr std::array kCommands = {
    CommandRow{{"generate", "Makes a video from a prompt.", kGenerate}, run_generate},
    CommandRow{{"plan", "Prints what a run would compute, reuse and hold, without running it.", kPlan}, run_plan},
    CommandRow{{"inspect", "Says what a model directory, a weight file or a video holds.", kInspect, "PATH",
                "a model directory, ORG/NAME in the Hugging Face cache, a weight file or a video", 1, 1},
               run_inspect},
    CommandRow{{"verify", "Holds every stage against golden cases of the reference implementation.", kVerify, "CASE",
                "folders with a model and the tensors that its reference computed, as in tests/golden", 1, kMany},
               run_verify},
    CommandRow{{"compare", "PSNR and SSIM of two videos or frame folders.", kCompare, "VIDEO",
                "two files, or folders of pictures", 2, 2},
               run_compare},
    CommandRow{{"bench", "Times a request end to end.", kBench}, run_bench},
    CommandRow{{"list", "Prints a table of what can be chosen by name; most of them without a name.", kList, "TABLE",
                "families, policies, qualities, strategies, clusters, presets, samplers, codecs, devices, options or "
                "build",
                0, 1},
               run_list},
};

}  // namespace

std::span<const CommandRow> commands() { return kCommands; }

}  // namespace kinescope::cli
