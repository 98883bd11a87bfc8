// JSON from untrusted files: depth, duplicates, size and number range are checked before anyone reads a value.
#pragma once

#include "runtime/io/json_fwd.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string_view>

namespace kine {

/// More than a vocabulary of a million pieces with their scores, less than would fill a machine.
inline constexpr int64_t kMostJsonValues = 8'000'000;

/// Parses strictly: depth at most 64, no duplicate keys, no NaN or 1e999, UTF-8 only. `where` names the source.
/// Throws ErrorCode::BadInput.
Json parse_json(std::string_view text, std::string_view where, int64_t max_values = kMostJsonValues);
/// As parse_json; a file above `max_bytes` is refused before it is read.
Json read_json(const std::filesystem::path& file, int64_t max_bytes = int64_t{64} << 20);
/// The whole file as text, refused above `max_bytes`, when it is no regular file, or when it cannot be read.
std::string read_text(const std::filesystem::path& file, int64_t max_bytes = int64_t{64} << 20);

}  // namespace kine
