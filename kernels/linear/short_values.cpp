#include "kernels/linear/short_values.h"

#include "runtime/device/host/processor.h"

#include <algorithm>
#include <numeric>

namespace kine::kernels {

namespace {

constexpr int64_t kMostLookedAt = 1 << 16;

BFloat16 joined(uint8_t rest, uint8_t exponent) {
    BFloat16 value;
    value.bits = static_cast<uint16_t>((rest & 0x80) << 8 | exponent << 7 | (rest & 0x7f));
    return value;
}

}  // namespace

ExponentNames name_exponents(std::span<const BFloat16> values) {
    std::array<int64_t, 256> counts = {};
    const size_t step = values.size() / kMostLookedAt + 1;
    for (size_t i = 0; i < values.size(); i += step) ++counts[values[i].bits >> 7 & 0xff];
    counts[0] = static_cast<int64_t>(values.size()) + 1;
    std::array<uint8_t, 256> by_count;
    std::iota(by_count.begin(), by_count.end(), uint8_t{0});
    std::ranges::stable_sort(by_count, std::ranges::greater(), [&](uint8_t exponent) { return counts[exponent]; });
    ExponentNames names;
    names.names.fill(ExponentNames::kNone);
    for (uint8_t name = 0; name < ExponentNames::kCount; ++name) {
        names.exponents[name] = by_count[name];
        names.names[by_count[name]] = name;
    }
    return names;
}

void expand(const uint8_t* from, int64_t count, const ExponentNames& names, BFloat16* to) {
    return uses_avx512() ? expand_wide(from, count, names, to) : expand_plain(from, count, names, to);
}

void expand_plain(const uint8_t* from, int64_t count, const ExponentNames& names, BFloat16* to) {
    constexpr int64_t kHalf = kShortRun / 2;
    for (; count > 0; count -= kShortRun, from += kShortRunBytes, to += kShortRun) {
        for (int64_t i = 0; i < kHalf; ++i) {
            const uint8_t both = from[kShortRun + i];
            to[i] = joined(from[i], names.exponents[both & 0xf]);
            to[kHalf + i] = joined(from[kHalf + i], names.exponents[both >> 4]);
        }
    }
}

}  // namespace kine::kernels
