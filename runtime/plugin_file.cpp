#include "runtime/plugin_file.h"

#include "runtime/config.h"

#include <dlfcn.h>
#include <fmt/core.h>
#include <filesystem>
#include <vector>

namespace kine {

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
std::vector<std::filesystem::path> candidates(const char* file) {
    const std::filesystem::path folder = own_folder();
    return {folder / file, folder.parent_path() / file, folder.parent_path() / kLibraryFolder / "kinescope" / file,
            folder / "kinescope" / file};
}

}  // namespace

const void* open_plugin(const char* file, const char* symbol, std::string& reason) {
    for (const std::filesystem::path& candidate : candidates(file)) {
        std::error_code ignored;
        if (!std::filesystem::exists(candidate, ignored)) continue;
        void* plugin = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_GLOBAL);  // MPI's own plugins look for its symbols
        const void* table = plugin != nullptr ? ::dlsym(plugin, symbol) : nullptr;
        if (table != nullptr) return table;
        const char* why = ::dlerror();
        reason += fmt::format("{}{}", reason.empty() ? "" : "; ", why != nullptr ? why : candidate.string());
    }
    if (reason.empty()) reason = "it is not there";
    return nullptr;
}

}  // namespace kine
