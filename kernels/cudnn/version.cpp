// Which cuDNN is used. Apart from library.cpp, whose place tests give to a cuDNN of their own.
#include "kernels/cudnn/library.h"

#include "runtime/environment_switch.h"

namespace kine::kernels::cudnn {

namespace {

bool is_wanted() {
    static const bool wanted = is_switched_on("KINE_CUDNN");
    return wanted;
}

std::string version_text(int64_t version) {
    return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace

const Library* usable_library(std::string& reason) {
    if (!is_wanted()) {
        reason = "KINE_CUDNN is off";
        return nullptr;
    }
    const Library* library = load_library(reason);
    if (library == nullptr) return nullptr;
    const int64_t version = library->version();
    if (version >= kLeastVersion) return library;
    reason = fmt::format("it is cuDNN {}, expected {} or later", version_text(version), version_text(kLeastVersion));
    return nullptr;
}

std::string describe_library() {
    std::string reason;
    const Library* library = usable_library(reason);
    return library != nullptr ? version_text(library->version()) : "not used: " + reason;
}

}  // namespace kine::kernels::cudnn
