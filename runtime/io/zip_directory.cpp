#include "runtime/io/zip_directory.h"

#include "runtime/error.h"
#include "runtime/printable.h"

#include <algorithm>
#include <cstring>

namespace kine {

namespace {

constexpr uint32_t kEndMark = 0x06054b50;
constexpr uint32_t kEnd64Mark = 0x06064b50;
constexpr uint32_t kLocator64Mark = 0x07064b50;
constexpr uint32_t kFileMark = 0x02014b50;
constexpr uint32_t kLocalMark = 0x04034b50;
constexpr int64_t kEndBytes = 22;
constexpr int64_t kLocatorBytes = 20;
constexpr int64_t kLongestComment = 0xffff;
constexpr uint32_t kElsewhere = 0xffffffff;  // the number stands in the 64-bit fields
constexpr uint64_t kMostFiles = 1'000'000;

class Archive {
  public:
    Archive(std::span<const std::byte> bytes, std::string_view where) : bytes_(bytes), where_(where) {}

    int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
    std::string_view where() const { return where_; }

    template <class T>
    T number(int64_t at) const {
        T value = 0;
        std::memcpy(&value, text(at, sizeof(T)).data(), sizeof(T));
        return value;
    }
    std::string_view text(int64_t at, int64_t length) const {
        check(at >= 0 && length >= 0 && at <= size() && length <= size() - at, ErrorCode::BadInput,
              "{}: the archive is cut: {} bytes at {} of {}", where_, length, at, size());
        return {reinterpret_cast<const char*>(bytes_.data()) + at, static_cast<size_t>(length)};
    }
    /// A 64-bit number as an offset; what is beyond the archive is refused where it is used.
    int64_t offset(int64_t at) const {
        const auto value = number<uint64_t>(at);
        check(value <= static_cast<uint64_t>(size()), ErrorCode::BadInput, "{}: the archive is cut: {} of {} bytes",
              where_, value, size());
        return static_cast<int64_t>(value);
    }

  private:
    std::span<const std::byte> bytes_;
    std::string_view where_;
};

struct Directory {
    int64_t offset = 0;
    uint64_t files = 0;
};

int64_t find_end(const Archive& archive) {
    const int64_t last = archive.size() - kEndBytes;
    for (int64_t at = last; at >= 0 && at >= last - kLongestComment; --at) {
        if (archive.number<uint32_t>(at) == kEndMark) return at;
    }
    fail(ErrorCode::BadInput, "{}: is no zip archive, or its end is missing", archive.where());
}

Directory find_directory(const Archive& archive) {
    const int64_t end = find_end(archive), locator = end - kLocatorBytes;
    if (locator < 0 || archive.number<uint32_t>(locator) != kLocator64Mark)
        return {archive.number<uint32_t>(end + 16), archive.number<uint16_t>(end + 10)};
    const int64_t end64 = archive.offset(locator + 8);
    check(archive.number<uint32_t>(end64) == kEnd64Mark, ErrorCode::BadInput, "{}: the archive's directory is damaged",
          archive.where());
    return {archive.offset(end64 + 48), archive.number<uint64_t>(end64 + 32)};
}

/// Sizes and offset of one file, 32 bits each or, marked so, 64 bits in the extra field.
struct Placement {
    uint64_t bytes, stored_bytes, header;
};

void read_extra(const Archive& archive, int64_t at, int64_t length, Placement& place) {
    constexpr uint16_t kLongNumbers = 1;
    for (const int64_t end = at + length; at + 4 <= end;) {
        const auto kind = archive.number<uint16_t>(at), bytes = archive.number<uint16_t>(at + 2);
        int64_t next = at + 4;
        for (uint64_t* field : {&place.bytes, &place.stored_bytes, &place.header}) {
            if (kind != kLongNumbers || *field != kElsewhere) continue;
            *field = archive.number<uint64_t>(next);
            next += 8;
        }
        at += 4 + bytes;
    }
}

ZipEntry entry_of(const Archive& archive, const Placement& place, std::string_view name) {
    check(place.bytes == place.stored_bytes && place.header < static_cast<uint64_t>(archive.size()),
          ErrorCode::BadInput, "{}: '{}': the archive's directory is damaged", archive.where(), printable(name));
    const auto header = static_cast<int64_t>(place.header);
    check(archive.number<uint32_t>(header) == kLocalMark, ErrorCode::BadInput, "{}: '{}': its header is missing",
          archive.where(), printable(name));
    const int64_t data = header + 30 + archive.number<uint16_t>(header + 26) + archive.number<uint16_t>(header + 28);
    check(data <= archive.size() && place.bytes <= static_cast<uint64_t>(archive.size() - data), ErrorCode::BadInput,
          "{}: '{}': {} bytes at {} reach beyond the archive's {}", archive.where(), printable(name), place.bytes, data,
          archive.size());
    return {data, static_cast<int64_t>(place.bytes)};
}

}  // namespace

std::map<std::string, ZipEntry> read_zip_directory(std::span<const std::byte> bytes, std::string_view where) {
    const Archive archive(bytes, where);
    const Directory directory = find_directory(archive);
    check(directory.files <= kMostFiles, ErrorCode::BadInput, "{}: {} files, expected at most {}", where,
          directory.files, kMostFiles);
    std::map<std::string, ZipEntry> entries;
    int64_t at = directory.offset;
    for (uint64_t i = 0; i < directory.files; ++i) {
        check(archive.number<uint32_t>(at) == kFileMark, ErrorCode::BadInput, "{}: the archive's directory is damaged",
              where);
        const int64_t name_length = archive.number<uint16_t>(at + 28), extra = archive.number<uint16_t>(at + 30);
        const std::string name(archive.text(at + 46, name_length));
        const bool is_plain = archive.number<uint16_t>(at + 10) == 0 && (archive.number<uint16_t>(at + 8) & 1) == 0;
        check(is_plain, ErrorCode::Unsupported, "{}: '{}' is compressed or encrypted, expected stored files", where,
              printable(name));
        Placement place = {archive.number<uint32_t>(at + 24), archive.number<uint32_t>(at + 20),
                           archive.number<uint32_t>(at + 42)};
        read_extra(archive, at + 46 + name_length, extra, place);
        const bool is_new = entries.emplace(name, entry_of(archive, place, name)).second;
        check(is_new, ErrorCode::BadInput, "{}: '{}' is there twice", where, printable(name));
        at += 46 + name_length + extra + archive.number<uint16_t>(at + 32);
    }
    return entries;
}

}  // namespace kine
