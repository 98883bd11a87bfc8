// Safetensors files made by hand, right and wrong ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kine {

inline std::string little_endian(uint64_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// Length, header and `data_bytes` bytes of data counted up from 0.
inline std::string safetensors_bytes(std::string_view header, size_t data_bytes) {
    std::string bytes = little_endian(header.size()) + std::string(header);
    for (size_t i = 0; i < data_bytes; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
}

}  // namespace kine
