#include "kernels/linear/fp8_weight.h"

#include "kernels/linear/fp8_rows_launch.h"
#include "kernels/linear/quantize.h"

#include <bit>

namespace kine::kernels {

namespace {

constexpr int64_t kGrainRows = 16;

/// As the device's rows have it (fp8_rows.cuh); of one that is not finite the scale is neither.
void to_fp8_row(const BFloat16* row, int64_t count, Float8E4M3* values, float& scale) {
    const cuda::Fp8Scale by = cuda::fp8_scale(std::bit_cast<float>(largest_bits(row, count)));
    scale = by.scale;
    for (int64_t i = 0; i < count; ++i) values[i] = Float8E4M3::nearest(static_cast<float>(row[i]) * by.inverse);
}

}  // namespace

bool fits_fp8(const Shape& weight) {
    constexpr int64_t kMultiple = 16;
    return weight[0] % kMultiple == 0 && weight[1] % kMultiple == 0;
}

Fp8Weight to_fp8(const Context& host, const Tensor& weight) {
    const int64_t rows = weight.dim(0), depth = weight.dim(1);
    if (weight.is_imagined())
        return {Tensor::imagined({rows, depth}, DType::UInt8), Tensor::imagined({rows}, DType::Float32)};
    Fp8Weight made = {Tensor::empty(host, {rows, depth}, DType::UInt8), Tensor::empty(host, {rows}, DType::Float32)};
    const auto* from = weight.data<BFloat16>();
    auto* values = reinterpret_cast<Float8E4M3*>(made.values.data<uint8_t>());
    float* scales = made.scales.data<float>();
    host.threads.parallel_for(rows, kGrainRows, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
            to_fp8_row(from + row * depth, depth, values + row * depth, scales[row]);
    });
    return made;
}

Tensor from_fp8(const Context& host, const Fp8Weight& weight) {
    const int64_t rows = weight.values.dim(0), depth = weight.values.dim(1);
    Tensor wide = Tensor::empty(host, {rows, depth}, DType::BFloat16);
    const auto* values = reinterpret_cast<const Float8E4M3*>(weight.values.data<uint8_t>());
    const float* scales = weight.scales.data<float>();
    auto* out = wide.data<BFloat16>();
    host.threads.parallel_for(rows, kGrainRows, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin * depth; i < end * depth; ++i)
            out[i] = static_cast<float>(values[i]) * scales[i / depth];
    });
    return wide;
}

}  // namespace kine::kernels
