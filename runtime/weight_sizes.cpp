#include "runtime/weight_sizes.h"

#include "runtime/error.h"

#include <algorithm>
#include <charconv>

namespace kine {

int64_t count_blocks(const Weights& weights, std::string_view blocks) {
    int64_t count = 0;
    for (const std::string& name : weights.names()) {
        if (!name.starts_with(blocks) || name.size() <= blocks.size() || name[blocks.size()] != '.') continue;
        int64_t index = -1;
        std::from_chars(name.data() + blocks.size() + 1, name.data() + name.size(), index);
        count = std::max(count, index + 1);
    }
    return count;
}

int64_t size_of(const Weights& weights, const std::string& name, int axis) {
    check(weights.contains(name), ErrorCode::BadInput, "{}: expected a tensor {}, whose shape tells sizes",
          weights.label(), name);
    const Shape& shape = weights.entry(name).shape;
    check(axis < shape.rank() && shape[axis] > 0, ErrorCode::BadInput, "{}: {} has the shape {}, expected an axis {}",
          weights.label(), name, to_string(shape), axis);
    return shape[axis];
}

}  // namespace kine
