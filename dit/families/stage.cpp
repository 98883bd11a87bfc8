#include "dit/families/stage.h"

namespace kine::dit {

std::string_view name_of(Stage stage) {
    constexpr std::array<std::string_view, kStages.size()> kNames = {"encode", "denoise", "refine", "decode"};
    return kNames[static_cast<size_t>(stage)];
}

}  // namespace kine::dit
