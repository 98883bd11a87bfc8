// Demuxers report the end of a truncated file like that of a whole one. Containers say how long they should be.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kine::codecs {

/// What is missing at the end of the open file, as words for a message; nothing if it looks whole, or cannot be told,
/// e.g. for a fragmented file that a kill cut off between two fragments. `format` is libav's name of the demuxer.
std::optional<std::string_view> find_truncation(int descriptor, int64_t file_bytes, std::string_view format);

}  // namespace kine::codecs
