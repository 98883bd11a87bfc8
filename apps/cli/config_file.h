// --config FILE: a JSON object of option names, as --print-config prints it.
#pragma once

#include "apps/cli/arguments.h"

#include <string>

namespace kinescope::cli {

/// Adds what the command line did not say. Unknown names are usage errors with a suggestion.
void read_config(const std::string& file, unsigned command, Arguments& arguments);
/// The options that are set, as JSON text that read_config takes.
std::string print_config(const Arguments& arguments);
/// A whole small file as text, with the exit code of a bad input file.
std::string read_file(const std::string& path, size_t max_bytes);

}  // namespace kinescope::cli
