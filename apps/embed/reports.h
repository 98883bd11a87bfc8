// What can be said without a run: plans, models, videos and how alike two of them are.
#pragma once

#include "apps/embed/session.h"
#include "runtime/io/json.h"

#include <string>

namespace kine::embed {

struct PlanReport {
    std::string text;
    Json json;  ///< "fits" tells whether the run is within the memory budget
};

PlanReport plan_report(Session& session, const RunRequest& request);
/// A model directory, a safetensors file, or a video; "kind" tells which.
Json inspection(Session& session, const std::string& path);
/// A contact sheet is written where `sheet` is not empty.
Json comparison(const std::string& first, const std::string& second, const std::string& sheet);

}  // namespace kine::embed
