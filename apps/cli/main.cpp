// The command line: finds the command, lets it run, turns failures into one line and an exit code.
#include "apps/cli/commands/commands.h"
#include "apps/cli/progress.h"
#include "apps/cli/run_setup.h"

#include <fmt/core.h>

#include <fcntl.h>
#include <algorithm>

namespace kinescope::cli {

namespace {

std::string overview() {
    std::string text = "Kinescope makes videos with diffusion transformers.\n\nUsage: kinescope COMMAND [OPTIONS]\n\n";
    for (const CommandRow& row : commands()) text += fmt::format("  {:<10} {}\n", row.help.name, row.help.summary);
    text += "\n`kinescope COMMAND --help` lists its options, `kinescope --version` the version.\n";
    text += "Example: kinescope generate -p \"a red circle moving right on a blue background\" -o out.mp4\n";
    return text;
}

const CommandRow& find_command(const std::string& name) {
    std::vector<std::string> names;
    for (const CommandRow& row : commands()) {
        if (row.help.name == name) return row;
        names.emplace_back(row.help.name);
    }
    const std::string close = nearest(name, names);
    throw Error(KINE_USAGE, fmt::format("unknown command '{}'{}, see kinescope --help", name,
                                        close.empty() ? "" : ", did you mean '" + close + "'?"));
}

int dispatch(std::vector<std::string> arguments, Surroundings& around) {
    if (arguments.empty()) {
        talk(overview());
        return KINE_USAGE;
    }
    std::string name = arguments.front();
    arguments.erase(arguments.begin());
    if (name == "help" && !arguments.empty()) {
        name = arguments.front();
        arguments = {"--help"};
    }
    if (name == "--version") {
        print_data(fmt::format("kinescope {}\n", kine_version()));
        return KINE_OK;
    }
    if (name == "--help" || name == "-h" || name == "help") {
        print_data(overview());
        return KINE_OK;
    }
    const CommandRow& command = find_command(name);
    const std::optional<Arguments> parsed = parse_arguments(command.help, arguments);
    return parsed ? command.run(*parsed, around) : KINE_OK;
}

/// A closed standard stream would lend its number to the next file that is opened, and talk would end inside a video.
/// What takes its place lets talk vanish and refuses data.
void occupy_standard_streams() {
    const int ways[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int stream = 0; stream < 3; ++stream) {
        if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", ways[stream]);
    }
}

int fail_with(std::string& reason, int status, const char* message) {
    reason = message;
    say(fmt::format("error: {}", message));
    return status;
}

/// The exit code; what went wrong, if anything, is said and in `reason`.
int run_command(std::vector<std::string> arguments, Surroundings& around, std::string& reason) {
    try {
        return dispatch(std::move(arguments), around);
    } catch (const Error& error) {
        if (error.status() == KINE_USAGE) let_the_first_speak();
        return fail_with(reason, error.status(), error.what());
    } catch (const std::bad_alloc&) {
        return fail_with(reason, KINE_DOES_NOT_FIT, "out of memory");
    } catch (const std::exception& error) {
        return fail_with(reason, KINE_BUG, error.what());
    }
}

int run(std::vector<std::string> arguments) {
    occupy_standard_streams();
    kine_silence_codecs();
    Surroundings around;
    std::string reason;
    const int own = run_command(std::move(arguments), around, reason);
    const int status = around.ranks.leave(own, reason);
    if (status != own) say(fmt::format("error: {}", reason));
    around.ranks.end_others(status);
    return status;
}

}  // namespace

}  // namespace kinescope::cli

int main(int count, char** values) { return kinescope::cli::run({values + std::min(count, 1), values + count}); }
