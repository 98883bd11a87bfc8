#include "dit/text/protobuf_wire.h"

#include "runtime/error.h"

#include <bit>

namespace kine::dit {
namespace {

void check_type(const WireField& field, WireType expected, std::string_view where) {
    check(field.type == expected, ErrorCode::BadInput, "{}: field {} has wire type {}, expected {}", where,
          field.number, static_cast<int>(field.type), static_cast<int>(expected));
}

}  // namespace

std::string_view WireField::as_bytes(std::string_view where) const {
    check_type(*this, WireType::Bytes, where);
    return bytes;
}

float WireField::as_float(std::string_view where) const {
    check_type(*this, WireType::Fixed32, where);
    return std::bit_cast<float>(static_cast<uint32_t>(value));
}

uint64_t WireField::as_varint(std::string_view where) const {
    check_type(*this, WireType::Varint, where);
    return value;
}

std::optional<WireField> WireReader::next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t key = read_varint();
    const uint64_t number = key >> 3;
    check(number > 0 && number < (uint64_t{1} << 29), ErrorCode::BadInput, "{}: field number {} at byte {}", where_,
          number, offset());
    WireField field{static_cast<uint32_t>(number), static_cast<WireType>(key & 7u), 0, {}};
    switch (field.type) {
        case WireType::Varint:
            field.value = read_varint();
            return field;
        case WireType::Fixed64:
            field.value = read_fixed(8);
            return field;
        case WireType::Fixed32:
            field.value = read_fixed(4);
            return field;
        case WireType::Bytes:
            field.bytes = read_bytes(read_varint());
            return field;
    }
    fail(ErrorCode::BadInput, "{}: field {} at byte {} has the unknown wire type {}", where_, number, offset(),
         key & 7u);
}

uint64_t WireReader::read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const auto byte = static_cast<unsigned char>(read_bytes(1)[0]);
        value |= uint64_t{byte & 0x7Fu} << shift;
        if (byte < 0x80) return value;
    }
    fail(ErrorCode::BadInput, "{}: number at byte {} is longer than 10 bytes", where_, offset());
}

uint64_t WireReader::read_fixed(size_t bytes) {
    const std::string_view raw = read_bytes(bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value |= uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return value;
}

std::string_view WireReader::read_bytes(uint64_t count) {
    check(count <= rest_.size(), ErrorCode::BadInput, "{}: {} bytes expected at byte {}, {} are left", where_, count,
          offset(), rest_.size());
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
}

}  // namespace kine::dit
