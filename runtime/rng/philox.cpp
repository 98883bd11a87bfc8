// Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include "runtime/rng/philox.h"

#include "runtime/tensor/transfer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kine {

namespace {

using Counter = std::array<uint32_t, 4>;
using Key = std::array<uint32_t, 2>;

constexpr int64_t kBlock = 4;  // values per counter
constexpr int64_t kGrain = 2048;

uint32_t low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t high(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

/// In (0, 1): never 0, whose logarithm is infinite.
double uniform(uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

/// Box-Muller in double, so that the last bits of libm's functions vanish in the rounding to float.
void normal_pair(uint32_t first, uint32_t second, float* target) {
    const double radius = std::sqrt(-2.0 * std::log(uniform(first)));
    const double angle = 2.0 * std::numbers::pi * uniform(second);
    target[0] = static_cast<float>(radius * std::cos(angle));
    target[1] = static_cast<float>(radius * std::sin(angle));
}

std::array<float, kBlock> normal_block(uint64_t seed, uint64_t draw, uint64_t block) {
    const Counter words = philox4x32({low(block), high(block), low(draw), high(draw)}, {low(seed), high(seed)});
    std::array<float, kBlock> values;
    normal_pair(words[0], words[1], values.data());
    normal_pair(words[2], words[3], values.data() + 2);
    return values;
}

}  // namespace

Counter philox4x32(Counter counter, Key key) {
    constexpr int kRounds = 10;
    for (int round = 0; round < kRounds; ++round) {
        const uint64_t first = uint64_t{0xd2511f53u} * counter[0];
        const uint64_t second = uint64_t{0xcd9e8d57u} * counter[2];
        counter = {high(second) ^ counter[1] ^ key[0], low(second), high(first) ^ counter[3] ^ key[1], low(first)};
        key = {key[0] + 0x9e3779b9u, key[1] + 0xbb67ae85u};
    }
    return counter;
}

Tensor PhiloxNoise::normal(const Context& context, const Shape& shape) {
    Tensor tensor = Tensor::empty(context.host(), shape, DType::Float32);
    const uint64_t draw = draws_++;
    const int64_t count = tensor.elements();
    float* values = tensor.data<float>();
    const auto fill = [=, seed = seed_](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
            const auto four = normal_block(seed, draw, static_cast<uint64_t>(block));
            std::copy_n(four.begin(), std::min(kBlock, count - block * kBlock), values + block * kBlock);
        }
    };
    context.threads.parallel_for((count + kBlock - 1) / kBlock, kGrain, fill);
    return to_device(context, tensor);
}

}  // namespace kine
