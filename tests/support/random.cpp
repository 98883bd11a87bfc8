#include "tests/support/random.h"

#include <cmath>
#include <numbers>

namespace kine {

namespace {

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, and the same everywhere, unlike std::normal_distribution.
uint64_t next_word(uint64_t& state) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t word = state;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

double next_uniform(uint64_t& state) { return (static_cast<double>(next_word(state) >> 11) + 0.5) * 0x1.0p-53; }

double next_normal(uint64_t& state) {
    const double radius = std::sqrt(-2.0 * std::log(next_uniform(state)));
    return radius * std::cos(2.0 * std::numbers::pi * next_uniform(state));
}

double read_element(const std::byte* at, DType dtype) {
    switch (dtype) {
        case DType::Float32:
            return *reinterpret_cast<const float*>(at);
        case DType::BFloat16:
            return static_cast<float>(*reinterpret_cast<const BFloat16*>(at));
        case DType::Float16:
            return static_cast<float>(*reinterpret_cast<const Float16*>(at));
        case DType::Float8E4M3:
            return static_cast<float>(*reinterpret_cast<const Float8E4M3*>(at));
        case DType::Float8E5M2:
            return static_cast<float>(*reinterpret_cast<const Float8E5M2*>(at));
        case DType::Int64:
            return static_cast<double>(*reinterpret_cast<const int64_t*>(at));
        case DType::Int32:
            return *reinterpret_cast<const int32_t*>(at);
        case DType::UInt8:
            return *reinterpret_cast<const uint8_t*>(at);
    }
    return 0.0;
}

void write_element(std::byte* at, DType dtype, double value) {
    switch (dtype) {
        case DType::Float32:
            *reinterpret_cast<float*>(at) = static_cast<float>(value);
            break;
        case DType::BFloat16:
            *reinterpret_cast<BFloat16*>(at) = static_cast<float>(value);
            break;
        case DType::Float16:
            *reinterpret_cast<Float16*>(at) = static_cast<float>(value);
            break;
        case DType::Float8E4M3:
        case DType::Float8E5M2:  // only ever read
            fail(ErrorCode::Bug, "no tensor of {} is made here", name_of(dtype));
        case DType::Int64:
            *reinterpret_cast<int64_t*>(at) = static_cast<int64_t>(value);
            break;
        case DType::Int32:
            *reinterpret_cast<int32_t*>(at) = static_cast<int32_t>(value);
            break;
        case DType::UInt8:
            *reinterpret_cast<uint8_t*>(at) = static_cast<uint8_t>(value);
            break;
    }
}

void append_axis(const Tensor& tensor, int axis, const std::byte* at, std::vector<double>& values) {
    if (axis == tensor.rank()) {
        values.push_back(read_element(at, tensor.dtype()));
        return;
    }
    const int64_t step = tensor.stride(axis) * size_of(tensor.dtype());
    for (int64_t index = 0; index < tensor.dim(axis); ++index) append_axis(tensor, axis + 1, at + index * step, values);
}

}  // namespace

Tensor random_tensor(const Context& context, const Shape& shape, DType dtype, uint64_t seed, float scale) {
    uint64_t state = seed * 0xd1342543de82ef95u + 1;
    std::vector<double> values(static_cast<size_t>(shape.elements()));
    for (double& value : values) value = scale * next_normal(state);
    return from_doubles(context, shape, dtype, values);
}

std::vector<double> to_doubles(const Tensor& tensor) {
    std::vector<double> values;
    values.reserve(static_cast<size_t>(tensor.elements()));
    append_axis(tensor, 0, tensor.raw(), values);
    return values;
}

Tensor from_doubles(const Context& context, const Shape& shape, DType dtype, const std::vector<double>& values) {
    Tensor tensor = Tensor::empty(context, shape, dtype);
    check(static_cast<int64_t>(values.size()) == shape.elements(), ErrorCode::Bug, "{} values for shape {}",
          values.size(), to_string(shape));
    std::byte* at = tensor.raw();
    for (const double value : values) {
        write_element(at, dtype, value);
        at += size_of(dtype);
    }
    return tensor;
}

}  // namespace kine
