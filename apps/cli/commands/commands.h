// The table of commands.
#pragma once

#include "apps/cli/arguments.h"
#include "apps/cli/signals.h"

#include <span>

namespace kinescope::cli {

struct CommandRow {
    CommandHelp help;
    /// The exit code; failures are thrown as Error.
    int (*run)(const Arguments& arguments, SignalWatch& signals);
};

std::span<const CommandRow> commands();

int run_generate(const Arguments& arguments, SignalWatch& signals);
int run_plan(const Arguments& arguments, SignalWatch& signals);
int run_inspect(const Arguments& arguments, SignalWatch& signals);
int run_verify(const Arguments& arguments, SignalWatch& signals);
int run_compare(const Arguments& arguments, SignalWatch& signals);
int run_bench(const Arguments& arguments, SignalWatch& signals);
int run_list(const Arguments& arguments, SignalWatch& signals);

}  // namespace kinescope::cli
