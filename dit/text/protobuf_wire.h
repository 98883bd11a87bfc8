// Reads the protobuf wire format field by field and never outside the bytes it was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kine::dit {

enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

struct WireField {
    uint32_t number = 0;
    WireType type = WireType::Varint;
    uint64_t value = 0;      ///< of Varint, Fixed64 and Fixed32
    std::string_view bytes;  ///< of Bytes: a view of the message

    // Throw ErrorCode::BadInput where the field has another wire type; `where` names file and field.
    std::string_view as_bytes(std::string_view where) const;
    float as_float(std::string_view where) const;
    uint64_t as_varint(std::string_view where) const;
};

class WireReader {
  public:
    /// `where` names the file and message; both must outlive the reader.
    WireReader(std::string_view message, std::string_view where)
        : rest_(message), where_(where), size_(message.size()) {}

    /// The next field, nothing at the end. Groups, field number 0 and lengths beyond the message are
    /// ErrorCode::BadInput.
    std::optional<WireField> next();

  private:
    uint64_t read_varint();
    uint64_t read_fixed(size_t bytes);
    std::string_view read_bytes(uint64_t count);
    size_t offset() const { return size_ - rest_.size(); }

    std::string_view rest_;
    std::string_view where_;
    size_t size_;
};

}  // namespace kine::dit
