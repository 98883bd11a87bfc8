#include "apps/embed/calibration.h"

#include "apps/embed/side_file.h"
#include "parallel/planner/calibration.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/json.h"

#include <filesystem>

namespace kine::embed {

Json calibration(Session& session, const std::string& path, bool overwrite) {
    check(path.empty() || path.ends_with(".json"), ErrorCode::Usage,
          "output '{}': expected a name that ends in .json, by which a cluster is known to be a file", path);
    check_side_file("output", path, overwrite);
    const auto claim = session.claim();
    parallel::CalibrationOptions options;
    if (!path.empty()) options.name = std::filesystem::path(path).stem().string();
    Json json = parallel::to_json(parallel::calibrate(claim.context, options));
    if (!path.empty()) write_file(path, json.dump(2) + "\n");
    return json;
}

}  // namespace kine::embed
