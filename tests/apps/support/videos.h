// Videos read back, to be compared or counted.
#pragma once

#include "runtime/frame/frame.h"

#include <filesystem>
#include <vector>

namespace kine::apps {

/// Every frame's pixels; throws if the file does not play to its end.
std::vector<std::vector<uint8_t>> frames_of(const std::filesystem::path& video);

}  // namespace kine::apps
