// A part of `kinescope bench`.
#pragma once

#include "apps/cli/arguments.h"

namespace kinescope::cli {

int run_calibration(const Arguments& arguments);

}  // namespace kinescope::cli
