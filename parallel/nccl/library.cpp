#include "parallel/nccl/library.h"

#include "runtime/error.h"
#include "runtime/plugin_file.h"

#include <string>

namespace kine::parallel {

const NcclLibrary& open_nccl_library() {
    std::string reason;
    const void* table = open_plugin(kNcclPluginFile, kNcclLibrarySymbol, reason);
    check(table != nullptr, ErrorCode::Unsupported, "ranks cannot be GPUs: {} cannot be opened: {}", kNcclPluginFile,
          reason);
    return *static_cast<const NcclLibrary*>(table);
}

}  // namespace kine::parallel
