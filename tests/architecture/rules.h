// The rules of the house. Each looks at the sources and says what breaks it, with file, line and reason.
#pragma once

#include "tests/architecture/source_file.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kine::architecture {

/// "dit/run.cpp:12: what is wrong", one for each place; empty when the rule holds.
using Violations = std::vector<std::string>;
using Sources = std::vector<SourceFile>;

/// Includes go to the folders that the table of layers allows, and no model family includes another.
Violations layers(const Sources& sources);
/// No file includes itself by way of others.
Violations cycles(const Sources& sources);
/// Own header first.
Violations own_header_first(const Sources& sources);
/// No conditional compilation and no macros, except where C needs them.
Violations conditionals(const Sources& sources);
/// CUDA is called where devices, kernels and communicators live.
Violations cuda_calls(const Sources& sources);
/// Files of at most 500 lines; functions of at most 60 lines on the host, 150 in device code.
Violations sizes(const Sources& sources);
/// Headers begin with their purpose and are included once.
Violations headers(const Sources& sources);
/// Folders that people open have a README.md of fewer than 60 lines.
Violations readmes(const std::filesystem::path& root);

}  // namespace kine::architecture
