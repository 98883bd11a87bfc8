// Products of GPUs that trade exactness for speed: e4m3 with scales against a twin in double, and TF32.
#include "kernels/linear/linear.h"
#include "tests/device/device_ops.h"
#include "tests/runtime/errors.h"

#include <cmath>
#include <limits>

namespace kine::kernels {
namespace {

class DeviceProducts : public DeviceOps {};

/// Of all that e4m3 knows, the nearest to a value; the even one of two.
double nearest_e4m3(double value) {
    double best = 0, distance = HUGE_VAL;
    for (int bits = 0; bits < 256; ++bits) {
        Float8E4M3 candidate;
        candidate.bits = static_cast<uint8_t>(bits);
        const double known = static_cast<double>(static_cast<float>(candidate));
        if (std::isnan(known) || std::abs(known - value) > distance) continue;
        if (std::abs(known - value) == distance && bits % 2 != 0) continue;
        best = known, distance = std::abs(known - value);
    }
    return best;
}

/// Rows as e4m3 times a scale that makes the largest 448, as doubles.
std::vector<double> through_e4m3(const Tensor& x) {
    std::vector<double> values = to_doubles(x);
    const auto width = static_cast<size_t>(x.dim(-1));
    for (size_t row = 0; row < values.size() / width; ++row) {
        double largest = 0;
        for (size_t i = 0; i < width; ++i) largest = std::max(largest, std::abs(values[row * width + i]));
        if (largest < 1e-30) {
            std::fill_n(values.begin() + static_cast<int64_t>(row * width), width, 0.0);
            continue;
        }
        for (size_t i = 0; i < width; ++i) {
            double& value = values[row * width + i];
            value = nearest_e4m3(static_cast<float>(value) * (448.0f / static_cast<float>(largest))) * largest / 448;
        }
    }
    return values;
}

TEST_F(DeviceProducts, ProductsOfFp8EqualTheTwin) {
    const Tensor weight = random({32, 48}, DType::BFloat16), bias = random({32}, DType::BFloat16);
    Tensor x = random({7, 48}, DType::BFloat16);
    for (int64_t i = 0; i < 48; ++i) x.data<BFloat16>()[2 * 48 + i] = 0.0f;    // a row without values
    for (int64_t i = 0; i < 48; ++i) x.data<BFloat16>()[4 * 48 + i] = 1e-37f;  // one that counts as such
    x.data<BFloat16>()[5 * 48 + 3] = 3000.0f;                                  // an outlier costs its own row
    const LinearWeight layer(device(), to_device(device(), weight), to_device(device(), bias), Quantization::Fp8);
    EXPECT_EQ(layer.dtype(), DType::BFloat16);
    EXPECT_EQ(layer.quantization(), Quantization::Fp8);
    const std::vector<double> rows = through_e4m3(x), columns = through_e4m3(weight), offsets = to_doubles(bias);
    std::vector<double> want;
    for (size_t r = 0; r < 7; ++r) {
        for (size_t c = 0; c < 32; ++c) {
            double sum = offsets[c];
            for (size_t k = 0; k < 48; ++k) sum += rows[r * 48 + k] * columns[c * 48 + k];
            want.push_back(sum);
        }
    }
    const Tensor got = to_host(device(), linear(device(), to_device(device(), x), layer));
    expect_close(got, want, Tolerance{8e-3, 1e-3});
    expect_close(layer.unpacked_weight(device()), columns, Tolerance{8e-3, 1e-6});
}

TEST_F(DeviceProducts, WhatIsNotFiniteShowsThroughFp8) {
    Tensor x = random({3, 16}, DType::BFloat16);
    x.data<BFloat16>()[16 + 7] = std::numeric_limits<float>::quiet_NaN();
    x.data<BFloat16>()[32 + 2] = std::numeric_limits<float>::infinity();
    const Tensor weight = to_device(device(), random({16, 16}, DType::BFloat16));
    const LinearWeight layer(device(), weight, {}, Quantization::Fp8);
    const Tensor got = to_host(device(), linear(device(), to_device(device(), x), layer));
    for (int64_t i = 0; i < 16; ++i) {
        EXPECT_TRUE(std::isfinite(static_cast<float>(got.data<BFloat16>()[i])));
        EXPECT_TRUE(std::isnan(static_cast<float>(got.data<BFloat16>()[16 + i])));
        EXPECT_TRUE(std::isnan(static_cast<float>(got.data<BFloat16>()[32 + i])));
    }
}

TEST_F(DeviceProducts, FormsOfProductsKnowTheirTypes) {
    const auto make = [&](DType dtype, Quantization quantization) {
        return LinearWeight(device(), to_device(device(), random({16, 16}, dtype)), {}, quantization);
    };
    const auto refused = [&](DType dtype, Quantization quantization) {
        return error_of(ErrorCode::Unsupported, [&] { make(dtype, quantization); });
    };
    EXPECT_EQ(make(DType::BFloat16, Quantization::Fp8).quantization(), Quantization::Fp8);
    EXPECT_EQ(make(DType::Float32, Quantization::Tf32).quantization(), Quantization::Tf32);
    EXPECT_EQ(refused(DType::Float32, Quantization::Fp8), "quantize fp8: expected dtype bf16, got f32");
    EXPECT_EQ(refused(DType::BFloat16, Quantization::Tf32), "quantize tf32: expected dtype f32, got bf16");
    EXPECT_NE(refused(DType::Float32, Quantization::Int8).find("expected none or tf32"), std::string::npos);
    const LinearWeight odd(device(), to_device(device(), random({20, 16}, DType::BFloat16)), {}, Quantization::Fp8);
    const Tensor x = to_device(device(), random({2, 16}, DType::BFloat16));
    EXPECT_EQ(linear(device(), x, odd).dim(-1), 20) << "stays bf16";
}

/// Ten bits of mantissa: neither the product of f32 nor far from it.
TEST_F(DeviceProducts, ProductsOfTf32) {
    const Tensor weight = random({24, 40}, DType::Float32), x = random({5, 40}, DType::Float32);
    const Tensor there = to_device(device(), weight), rows = to_device(device(), x);
    const Tensor exact = to_host(device(), linear(device(), rows, LinearWeight(device(), there)));
    const Tensor fast =
        to_host(device(), linear(device(), rows, LinearWeight(device(), there, {}, Quantization::Tf32)));
    EXPECT_FALSE(same_bits(exact, fast));
    expect_close(fast, to_doubles(exact), Tolerance{0, 40 * 0x1p-10});
}

}  // namespace
}  // namespace kine::kernels
