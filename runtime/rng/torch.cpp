// Two methods, by size, as in PyTorch: below 16 elements one value at a time in double; else 24-bit uniforms over the
// whole tensor, then Box-Muller on blocks of 16 whose first half meets its second half.
#include "runtime/rng/torch.h"

#include "runtime/rng/box_muller.h"
#include "runtime/tensor/transfer.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace kine {

namespace {

constexpr int64_t kGrainBlocks = 512;

}  // namespace

float TorchNoise::uniform_float() { return static_cast<float>(words_() & 0xffffffu) * 0x1p-24f; }

double TorchNoise::uniform_double() {
    const uint64_t high = words_();
    const uint64_t word = (high << 32) | words_();
    return static_cast<double>(word & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
}

float TorchNoise::single() {
    if (kept_) return static_cast<float>(*std::exchange(kept_, std::nullopt));
    const double angle = 2.0 * std::numbers::pi * uniform_double();
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform_double()));
    kept_ = radius * std::sin(angle);
    return static_cast<float>(radius * std::cos(angle));
}

void TorchNoise::fill_uniform(float* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) values[i] = uniform_float();
}

Tensor TorchNoise::normal(const Context& context, const Shape& shape) {
    Tensor tensor = Tensor::empty(context.host(), shape, DType::Float32);
    const int64_t count = tensor.elements();
    float* values = tensor.data<float>();
    if (count < kBoxMullerBlock) {
        for (int64_t i = 0; i < count; ++i) values[i] = single();
        return to_device(context, tensor);
    }
    fill_uniform(values, count);
    context.threads.parallel_for(count / kBoxMullerBlock, kGrainBlocks, [=](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) box_muller_block(values + block * kBoxMullerBlock);
    });
    if (count % kBoxMullerBlock == 0) return to_device(context, tensor);
    float* tail = values + count - kBoxMullerBlock;  // drawn afresh, over values that were done already
    fill_uniform(tail, kBoxMullerBlock);
    box_muller_block(tail);
    return to_device(context, tensor);
}

}  // namespace kine
