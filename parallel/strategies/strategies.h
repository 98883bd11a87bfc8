// The table of strategies. A strategy is a row of layouts: where tokens live, and what each kind of attention needs.
#pragma once

#include "parallel/layout.h"

#include <span>
#include <string_view>

namespace kine::parallel {

struct Strategy {
    std::string_view name;
    std::string_view summary;
    Layout resident;  ///< between modules
    Layout spatial;   ///< while attention mixes the patches of a frame
    Layout temporal;  ///< while attention mixes the frames of a patch
};

std::span<const Strategy> strategies();
/// By name or alias ("dsp"); throws ErrorCode::Usage listing the names.
const Strategy& find_strategy(std::string_view name);

}  // namespace kine::parallel
