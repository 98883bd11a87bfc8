#include "runtime/tensor/dtype.h"

#include "runtime/error.h"

#include <array>

namespace kine {

namespace {

struct Row {
    DType dtype;
    std::string_view name;
    int64_t bytes;
};

constexpr std::array<Row, 8> kRows = {{{DType::Float32, "f32", 4},
                                       {DType::BFloat16, "bf16", 2},
                                       {DType::Float16, "f16", 2},
                                       {DType::Float8E4M3, "f8_e4m3", 1},
                                       {DType::Float8E5M2, "f8_e5m2", 1},
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
    fail(ErrorCode::Usage, "unknown dtype '{}', known are f32, bf16, f16, f8_e4m3, f8_e5m2, i64, i32, u8", name);
}

}  // namespace kine
