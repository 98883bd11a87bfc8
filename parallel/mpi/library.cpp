#include "parallel/mpi/library.h"

#include "runtime/error.h"
#include "runtime/plugin_file.h"

#include <cstdlib>
#include <string>

namespace kine::parallel {

bool has_mpi_launcher() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"}) {
        const char* text = std::getenv(name);
        if (text != nullptr && std::atoi(text) > 1) return true;
    }
    const char* tasks = std::getenv("SLURM_NTASKS");
    const bool has_process_manager = std::getenv("PMIX_RANK") != nullptr || std::getenv("PMI_RANK") != nullptr;
    return has_process_manager && tasks != nullptr && std::atoi(tasks) > 1;
}

const MpiLibrary& open_mpi_library() {
    std::string reason;
    const void* table = open_plugin(kMpiPluginFile, kMpiLibrarySymbol, reason);
    check(table != nullptr, ErrorCode::Unsupported,
          "this process was started by an MPI launcher, but {} cannot be opened: {}", kMpiPluginFile, reason);
    return *static_cast<const MpiLibrary*>(table);
}

}  // namespace kine::parallel
