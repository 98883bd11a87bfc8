#include "tests/apps/support/mpi_run.h"

#include "runtime/error.h"
#include "tests/support/temporary_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace kine::apps {

namespace {

namespace fs = std::filesystem;

/// "PPid:\t123" of /proc/N/status.
bool is_child_of(const fs::path& process, pid_t parent) {
    return content_of(process / "status").find(fmt::format("\nPPid:\t{}\n", parent)) != std::string::npos;
}

bool is_number(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool has_mpirun() {
    if (!fs::exists("/usr/bin/mpirun") || !fs::exists(program_path().parent_path() / "libkinescope_mpi.so"))
        return false;
    // Some sandboxes have no network of their own, and then the launcher starts nothing at all.
    return std::system("timeout 20 mpirun --oversubscribe --allow-run-as-root -n 2 true >/dev/null 2>&1") == 0;
}

Launch mpi_launch(int ranks, std::vector<std::string> arguments) {
    return {.arguments = std::move(arguments),
            .launcher = {"mpirun", "--oversubscribe", "--allow-run-as-root", "-n", std::to_string(ranks)}};
}

pid_t process_of_rank(pid_t mpirun, int rank) {
    const std::string wanted = fmt::format("{0}OMPI_COMM_WORLD_RANK={1}{0}", '\0', rank);
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (!is_number(name) || !is_child_of(entry.path(), mpirun)) continue;
        if (content_of(entry.path() / "environ").find(wanted) != std::string::npos) return std::stoi(name);
    }
    fail(ErrorCode::Other, "rank {} is not among the children of process {}", rank, mpirun);
}

}  // namespace kine::apps
