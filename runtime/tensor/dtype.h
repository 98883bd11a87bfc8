// Element types, and the floating formats of 16 and of 8 bits as plain values with exact conversions.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace kine {

enum class DType : uint8_t { Float32, BFloat16, Float16, Float8E4M3, Float8E5M2, Int64, Int32, UInt8 };

/// Whether numbers of this type may be converted to others of which that is true.
inline bool is_floating(DType dtype) { return dtype <= DType::Float8E5M2; }
/// Whether models compute in it: f32, bf16, and f16 on GPUs.
inline bool is_arithmetic(DType dtype) { return dtype <= DType::Float16; }

int64_t size_of(DType dtype);
std::string_view name_of(DType dtype);  ///< "f32", "bf16", "f16", "f8_e4m3", "f8_e5m2", "i64", "i32", "u8"
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
    Float16(float value) : bits(round(std::bit_cast<uint32_t>(value))) {}  // NOLINT
    operator float() const {                                               // NOLINT
        // Re-biasing the exponent is a multiplication, which makes subnormals right too; only infinity and NaN need
        // their exponent put back. No branch, so that loops over this vectorise.
        const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
        const uint32_t rebiased = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
        const uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0u;
        return std::bit_cast<float>(static_cast<uint32_t>(bits & 0x8000u) << 16 | rebiased | special);
    }

  private:
    static uint16_t round(uint32_t raw) {
        const uint32_t magnitude = raw & 0x7fffffffu;
        const uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
        // Below the normal range the addition of a half rounds at 2^-24, the step of subnormals.
        const uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
        const uint32_t finite = magnitude >= 0x38800000u ? normal : subnormal;
        const uint32_t capped = magnitude >= 0x477ff000u ? 0x7c00u : finite;  // 65520 and more round to infinity
        const uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x1ffu);
        return static_cast<uint16_t>((raw >> 16 & 0x8000u) | (magnitude > 0x7f800000u ? nan : capped));
    }
};

/// Four bits of exponent, three of mantissa, no infinity (Micikevicius et al. 2022, arXiv 2209.05433): weights that
/// were made small to be stored, and operands of products on GPUs.
struct Float8E4M3 {
    static constexpr float kLargest = 448.0f;

    uint8_t bits = 0;

    /// Rounded to nearest even; what is larger becomes the largest.
    static constexpr Float8E4M3 nearest(float value) { return {round(std::bit_cast<uint32_t>(value))}; }
    operator float() const {  // NOLINT
        const uint32_t magnitude = bits & 0x7fu;
        const float rebiased = std::bit_cast<float>(magnitude << 20) * 0x1p120f;
        const uint32_t special = magnitude == 0x7fu ? 0x7fc00000u : std::bit_cast<uint32_t>(rebiased);
        return std::bit_cast<float>(static_cast<uint32_t>(bits & 0x80u) << 24 | special);
    }

  private:
    static constexpr uint8_t round(uint32_t raw) {
        constexpr uint32_t kMost = 0x43e00000u;  // 448
        const uint32_t any = raw & 0x7fffffffu, magnitude = any > kMost ? kMost : any;
        const uint32_t normal = (magnitude - 0x3c000000u + 0x7ffffu + (magnitude >> 20 & 1u)) >> 20;
        // Below the normal range the addition of 2^14 rounds at 2^-9, the step of subnormals.
        const uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0x1p14f) - 0x46800000u;
        const uint32_t finite = magnitude >= 0x3c800000u ? normal : subnormal;
        return static_cast<uint8_t>((raw >> 24 & 0x80u) | (any > 0x7f800000u ? 0x7fu : finite));
    }
};

/// Five bits of exponent, two of mantissa: the upper half of IEEE half precision. Only ever read.
struct Float8E5M2 {
    uint8_t bits = 0;

    operator float() const {  // NOLINT
        Float16 half;
        half.bits = static_cast<uint16_t>(bits << 8);
        return half;
    }
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
inline constexpr DType kDTypeOf<Float8E4M3> = DType::Float8E4M3;
template <>
inline constexpr DType kDTypeOf<Float8E5M2> = DType::Float8E5M2;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::Int64;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::Int32;

}  // namespace kine
