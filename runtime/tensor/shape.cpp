#include "runtime/tensor/shape.h"

#include "runtime/error.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace kine {

Shape::Shape(std::span<const int64_t> sizes) {
    for (const int64_t size : sizes) append(size);
}

void Shape::append(int64_t size) {
    check(rank_ < kMaxRank, ErrorCode::Bug, "shape: more than {} axes", kMaxRank);
    check(size >= 0, ErrorCode::Bug, "shape: negative size {}", size);
    sizes_[static_cast<size_t>(rank_++)] = size;
}

int64_t Shape::elements() const {
    int64_t product = 1;
    for (const int64_t size : *this) {
        if (__builtin_mul_overflow(product, size, &product)) {
            fail(ErrorCode::BadInput, "shape {}: too many elements", to_string(*this));
        }
    }
    return product;
}

int Shape::index(int axis) const {
    const int found = axis < 0 ? axis + rank_ : axis;
    // Asked for in inner loops: the shape becomes text only when there is something to say.
    if (found < 0 || found >= rank_) fail(ErrorCode::Bug, "shape {}: no axis {}", to_string(*this), axis);
    return found;
}

bool Shape::operator==(const Shape& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace kine
