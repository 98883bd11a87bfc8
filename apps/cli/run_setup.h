// From arguments to a session and a request: what generate, plan and bench share.
#pragma once

#include "apps/cli/arguments.h"
#include "apps/cli/progress.h"

#include <string>

namespace kinescope::cli {

/// --model, else KINE_DEMO_MODEL, else the embedded model beside the installed program or in the source tree.
std::string model_directory(const Arguments& arguments);
/// Opens the model, unless `with_model` is false.
Session make_session(const Arguments& arguments, bool with_model = true);
/// Opens the model or the preset without reading weights.
Session make_plan_session(const Arguments& arguments);
/// Everything but outputs. An empty prompt is allowed, with a warning.
Request make_request(const Arguments& arguments, const std::string& prompt);
/// Of a command that takes one prompt; a missing one is empty.
Request make_request(const Arguments& arguments);
/// Prints on standard output; a failing write is KINE_OUTPUT.
void print_data(const std::string& text);

}  // namespace kinescope::cli
