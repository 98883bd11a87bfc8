#include "dit/families/stage.h"

namespace kine::dit {

std::string_view name_of(Stage stage) {
    if (stage == Stage::Encode) return "encode";
    return stage == Stage::Denoise ? "denoise" : "decode";
}

}  // namespace kine::dit
