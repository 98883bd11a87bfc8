#include "runtime/tensor/dtype.h"

#include "runtime/error.h"

#include <array>
#include <cmath>

namespace kine {

namespace {

struct Row {
    DType dtype;
    std::string_view name;
    int64_t bytes;
};

constexpr std::array<Row, 6> kRows = {{{DType::Float32, "f32", 4},
                                       {DType::BFloat16, "bf16", 2},
                                       {DType::Float16, "f16", 2},
                                       {DType::Int64, "i64", 8},
                                       {DType::Int32, "i32", 4},
                                       {DType::UInt8, "u8", 1}}};

const Row& row_of(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

}  // namespace

int64_t size_of(DType dtype) { return row_of(dtype).bytes; }
std::string_view name_of(DType dtype) { return row_of(dtype).name; }

DType dtype_from_name(std::string_view name) {
    for (const Row& row : kRows) {
        if (row.name == name) return row.dtype;
    }
    fail(ErrorCode::Usage, "unknown dtype '{}', known are f32, bf16, f16, i64, i32, u8", name);
}

Float16::Float16(float value) {
    const auto raw = std::bit_cast<uint32_t>(value);
    const auto sign = static_cast<uint16_t>((raw >> 16) & 0x8000u);
    const uint32_t magnitude = raw & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {  // NaN keeps its upper payload bits
        bits = static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x1ffu));
    } else if (magnitude >= 0x477ff000u) {  // rounds to 65536 or beyond
        bits = static_cast<uint16_t>(sign | 0x7c00u);
    } else if (magnitude >= 0x38800000u) {  // normal: re-bias, round to nearest even
        const uint32_t rebiased = magnitude - 0x38000000u;
        bits = static_cast<uint16_t>(sign | ((rebiased + 0xfffu + ((rebiased >> 13) & 1u)) >> 13));
    } else {  // subnormal: let float addition do the rounding at 2^-24
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        bits = static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
    }
}

Float16::operator float() const {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    const uint32_t exponent = (bits >> 10) & 0x1fu;
    const uint32_t fraction = bits & 0x3ffu;
    if (exponent == 0) return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(std::ldexp(static_cast<float>(fraction), -24)));
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
    return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

}  // namespace kine
