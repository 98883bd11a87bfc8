#include "runtime/io/safetensors.h"

#include "runtime/io/mapped_file.h"
#include "runtime/io/safetensors_header.h"
#include "runtime/printable.h"

#include <cstring>

namespace kine {

namespace {

constexpr int64_t kLengthBytes = 8;
constexpr uint64_t kMostHeaderBytes = 100'000'000;  // the cap of the reference implementation

/// The header text; `bytes` is the whole file.
std::string_view header_of(std::span<const std::byte> bytes, std::string_view where) {
    check(bytes.size() >= kLengthBytes, ErrorCode::BadInput,
          "{}: has {} bytes, expected at least {} for a header length", where, bytes.size(), kLengthBytes);
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), kLengthBytes);
    check(length > 0, ErrorCode::BadInput, "{}: header length is 0", where);
    check(length <= kMostHeaderBytes, ErrorCode::BadInput, "{}: header length is {}, expected at most {}", where,
          length, kMostHeaderBytes);
    check(length <= bytes.size() - kLengthBytes, ErrorCode::BadInput,
          "{}: header length is {}, the file has only {} bytes after it", where, length, bytes.size() - kLengthBytes);
    return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, static_cast<size_t>(length)};
}

/// Nothing obliges a header to end on a multiple of the element size, so some tensors need a copy to be aligned.
std::shared_ptr<Storage> aligned_copy(const std::byte* bytes, int64_t size) {
    const auto copy = std::make_shared<std::vector<std::byte>>(bytes, bytes + size);
    return Storage::borrow(copy->data(), size, copy);
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
    const std::shared_ptr<const MappedFile> mapped = MappedFile::open(path);
    const std::string where = printable(path.string(), 4096);
    const std::string_view text = header_of(mapped->bytes(), where);
    const int64_t data_begin = kLengthBytes + static_cast<int64_t>(text.size());
    const auto file_bytes = static_cast<int64_t>(mapped->bytes().size());

    SafetensorsHeader header = parse_safetensors_header(text, where);
    check_safetensors_layout(header, file_bytes - data_begin, where);
    for (auto& [name, entry] : header.entries) entry.offset += data_begin;

    SafetensorsFile file = over(mapped, std::move(header.entries));
    file.metadata_ = std::move(header.metadata);
    return file;
}

SafetensorsFile SafetensorsFile::over(std::shared_ptr<const MappedFile> mapped,
                                      std::map<std::string, SafetensorsEntry> entries) {
    SafetensorsFile file;
    file.path_ = mapped->path();
    file.entries_ = std::move(entries);
    const auto bytes = static_cast<int64_t>(mapped->bytes().size());
    file.storage_ = Storage::borrow(mapped->bytes().data(), bytes, mapped);
    file.mapped_ = std::move(mapped);
    return file;
}

void SafetensorsFile::expect_unchanged() const { mapped_->expect_unchanged(); }

Tensor SafetensorsFile::tensor(const std::string& name) const {
    const auto found = entries_.find(name);
    check(found != entries_.end(), ErrorCode::BadInput, "{}: has no tensor '{}'", path_.string(), printable(name));
    const SafetensorsEntry& entry = found->second;
    check(entry.dtype.has_value(), ErrorCode::Unsupported,
          "{}: tensor '{}': format {} cannot be read, known are F32, BF16, F16, F8_E4M3, F8_E5M2, I64, I32, U8",
          path_.string(), printable(name), entry.dtype_name);
    mapped_->count_read(entry.bytes);
    if (entry.offset % size_of(*entry.dtype) == 0)
        return Tensor::over(storage_, entry.offset, entry.shape, *entry.dtype);
    return Tensor::over(aligned_copy(storage_->data() + entry.offset, entry.bytes), 0, entry.shape, *entry.dtype);
}

}  // namespace kine
