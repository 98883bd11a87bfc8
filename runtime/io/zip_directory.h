// Which files a zip archive holds, for archives that store them as they are: then each is a stretch of the archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace kine {

struct ZipEntry {
    int64_t offset = 0;  ///< of the first byte, from the start of the archive
    int64_t bytes = 0;
};

/// Every offset and size is checked against the archive. BadInput names `where`; Unsupported for compressed or
/// encrypted files.
std::map<std::string, ZipEntry> read_zip_directory(std::span<const std::byte> archive, std::string_view where);

}  // namespace kine
