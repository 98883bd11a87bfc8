// --config FILE: a JSON object of option names, as --print-config prints it.
#pragma once

#include "apps/cli/arguments.h"

#include <string>

namespace kinescope::cli {

/// What the file says. Unknown names are usage errors with a suggestion.
Arguments read_config(const std::string& file, unsigned command);
/// The options that are set, as JSON text that read_config takes.
std::string print_config(const Arguments& arguments);
/// A whole small file that an option names, as text, with the exit code of a bad input file.
std::string read_file(std::string_view option, const std::string& path, size_t max_bytes);

}  // namespace kinescope::cli
