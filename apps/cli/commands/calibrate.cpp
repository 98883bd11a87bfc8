// kinescope bench --calibrate: this machine as a cluster for `plan` and for --parallel auto.
#include "apps/cli/commands/calibrate.h"

#include "apps/cli/run_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace kinescope::cli {

int run_calibration(const Arguments& arguments) {
    const std::vector<std::string> targets = arguments.all("output");
    if (targets.size() > 1) throw Error(KINE_USAGE, "calibrate: expected one output, got several");
    const std::string path = targets.empty() ? "" : targets.front();
    Session session = make_session(arguments, false);
    const std::string cluster = session.calibrate(path, arguments.flag("overwrite"));
    if (path.empty() || arguments.flag("json")) print_data(nlohmann::json::parse(cluster).dump(2) + "\n");
    if (!path.empty() && !arguments.flag("quiet")) say(fmt::format("wrote {}, use it with --cluster {}", path, path));
    return KINE_OK;
}

}  // namespace kinescope::cli
