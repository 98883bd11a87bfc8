// Element types, and the two 16-bit floating formats as plain values with exact conversions.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace kine {

enum class DType : uint8_t { Float32, BFloat16, Float16, Int64, Int32, UInt8 };

int64_t size_of(DType dtype);
std::string_view name_of(DType dtype);  ///< "f32", "bf16", "f16", "i64", "i32", "u8"
DType dtype_from_name(std::string_view name);

/// Brain float: the upper half of a float, rounded to nearest even.
struct BFloat16 {
    uint16_t bits = 0;

    BFloat16() = default;
    BFloat16(float value) {  // NOLINT: implicit, as float narrows everywhere in kernels
        const auto raw = std::bit_cast<uint32_t>(value);
        const bool is_nan = (raw & 0x7fffffffu) > 0x7f800000u;
        bits = static_cast<uint16_t>(is_nan ? (raw >> 16) | 0x40u : (raw + 0x7fffu + ((raw >> 16) & 1u)) >> 16);
    }
    operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }  // NOLINT
};

/// IEEE half precision, storage only: arithmetic happens in float.
struct Float16 {
    uint16_t bits = 0;

    Float16() = default;
    Float16(float value);     // NOLINT
    operator float() const;   // NOLINT
};

template <class T>
inline constexpr DType kDTypeOf = DType::UInt8;
template <>
inline constexpr DType kDTypeOf<float> = DType::Float32;
template <>
inline constexpr DType kDTypeOf<BFloat16> = DType::BFloat16;
template <>
inline constexpr DType kDTypeOf<Float16> = DType::Float16;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::Int64;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::Int32;

}  // namespace kine
