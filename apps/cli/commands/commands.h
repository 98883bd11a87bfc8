// The table of commands.
#pragma once

#include "apps/cli/arguments.h"
#include "apps/cli/surroundings.h"

#include <span>

namespace kinescope::cli {

struct CommandRow {
    CommandHelp help;
    /// The exit code; failures are thrown as Error.
    int (*run)(const Arguments& arguments, Surroundings& around);
};

std::span<const CommandRow> commands();

int run_generate(const Arguments& arguments, Surroundings& around);
int run_plan(const Arguments& arguments, Surroundings& around);
int run_inspect(const Arguments& arguments, Surroundings& around);
int run_verify(const Arguments& arguments, Surroundings& around);
int run_compare(const Arguments& arguments, Surroundings& around);
int run_bench(const Arguments& arguments, Surroundings& around);
int run_list(const Arguments& arguments, Surroundings& around);

}  // namespace kinescope::cli
