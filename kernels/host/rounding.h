// Whole parts of sizes.
#pragma once

#include <cstdint>

namespace kine::kernels {

constexpr int64_t divided_up(int64_t value, int64_t by) { return (value + by - 1) / by; }
constexpr int64_t rounded_up(int64_t value, int64_t to) { return divided_up(value, to) * to; }

}  // namespace kine::kernels
