// Comparing a tensor with its twin: one message that names the first element that is off.
#pragma once

#include "tests/support/random.h"
#include "tests/support/tolerance.h"

#include <gtest/gtest.h>

#include <cstring>

namespace kine {

inline void expect_close(const Tensor& got, const std::vector<double>& want, Tolerance tolerance) {
    const std::vector<double> values = to_doubles(got);
    ASSERT_EQ(values.size(), want.size());
    for (size_t index = 0; index < want.size(); ++index) {
        ASSERT_TRUE(tolerance.accepts(values[index], want[index]))
            << "element " << index << " of " << to_string(got.shape()) << ": got " << values[index] << ", want "
            << want[index];
    }
}

/// Same shape, dtype and bits; both contiguous.
inline bool same_bits(const Tensor& a, const Tensor& b) {
    const bool alike = a.shape() == b.shape() && a.dtype() == b.dtype() && a.is_contiguous() && b.is_contiguous();
    return alike && (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), static_cast<size_t>(a.bytes())) == 0);
}

}  // namespace kine
