#include "codecs/av/truncation.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <span>

namespace kine::codecs {
namespace {

bool read_at(int descriptor, std::span<uint8_t> bytes, int64_t position) {
    return ::pread(descriptor, bytes.data(), bytes.size(), position) == static_cast<ssize_t>(bytes.size());
}

uint64_t big_endian(std::span<const uint8_t> bytes) {
    uint64_t value = 0;
    for (const uint8_t byte : bytes) value = value << 8 | byte;
    return value;
}

/// Top-level boxes: 32-bit size and name; size 1 means that 64 bits follow, 0 that the box reaches the end.
bool boxes_end_early(int descriptor, int64_t file_bytes) {
    int64_t position = 0;
    while (position < file_bytes) {
        std::array<uint8_t, 16> head{};
        if (!read_at(descriptor, std::span(head).first(8), position)) return true;
        uint64_t size = big_endian(std::span(head).first(4));
        if (size == 0) return false;
        if (size == 1 && !read_at(descriptor, head, position)) return true;
        if (size == 1) size = big_endian(std::span(head).last(8));
        if (size < 8 || size > static_cast<uint64_t>(file_bytes - position)) return true;
        position += static_cast<int64_t>(size);
    }
    return false;
}

struct Element {
    uint64_t size = 0;
    int64_t body = 0;  // where it starts
    bool is_open = false;
};

/// An EBML element at `position`: an identifier of `id_bytes`, then a size whose length its leading zeros tell.
std::optional<Element> element_at(int descriptor, int64_t position, int64_t id_bytes) {
    std::array<uint8_t, 8> bytes{};
    if (!read_at(descriptor, std::span(bytes).first(1), position + id_bytes)) return std::nullopt;
    const auto length = static_cast<size_t>(std::countl_zero(bytes[0])) + 1;
    if (length > 8 || !read_at(descriptor, std::span(bytes).first(length), position + id_bytes)) return std::nullopt;
    const uint64_t mask = (uint64_t{1} << (7 * length)) - 1;
    const uint64_t size = big_endian(std::span(bytes).first(length)) & mask;
    return Element{size, position + id_bytes + static_cast<int64_t>(length), size == mask};
}

/// The EBML header, then one Segment, of unknown size until a recording is closed.
bool segment_ends_early(int descriptor, int64_t file_bytes) {
    const auto header = element_at(descriptor, 0, 4);
    if (!header || header->is_open || header->size > static_cast<uint64_t>(file_bytes)) return true;
    const auto segment = element_at(descriptor, header->body + static_cast<int64_t>(header->size), 4);
    if (!segment) return true;
    return !segment->is_open && segment->size > static_cast<uint64_t>(file_bytes - segment->body);
}

bool lacks_gif_trailer(int descriptor, int64_t file_bytes) {
    uint8_t last = 0;
    return !read_at(descriptor, std::span(&last, 1), file_bytes - 1) || last != 0x3B;
}

}  // namespace

std::optional<std::string_view> find_truncation(int descriptor, int64_t file_bytes, std::string_view format) {
    if (format.starts_with("mov") && boxes_end_early(descriptor, file_bytes)) return "its last box is cut off";
    if (format.starts_with("matroska") && segment_ends_early(descriptor, file_bytes)) return "its segment is cut off";
    if (format == "gif" && lacks_gif_trailer(descriptor, file_bytes)) return "its trailer is missing";
    return std::nullopt;
}

}  // namespace kine::codecs
