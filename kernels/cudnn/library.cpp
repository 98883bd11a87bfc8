#include "kernels/cudnn/library.h"

#include "runtime/plugin_file.h"

#include <fmt/core.h>

namespace kine::kernels::cudnn {

const Library* load_library(std::string& reason) {
    struct Opened {
        std::string reason;
        const void* table = open_plugin(kPluginFile, kLibrarySymbol, reason);
    };
    static const Opened opened;
    reason = opened.reason.empty() ? "" : fmt::format("{}: {}", kPluginFile, opened.reason);
    return static_cast<const Library*>(opened.table);
}

}  // namespace kine::kernels::cudnn
