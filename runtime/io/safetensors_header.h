// The JSON header of a safetensors file, read event by event: a million tensors build no tree, and what is refused is
// refused at the byte where it stands.
#pragma once

#include "runtime/io/safetensors.h"

#include <span>
#include <string_view>

namespace kine {

struct SafetensorsHeader {
    std::map<std::string, SafetensorsEntry> entries;  ///< offsets from the start of the data
    std::map<std::string, std::string> metadata;
};

/// `text` is the header without its length, `where` names the file. Checks everything that one entry shows by itself.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view where);

/// Checks that the entries cover `data_bytes` without hole, overlap or rest.
void check_safetensors_layout(const SafetensorsHeader& header, int64_t data_bytes, std::string_view where);

}  // namespace kine
