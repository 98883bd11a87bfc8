// Text inside PNG files (iTXt, UTF-8), which libav's encoder does not write and its decoder does not read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kine::codecs {

using Texts = std::map<std::string, std::string>;

/// The file `png` with a text chunk for each entry, right after its header. Keys longer than 79 bytes are left out.
std::vector<uint8_t> with_texts(const std::vector<uint8_t>& png, const Texts& texts);
/// The uncompressed texts of an open PNG file; nothing for other files.
Texts read_texts(int descriptor);

}  // namespace kine::codecs
