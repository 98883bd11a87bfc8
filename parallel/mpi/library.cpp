#include "parallel/mpi/library.h"

#include "runtime/config.h"
#include "runtime/error.h"

#include <dlfcn.h>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace kine::parallel {

namespace {

/// The folder of the program or library that this code was linked into.
std::filesystem::path own_folder() {
    Dl_info info = {};
    const bool found = ::dladdr(reinterpret_cast<const void*>(&own_folder), &info) != 0 && info.dli_fname != nullptr;
    std::error_code failed;
    const std::filesystem::path file = std::filesystem::canonical(found ? info.dli_fname : "/proc/self/exe", failed);
    if (!failed) return file.parent_path();
    return std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
}

/// Beside the program in the build folder; where `cmake --install` puts it, seen from the program and from our library.
std::vector<std::filesystem::path> candidates() {
    const std::filesystem::path folder = own_folder();
    return {folder / kMpiPluginFile, folder.parent_path() / kMpiPluginFile,
            folder.parent_path() / kLibraryFolder / "kinescope" / kMpiPluginFile,
            folder / "kinescope" / kMpiPluginFile};
}

}  // namespace

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
    std::string reasons;
    for (const std::filesystem::path& file : candidates()) {
        std::error_code ignored;
        if (!std::filesystem::exists(file, ignored)) continue;
        void* plugin = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);  // MPI's own plugins look for MPI's symbols
        const void* table = plugin != nullptr ? ::dlsym(plugin, kMpiLibrarySymbol) : nullptr;
        if (table != nullptr) return *static_cast<const MpiLibrary*>(table);
        const char* reason = ::dlerror();
        reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", reason != nullptr ? reason : file.string());
    }
    fail(ErrorCode::Unsupported, "this process was started by an MPI launcher, but {} cannot be opened: {}",
         kMpiPluginFile, reasons.empty() ? "it is not there, this build has no MPI" : reasons);
}

}  // namespace kine::parallel
