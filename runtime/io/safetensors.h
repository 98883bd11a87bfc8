// The safetensors format: a little-endian u64 header length, a JSON header, tensor bytes without holes.
// Strict: everything the reference implementation refuses is refused here, with tighter caps.
#pragma once

#include "runtime/tensor/tensor.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kine {

class MappedFile;

struct SafetensorsEntry {
    std::string dtype_name;      ///< as the file says, e.g. "BF16"
    std::optional<DType> dtype;  ///< empty for formats that we can list but not read (F8_E8M0, F64, BOOL, ...)
    Shape shape;
    int64_t offset = 0;  ///< of the first byte, from the start of the file
    int64_t bytes = 0;
};

/// An open file; its tensors are views of the mapping and keep it alive. Immutable.
class SafetensorsFile {
  public:
    /// Throws ErrorCode::BadInput naming file, tensor and field.
    static SafetensorsFile open(const std::filesystem::path& path);

    /// Tensors that lie in a file of another format, whose entries have been checked against it.
    static SafetensorsFile over(std::shared_ptr<const MappedFile> mapped,
                                std::map<std::string, SafetensorsEntry> entries);

    const std::filesystem::path& path() const { return path_; }
    const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }
    const std::map<std::string, std::string>& metadata() const { return metadata_; }
    bool contains(const std::string& name) const { return entries_.contains(name); }
    /// Zero-copy, unless the file holds it unaligned. Throws BadInput if missing, Unsupported if its dtype is not one
    /// of ours.
    Tensor tensor(const std::string& name) const;
    /// Throws BadInput if the file was written to or cut since it was opened.
    void expect_unchanged() const;

  private:
    std::filesystem::path path_;
    std::map<std::string, SafetensorsEntry> entries_;
    std::map<std::string, std::string> metadata_;
    std::shared_ptr<Storage> storage_;
    std::shared_ptr<const MappedFile> mapped_;
};

/// Writes contiguous or strided host tensors under a temporary name, then renames. Throws ErrorCode::Output.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace kine
