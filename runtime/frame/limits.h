// How large a picture may be, from request to codec.
#pragma once

#include <cstdint>

namespace kine {

inline constexpr int64_t kMostPixels = int64_t{64} << 20;

}  // namespace kine
